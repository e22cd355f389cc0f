"""Options of attribution methods as data: what each means, which values are valid, and its default.

Validation, ``help(gb.METHODS["lime"])``, the docstring of :func:`glassbert.attribute` and the API reference all read
these records.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal

from glassbert.decision import BASELINES
from glassbert.errors import OptionError, OptionTypeError
from glassbert.pictures.markup import clipped

#: Limits above this come from the number generators and are never reached in practice, so they are not shown.
_UNTOLD = 2**32

__all__ = ["Option", "baseline", "batch_rows", "options_table", "seed"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a method.

    ``minimum`` and ``maximum`` are themselves valid unless ``open_ends``; with ``open_start`` only the minimum is
    invalid. ``choices`` are all valid strings. ``none`` is what None means; without it None is invalid. ``unit`` is
    what a number counts or is measured in.
    """

    name: str
    type: Literal["int", "float", "str"]
    default: Any
    meaning: str
    unit: str = ""
    minimum: float = 0
    maximum: float | None = None
    open_start: bool = False
    open_ends: bool = False
    choices: tuple[str, ...] = ()
    none: str = ""

    @property
    def annotation(self) -> str:
        """The type as Python writes it: "int | None"."""
        kind = f"Literal[{', '.join(map(repr, self.choices))}]" if self.choices else self.type
        return f"{kind} | None" if self.none else kind

    @property
    def valid(self) -> str:
        """The valid values: "an integer from 1 to 10000, or None (as many as the tolerance needs)"."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        kind = "an integer" if self.type == "int" else "a number"
        if self.maximum is None or self.maximum > _UNTOLD:
            values = f"{kind} of at least {self.minimum:g}"
        elif self.open_ends:
            values = f"{kind} strictly between {self.minimum:g} and {self.maximum:g}"
        elif self.open_start:
            values = f"{kind} above {self.minimum:g} and at most {self.maximum:g}"
        else:
            values = f"{kind} from {self.minimum:g} to {int(self.maximum) if self.type == 'int' else self.maximum}"
        return f"{values}, or None ({self.none})" if self.none else values

    def accept(self, value: Any) -> Any:
        """The value as a plain Python one. Raises OptionError, OptionTypeError if it is not valid."""
        if value is None and self.none:
            return None
        if self.choices:
            if isinstance(value, str) and value in self.choices:
                return value
            error = OptionError if isinstance(value, str) else OptionTypeError
            raise error(self._refusal(repr(value)))
        right: type = Integral if self.type == "int" else Real
        if isinstance(value, bool) or not isinstance(value, right):
            raise OptionTypeError(self._refusal(str(value)))
        if not self._within(value):
            raise OptionError(self._refusal(str(value)))
        number: Any = value
        return int(number) if self.type == "int" or type(number) is int else float(number)

    def _refusal(self, shown: str) -> str:
        return f"{self.name} must be {self.valid}; got {clipped(shown, 60)}"

    def _within(self, value: Any) -> bool:
        maximum = float("inf") if self.maximum is None else self.maximum
        above = value > self.minimum if self.open_start or self.open_ends else value >= self.minimum
        return bool(above and (value < maximum if self.open_ends else value <= maximum))

    def described(self) -> str:
        """As in numpydoc: name, type and default; then meaning, valid values and unit, indented."""
        unit = f" Unit: {self.unit}." if self.unit else ""
        valid = "" if self.choices else f" Valid values: {self.valid}."
        lines = textwrap.wrap(f"{self.meaning}{valid}{unit}", 96)
        return "\n    ".join([f"{self.name} : {self.annotation}, default {self.default!r}", *lines])


def options_table(options: Sequence[Option]) -> str:
    """The options of a method as a section of its docstring."""
    listed = "\n".join(option.described() for option in options) or "None."
    return f"Options\n-------\n{listed}"


def baseline(default: str) -> Option:
    """What replaces a hidden word."""
    meanings = "'pad' and 'mask' are the model's own tokens, 'zero' is a vector of zeros."
    return Option("baseline", "str", default, f"What replaces a hidden word: {meanings}", choices=tuple(BASELINES))


def seed(maximum: int | None = None) -> Option:
    """The seed of random draws."""
    return Option("seed", "int", 0, "The same seed gives the same samples.", maximum=maximum)


def batch_rows() -> Option:
    """How many inputs share a forward pass."""
    return Option(
        "internal_batch_size",
        "int",
        None,
        "Number of inputs that are sent through the network at once.",
        unit="inputs",
        minimum=1,
        none="chosen by the length of the text and the available memory",
    )
