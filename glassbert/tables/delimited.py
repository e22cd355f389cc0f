"""Comma-separated files and their relatives: delimiter, quotation marks, and rows that are damaged."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from glassbert.errors import TableError

__all__ = ["Style", "header_of", "rows_of", "style_of"]

DELIMITERS = ("\t", ",", ";", "|")
#: No text has it: every line is one cell.
_NONE = "\x1f"
_SAMPLE_LINES = 500
#: Python's own limit for one cell. A quotation mark that is never closed is found by it.
_MOST_CHARACTERS = 131_072
_MOST_AGAIN = 500_000_000
_EXCEL_HINT = re.compile(r"sep=(.)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Style:
    """How a file is written. ``quotes``: "doubled" ("" inside quotation marks), "escaped" (\\"), or "none".

    ``skip``: lines before the names of the columns.
    """

    delimiter: str
    quotes: str = "doubled"
    skip: int = 0

    def options(self) -> dict[str, object]:
        """The same as options of ``csv.reader``."""
        quotes: dict[str, dict[str, object]] = {
            "doubled": {"doublequote": True},
            "escaped": {"doublequote": False, "escapechar": "\\"},
            "none": {"quoting": csv.QUOTE_NONE},
        }
        return {"delimiter": self.delimiter, "strict": True, **quotes[self.quotes]}


class _Feed:
    """Lines that can be handed out again."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self._again = iter(lines), list[str]()
        self.handed: list[str] = []
        self._repeated = 0

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._lines)
        self.handed.append(line)
        return line

    def take_back(self) -> None:
        """All that was handed out for this row but its first line."""
        back = self.handed[1:]
        self._repeated += sum(map(len, back))
        if self._repeated > _MOST_AGAIN:
            raise TableError("too many rows have a quotation mark that is never closed: write the file again")
        self._again += reversed(back)


def rows_of(lines: Iterable[str], style: Style) -> Iterator[tuple[int, list[str] | str]]:
    """Each row's number from 1, and its cells, or in words what is wrong with it. Line breaks in quotes are no rows.

    After damage, reading goes on at the next line. Blank lines at the end are no rows.
    """
    feed = _Feed(lines)
    reader = csv.reader(feed, **style.options())  # type: ignore[arg-type]
    blank: list[int] = []
    number = 0
    while True:
        feed.handed.clear()
        content: list[str] | str
        try:
            content = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            content = _complaint(str(error))
            feed.take_back()
            reader = csv.reader(feed, **style.options())  # type: ignore[arg-type]
        number += 1
        if not content:
            blank.append(number)
            continue
        yield from ((one, "the row is empty") for one in blank)
        blank.clear()
        yield number, content


def _complaint(error: str) -> str:
    if "field limit" in error or "unexpected end" in error:
        return f"a quotation mark is never closed, or a cell has more than {_MOST_CHARACTERS:,} characters"
    if "expected after" in error:
        return "a quotation mark is not closed, or one inside a cell is not written twice"
    return f"the row cannot be read: {error}"


def style_of(lines: Sequence[str]) -> Style:
    """Delimiter and quotation marks of a file from its first lines: what splits most rows as it splits the header."""
    if lines and (hint := _EXCEL_HINT.fullmatch(lines[0].lstrip("\ufeff"))):
        return Style(hint[1], skip=1)
    best, best_score = Style(_NONE), (0.0, 0)
    # Python's reader is not strict about the end of quotes that are escaped, so it must be seen that they are
    escaped = ("escaped",) if any('\\"' in line for line in lines) else ()
    for delimiter in DELIMITERS:
        for quotes in ("doubled", *escaped, "none"):
            style = Style(delimiter, quotes)
            score = _score(lines, style)
            if score > best_score:
                best, best_score = style, score
    return best


def _score(lines: Sequence[str], style: Style) -> tuple[float, int]:
    """The share of rows that have as many cells as the header, and this number; (0, 0) for one cell."""
    rows = [content for _, content in rows_of(lines, style)]
    if len(lines) == _SAMPLE_LINES and len(rows) > 1:
        rows.pop()  # it may go on after the sample
    if not rows or isinstance(rows[0], str) or len(rows[0]) < 2:
        return 0.0, 0
    width = len(rows[0])
    same = sum(not isinstance(row, str) and len(row) == width for row in rows)
    return round(same / len(rows), 2) if len(rows) > 1 else 0.01, width


def header_of(lines: Iterator[str]) -> tuple[tuple[str, ...], Iterator[tuple[int, list[str] | str]]]:
    """The names of the columns and an iterator of the other rows. Raises TableError."""
    first = list(islice(lines, _SAMPLE_LINES))
    style = style_of(first)

    def all_lines() -> Iterator[str]:
        yield from first[style.skip :]
        yield from lines

    rows = ((number + style.skip, content) for number, content in rows_of(all_lines(), style))
    for number, content in rows:
        if isinstance(content, list):
            names = tuple(name.strip().lstrip("\ufeff") for name in content)
            while len(names) > 1 and not names[-1]:
                names = names[:-1]
            return names, _padded(rows, len(names))
        raise TableError(f"the names of the columns cannot be read: row {number}: {content}")
    raise TableError("the file is empty: its first row must have the names of the columns")


def _padded(rows: Iterator[tuple[int, list[str] | str]], width: int) -> Iterator[tuple[int, list[str] | str]]:
    """Rows with as many cells as there are names. One with more or fewer may be shifted: no cell of it is believed."""
    for number, content in rows:
        if isinstance(content, str) or len(content) == width:
            yield number, content
        elif len(content) > width and not any(cell.strip() for cell in content[width:]):
            yield number, content[:width]
        elif len(content) < width:
            yield number, f"{len(content)} cells, but there are {width} columns"
        else:
            yield number, f"{len(content)} cells, but there are {width} columns: a cell with a delimiter needs quotes"
