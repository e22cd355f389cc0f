"""The labels of a token classifier, read as types of entities: BIO, BIOES and BILOU, or plain ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

__all__ = ["OUTSIDE", "grouped", "type_of", "types_of"]

OUTSIDE = "O"
#: Prefix of a label → whether a span begins and whether it ends there.
_PREFIXES = {
    "B": (True, False),
    "I": (False, False),
    "E": (False, True),
    "L": (False, True),
    "S": (True, True),
    "U": (True, True),
}

_Unit = TypeVar("_Unit")


def type_of(label: str) -> str:
    """``"B-PER" → "PER"``; a label without such a prefix is its own type."""
    return label[2:] if label[1:2] == "-" and label[0] in _PREFIXES else label


def types_of(labels: Sequence[str]) -> tuple[str, ...]:
    """The types of these labels, each once, in their order; "O", outside of all entities, is one of them."""
    return tuple(dict.fromkeys(type_of(label) for label in labels))


def grouped(units: Iterable[tuple[_Unit, str]]) -> list[list[_Unit]]:
    """Neighbours of one type, from units with their labels; split where a label begins a span or the one before it
    ended one."""
    groups: list[list[_Unit]] = []
    before: str | None = None
    for unit, label in units:
        if before is None or type_of(before) != type_of(label) or _edges(label)[0] or _edges(before)[1]:
            groups.append([])
        groups[-1].append(unit)
        before = label
    return groups


def _edges(label: str) -> tuple[bool, bool]:
    """Whether a span begins at this label, and whether it ends there."""
    return _PREFIXES[label[0]] if type_of(label) != label else (False, False)
