"""URL parameters: the fields of a dataclass as short strings, and back.

A field's type determines its values: ``bool``, ``str``, a ``Literal`` of the valid values, or an ``int`` annotated
with a :class:`Between`. Reading never fails: any other value is replaced by the default.

An address of more than 2,000 characters, which some programs cut, is packed: its long values are in one parameter,
compressed. The limit is 7,500 characters: Streamlit's server and Chromium were seen to take 100,000, but a proxy in
between may take 8,192 for the whole request line, as nginx does unless it is told otherwise. That is room for some
12,000 characters of English in all, more than a model with 512 positions reads.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import urlencode

from components.text import well_formed

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "LONGEST",
    "PACKED",
    "Between",
    "Count",
    "Place",
    "fits",
    "length",
    "packed",
    "read",
    "unpacked",
    "written",
    "written_in_full",
]

#: The parameter that holds others, compressed.
PACKED = "z"
#: Characters of an address's parameters.
LONGEST = 7_500
_READABLE = 2_000
# Shorter values stay readable also in an address that is packed.
_LONG_VALUE = 80
# What a packed address may become, in bytes: a few kilobytes could claim to be gigabytes.
_MOST_UNPACKED = 400_000
# The raw format: a header and a checksum would take ten characters.
_RAW = -zlib.MAX_WBITS

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


def written_in_full(values: DataclassInstance) -> dict[str, str]:
    """Name → value of all fields: for a reader whose fresh object may be another one."""
    return {field.name: _written(getattr(values, field.name)) for field in fields(values)}


def read(parameters: Mapping[str, str], fresh: Fields) -> Fields:
    """The fresh object with the values of the parameters; names that match no field are ignored."""
    kinds, parameters = _kinds(type(fresh)), unpacked(parameters)
    said = {
        name: _read(parameters[name], kind, getattr(fresh, name)) for name, kind in kinds.items() if name in parameters
    }
    return replace(fresh, **said)


def length(parameters: Mapping[str, str]) -> int:
    """Length in characters of a request line: a Chinese character takes nine."""
    return len(urlencode(parameters, errors="replace"))


def fits(parameters: Mapping[str, str]) -> bool:
    """Whether an address with these parameters opens everywhere."""
    return length(parameters) <= LONGEST


def packed(parameters: Mapping[str, str]) -> dict[str, str]:
    """The same as short as it gets: a short address as it is, of a long one the long values compressed."""
    if length(parameters) <= _READABLE:
        return dict(parameters)
    long = {name: value for name, value in parameters.items() if length({name: value}) > _LONG_VALUE}
    compress = zlib.compressobj(9, zlib.DEFLATED, _RAW)
    said = json.dumps(long, ensure_ascii=False, separators=(",", ":")).encode()
    value = base64.urlsafe_b64encode(compress.compress(said) + compress.flush()).decode().rstrip("=")
    short = {name: value for name, value in parameters.items() if name not in long} | {PACKED: value}
    return short if length(short) < length(parameters) else dict(parameters)


def unpacked(parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters with those that are packed in them; whatever is no packed address is left out."""
    plain = {name: value for name, value in parameters.items() if name != PACKED}
    return dict(_unpacked(parameters[PACKED])) | plain if PACKED in parameters else plain


@lru_cache(maxsize=64)
def _unpacked(value: str) -> dict[str, str]:
    try:
        content = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
        decompress = zlib.decompressobj(_RAW)
        said = decompress.decompress(content, _MOST_UNPACKED)
        if not decompress.eof or decompress.unused_data:
            return {}
        found = json.loads(said)
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: well_formed(each) for name, each in found.items() if isinstance(each, str) and name != PACKED}


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
