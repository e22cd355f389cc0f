"""Tests of behaviour: the suites on board, one of the visitor's own, and the work of a test."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from components.gateway.library import gb, import_library
from components.gateway.models import load
from components.gateway.requests import ModelRequest

if TYPE_CHECKING:
    from glassbert.suites import Behaviour, Suite

__all__ = ["ENDINGS", "MOST_BYTES", "head_for", "on_board", "read", "suite", "test"]

#: What a suite may be written as, and how large.
ENDINGS, MOST_BYTES = ("yaml", "yml", "csv"), 1_000_000


def on_board() -> Mapping[str, str]:
    """Id → what the suite asks, in one line."""
    import_library()
    from glassbert.suites.on_board import SUITES

    return SUITES


def suite(name: str) -> Suite:
    """A suite on board."""
    return gb.read_suite(name)


def read(name: str, content: bytes) -> Suite:
    """A suite that was uploaded. Raises GlassBERTError, which names the line or the cell."""
    if len(content) > MOST_BYTES:
        raise gb.GlassBERTError(f"a suite may have at most {MOST_BYTES / 1e6:g} MB here")
    ending = Path(name).suffix.lower()
    if ending.removeprefix(".") not in ENDINGS:
        raise gb.GlassBERTError(f"a suite is a file that ends in .{', .'.join(ENDINGS)}")
    with tempfile.TemporaryDirectory(prefix="glassbert-suite-") as folder:
        place = Path(folder) / f"suite{ending}"
        place.write_bytes(content)
        try:
            return gb.read_suite(place)
        except gb.GlassBERTError as error:  # the file has a name of its own here
            raise gb.GlassBERTError(str(error).replace(str(place), name).replace(place.name, name)) from None


def head_for(chosen: Suite) -> str:
    """The task head that a model needs for a suite."""
    pairs = all(test.kind == "minimal_pair" for test in chosen.tests)
    return "masked_words" if pairs else "classification"


def test(request: ModelRequest, chosen: Suite, most: int) -> Callable[..., Behaviour]:
    """The work of a job: one pass a text, and one a token for minimal pairs."""
    model = load(request)
    return lambda **job: gb.behaviour(model, chosen, most=most, **job)
