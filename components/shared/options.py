"""The options of a widget, and the selected one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

__all__ = ["one_of"]

_T = TypeVar("_T")


def one_of(options: Iterable[_T], chosen: object) -> _T:
    """The option that equals ``chosen``, or the first if a link or a cleared widget gives something else."""
    known = list(options)
    return next((option for option in known if option == chosen), known[0])
