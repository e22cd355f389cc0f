"""What a kind of recipe declares about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from glassbert.compression._draft import Draft
from glassbert.tables import Table

__all__ = ["Given", "Recipe", "require_table"]


@dataclass(frozen=True, slots=True)
class Given:
    """What a recipe may use besides its value: texts, and how far it is."""

    table: Table | None
    progress: Callable[[int, int], None]
    check: Callable[[], None]  # raises StoppedError once the work is cancelled


@dataclass(frozen=True, slots=True)
class Recipe:
    """One kind of recipe: a name alone ("int8"), or the key of a value ({"heads": 0.2}).

    ``apply(draft, value, given)`` changes the draft and describes in a sentence what was done; ``value`` is None for a
    name alone. ``last``: nothing can follow it in a chain.
    """

    name: str
    meaning: str
    apply: Callable[[Draft, Any, Given], str]
    has_value: bool = True
    last: bool = False


def require_table(given: Given, name: str) -> Table:
    """The table by which importance is measured. Raises OptionError."""
    from glassbert.errors import OptionError

    if given.table is None or not len(given.table):
        raise OptionError(
            f"{{{name!r}: share}} removes what matters least on given texts: pass them as table=, a Table of "
            "gb.read_table"
        )
    return given.table
