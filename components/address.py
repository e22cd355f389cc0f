"""URL parameters: the fields of a dataclass as short strings, and back.

A field's type determines its values: ``bool``, ``str``, a ``Literal`` of the valid values, or an ``int`` annotated
with a :class:`Between`. Reading never fails: any other value is replaced by the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import urlencode

from components.text import well_formed

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["Between", "Count", "Place", "length", "read", "written"]

Fields = TypeVar("Fields", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Between:
    """The bounds of a number, both included. A value outside them in a link is clamped."""

    least: int
    most: int

    def clamp(self, number: int) -> int:
        return min(max(number, self.least), self.most)


#: How many, or which one, counted from 0.
Count = Annotated[int, Between(0, 1_000_000)]
#: Which one, counted from 0; −1: none.
Place = Annotated[int, Between(-1, 1_000_000)]


def written(values: DataclassInstance, fresh: DataclassInstance) -> dict[str, str]:
    """The parameters of an address: name → value of the fields that differ from a fresh object."""
    return {
        field.name: _written(getattr(values, field.name))
        for field in fields(values)
        if getattr(values, field.name) != getattr(fresh, field.name)
    }


def read(parameters: Mapping[str, str], fresh: Fields) -> Fields:
    """The fresh object with the values of the parameters; names that match no field are ignored."""
    kinds = _kinds(type(fresh))
    said = {
        name: _read(parameters[name], kind, getattr(fresh, name)) for name, kind in kinds.items() if name in parameters
    }
    return replace(fresh, **said)


def length(parameters: Mapping[str, str]) -> int:
    """Length in characters of a request line: a Chinese character takes nine."""
    return len(urlencode(parameters, errors="replace"))


@cache
def _kinds(group: type[DataclassInstance]) -> dict[str, Any]:
    hints = get_type_hints(group, include_extras=True)
    return {field.name: hints[field.name] for field in fields(group)}


def _written(value: str | int | bool) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _read(said: str, kind: Any, default: Any) -> Any:
    if kind is str:
        return well_formed(said)
    if kind is bool:
        return {"0": False, "1": True}.get(said, default)
    if get_origin(kind) is Literal:
        return {_written(value): value for value in get_args(kind)}.get(said, default)
    _, bounds = get_args(kind)
    try:
        return bounds.clamp(int(said))
    except ValueError:
        return default
