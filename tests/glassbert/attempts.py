"""What may fail: the result, or the error, for tests that accept both."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import glassbert as gb

__all__ = ["attempt"]

_T = TypeVar("_T")


def attempt(work: Callable[[], _T]) -> tuple[_T | None, gb.GlassBERTError | None]:
    """The result and no error, or the GlassBERTError, which is a printable line; any other error is not caught."""
    try:
        return work(), None
    except gb.GlassBERTError as error:
        refused = error
    assert str(refused).isprintable()
    assert len(str(refused)) < 600
    return None, refused
