"""Tests of behaviour: the suites on board, those of visitors, which are kept on the server, and the work of a test."""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from components.gateway.cache import shared
from components.gateway.inputs import encode
from components.gateway.library import gb, import_library
from components.gateway.models import load
from components.gateway.requests import ModelRequest, TextRequest
from components.gateway.settings import runs_folder

if TYPE_CHECKING:
    from glassbert.suites import Behaviour, Suite

__all__ = [
    "ENDINGS",
    "MOST_BYTES",
    "as_long",
    "head_for",
    "is_own",
    "keep",
    "on_board",
    "own_file",
    "read",
    "suite",
    "test",
    "unknown_labels",
    "written",
]

#: What a suite may be written as, and how large.
ENDINGS, MOST_BYTES = ("yaml", "yml", "csv"), 1_000_000
#: Suites of visitors that a server keeps: the oldest go first. Whoever has the id, a secret in an address, sees one.
_MOST_KEPT = 200
_OWN = re.compile("own-([0-9a-f]{32})")


def on_board() -> Mapping[str, str]:
    """Id → what the suite asks, in one line."""
    import_library()
    from glassbert.suites.on_board import SUITES

    return SUITES


def is_own(name: str) -> bool:
    """Whether this has the form of the id of a visitor's own suite; nothing is looked up."""
    return _OWN.fullmatch(name) is not None


def suite(name: str) -> Suite | None:
    """A suite on board, or a visitor's own; None if that is not kept any more."""
    if not is_own(name):
        return _on_board(name)
    file = own_file(name)
    return None if file is None else _own(str(file))


@shared(16)
def _on_board(name: str) -> Suite:
    return gb.read_suite(name)


@shared(16)
def _own(file: str) -> Suite:
    """A file is written once, so that its path says what is in it."""
    return read(Path(file).name, Path(file).read_bytes())


def keep(name: str, content: bytes) -> str:
    """Keep a suite that was uploaded or edited, and return its id. Raises GlassBERTError for what is none."""
    read(name, content)
    stem, ending = re.sub(r"[^\w-]+", "-", Path(name).stem)[:60].strip("-") or "suite", Path(name).suffix.lower()
    kept = secrets.token_hex(16)
    try:
        folder = _folder() / kept
        folder.mkdir(parents=True, mode=0o700)
        (folder / f"{stem}{ending}").write_bytes(content)
    except OSError as error:
        raise gb.GlassBERTError(f"the suite cannot be kept: {error.strerror or error}") from error
    _forget_the_oldest()
    return f"own-{kept}"


def own_file(name: str) -> Path | None:
    """The file of a visitor's own suite, if it is still there."""
    found = _OWN.fullmatch(name)
    folder = _folder() / found[1] if found else None
    if folder is None or not folder.is_dir():
        return None
    return next((path for path in folder.iterdir() if path.suffix.removeprefix(".") in ENDINGS), None)


def written(name: str) -> tuple[str, str]:
    """The name of a suite's file, and what is in it, to be edited."""
    import_library()
    from glassbert.suites.on_board import path_of

    file = own_file(name) if is_own(name) else path_of(name)
    if file is None:
        raise gb.GlassBERTError("this suite is not kept any more: upload it again")
    return file.name, _text(file.read_bytes())


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "utf-16") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        with suppress(UnicodeError):
            return content.decode(encoding)
    return content.decode("cp1252", errors="replace")


def _folder() -> Path:
    return runs_folder() / "suites"


def _forget_the_oldest() -> None:
    folders = sorted(_folder().iterdir(), key=lambda folder: folder.stat().st_mtime_ns)
    for folder in folders[:-_MOST_KEPT]:
        shutil.rmtree(folder, ignore_errors=True)


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


def unknown_labels(request: ModelRequest, chosen: Suite) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Labels of the suite that the model does not have by any of their names, and the model's own."""
    from glassbert.suites.running import unknown_labels as unknown

    model = load(request)
    return unknown(model, chosen), model.labels


def as_long(request: ModelRequest, text: str, variant: str) -> bool:
    """Whether two texts have equally many tokens; False for one that cannot be read."""
    try:
        first, second = (len(encode(TextRequest(request, one, None))) for one in (text, variant))
    except gb.GlassBERTError:
        return False
    return first == second


def test(
    request: ModelRequest, chosen: Suite, most: int, texts: Sequence[str], labels: Mapping[str, str]
) -> Callable[..., Behaviour]:
    """The work of a job: one pass a text, and one a token for minimal pairs."""
    model = load(request)
    return lambda **job: gb.behaviour(model, chosen, list(texts) or None, labels=labels, most=most, **job)
