"""The options of a widget, and the one that is chosen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

__all__ = ["one_of"]

_T = TypeVar("_T")


def one_of(options: Iterable[_T], chosen: object) -> _T:
    """The option that equals ``chosen``; the first where a link or an emptied widget says something else."""
    known = list(options)
    return next((option for option in known if option == chosen), known[0])
