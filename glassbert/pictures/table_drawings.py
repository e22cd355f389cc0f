"""Tables as drawings: texts are broken to the width of their column, numbers stand to the right."""

from __future__ import annotations

from collections.abc import Sequence

from glassbert.pictures.drawing import Drawing, text
from glassbert.pictures.markup import clipped, element, escaped
from glassbert.pictures.palette import NEUTRAL, Theme
from glassbert.pictures.text_width import fitting, text_width, wrapped

__all__ = ["table_drawing"]

_FONT, _LINE, _GAP, _PADDING = 11.0, 16.0, 18.0, 5.0
_MOST_LINES, _MOST_CHARACTERS = 6, 600


def table_drawing(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    on: Theme,
    right: Sequence[int] = (),
    width_px: float = 720,
) -> Drawing:
    """Rows of texts under their columns' names, with a thin line under each row.

    right: columns that stand to the right, such as numbers. Columns are as wide as they need to be, and if that is too
    much, the wide ones share what is left; cells longer than six lines end with an ellipsis, and hovering shows them.
    """
    cells = [[clipped(" ".join(cell.split()), _MOST_CHARACTERS) for cell in row] for row in rows]
    wide = _widths([columns, *cells], width_px - _GAP * (len(columns) - 1))
    parts: list[str] = []
    y = 0.0
    for number, row in enumerate([list(columns), *cells]):
        lines = [_lines(cell, wide[column]) for column, cell in enumerate(row)]
        x = 0.0
        for column, shown in enumerate(lines):
            end = column in right
            drawn = "".join(
                text(
                    line,
                    x + (wide[column] if end else 0),
                    y + _PADDING + _LINE * place + 11,
                    on,
                    bold=not number,
                    font_size=_FONT,
                    text_anchor="end" if end else "start",
                )
                for place, line in enumerate(shown)
            )
            whole = shown == wrapped(row[column], wide[column], _FONT)
            parts.append(drawn if whole else element("g", element("title", escaped(row[column])), drawn))
            x += wide[column] + _GAP
        y += 2 * _PADDING + _LINE * max(1, *(len(shown) for shown in lines))
        parts.append(
            element("line", x1=0, y1=y, x2=x - _GAP, y2=y, stroke=NEUTRAL, stroke_opacity=0.35 if number else 0.8)
        )
    return Drawing("".join(parts), sum(wide) + _GAP * (len(columns) - 1), y + 1)


def _lines(cell: str, wide: float) -> list[str]:
    lines = wrapped(cell, wide, _FONT)
    if len(lines) <= _MOST_LINES:
        return lines
    return [*lines[: _MOST_LINES - 1], fitting(" ".join(lines[_MOST_LINES - 1 :]), wide, _FONT)]


def _widths(rows: Sequence[Sequence[str]], room: float) -> list[float]:
    """What each column needs; where all need more than there is, narrow ones get it and the others an equal share."""
    bolder = 1.13
    needed = [
        max(text_width(row[column], _FONT) * (1 if number else bolder) for number, row in enumerate(rows)) + 1
        for column in range(len(rows[0]))
    ]
    fixed: dict[int, float] = {}
    left = list(range(len(needed)))
    while left:
        share = (room - sum(fixed.values())) / len(left)
        fitting_now = [column for column in left if needed[column] <= share]
        if not fitting_now:
            return [fixed.get(column, max(24.0, share)) for column in range(len(needed))]
        fixed |= {column: needed[column] for column in fitting_now}
        left = [column for column in left if column not in fixed]
    return needed
