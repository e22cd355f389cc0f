"""Plain tables and texts for a terminal: aligned, one row a line, without control characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Sequence

from glassbert.pictures.markup import clipped

__all__ = ["padded", "plain", "table", "texts"]

_INVISIBLE = ("Mn", "Me", "Cf")
_JOINERS = "\u200c\u200d"


def plain(text: str, characters: int = 100) -> str:
    """One printable line: a control character, which could give orders to a terminal, is written as its escape."""
    shown = "".join(
        character
        if character.isprintable() or character in _JOINERS
        else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )
    return clipped(shown, characters)


def texts(given: Sequence[str], characters: int = 100) -> str:
    """One text, or both of a pair: ``"first | second"``."""
    return " | ".join(plain(text, characters // len(given)) for text in given)


def padded(text: str, width: int, *, right: bool = False) -> str:
    """The text with spaces up to a number of columns; wide characters take two, combining ones none."""
    gap = " " * (width - _columns(text))
    return gap + text if right else text + gap


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[int] = (),
    paint: Callable[[str, str], str] = lambda text, _look: text,
    looks: Sequence[str] = (),
) -> list[str]:
    """Lines of aligned columns; ``right`` are the columns of numbers, ``looks`` the look of each row's first column."""
    widths = [max(map(_columns, column)) for column in zip(head, *rows, strict=True)]
    last = len(head) - 1
    lines = []
    for number, row in enumerate((head, *rows)):
        cells = [
            cell if place == last and place not in right else padded(cell, widths[place], right=place in right)
            for place, cell in enumerate(row)
        ]
        if number == 0:
            cells = [paint(cell, "bold") for cell in cells]
        elif looks and looks[number - 1]:
            cells[0] = paint(cells[0], looks[number - 1])
        lines.append("  ".join(cells).rstrip())
    return lines


def _columns(text: str) -> int:
    return sum(_column(character) for character in text)


def _column(character: str) -> int:
    if unicodedata.category(character) in _INVISIBLE:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
