"""Grids of a few hundred coloured cells with names on both sides and a number or a word in each, as drawings.

For weights between tokens, thousands of cells, there is `maps`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from glassbert.pictures import palette
from glassbert.pictures.drawing import FONT_PIXELS, Drawing, hairline, paragraph, rectangle, stacked, text
from glassbert.pictures.formats import signed_number
from glassbert.pictures.maps import VECTOR_CELLS, map_drawing
from glassbert.pictures.markup import element, escaped
from glassbert.pictures.text_width import fitting, text_width

__all__ = ["Hue", "grid_drawing"]

#: What the colour means: one of the palette's, or both ends around zero.
Hue = Literal["teal", "blue", "orange", "grey", "signed"]

_GAP, _PADDING, _LONGEST_NAME, _CELL_FONT = 6.0, 5.0, 200.0, 11.0
_SMALLEST, _LARGEST, _HIGH = 12.0, 120.0, 22.0
_SCALE_PIXELS, _SLICES = 160, 40


def grid_drawing(
    values: npt.NDArray[Any],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    on: palette.Theme,
    hue: Hue = "teal",
    most: float | None = None,
    least: float = 0.0,
    texts: Sequence[Sequence[str]] | None = None,
    told: Sequence[Sequence[str]] | None = None,
    legend: str = "",
    scale: bool = True,
    width_px: float = 720,
) -> Drawing:
    """Cells (row, column) whose colour deepens from ``least`` to ``most``; NaN has none, and no number.

    hue:   the colour; "signed" is blue below zero and orange above.
    most:  the number drawn in full colour; None: the largest magnitude.
    texts: what is written in the cells, where it fits; None: nothing.
    told:  what hovering shows; None: both names and the number.

    A grid of more cells than `maps.VECTOR_CELLS` is one image without numbers. Raises ValueError for names that do not
    fit the values, and for infinite values.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or 0 in values.shape or values.shape != (len(rows), len(columns)):
        raise ValueError(f"values have shape {values.shape}: pass ({len(rows)}, {len(columns)}), none empty")
    if np.isinf(values).any():
        raise ValueError("values must not be infinite")
    full = float(np.nanmax(np.abs(values), initial=0.0)) if most is None else most
    if values.size > VECTOR_CELLS:
        return _image(values, rows, columns, least, full, hue, on, legend if scale else "", scale, width_px)
    left = min(max((text_width(name, FONT_PIXELS) for name in rows), default=0), _LONGEST_NAME) + _GAP
    widest = 0.0 if texts is None else max(text_width(one, _CELL_FONT) for line in texts for one in line)
    cell = min(max(widest + 2 * _PADDING, _HIGH), _LARGEST, (width_px - left) / len(columns))
    names, upper = _column_names(columns, cell, on)
    parts = [element("g", names, transform=f"translate({left:g} {upper - _GAP:g})")]
    for row, name in enumerate(rows):
        y = upper + row * _HIGH
        shown = fitting(name, _LONGEST_NAME, FONT_PIXELS)
        label = text(shown, left - _GAP, y + _HIGH / 2 + 4, on, text_anchor="end")
        parts.append(label if shown == name else element("g", element("title", escaped(name)), label))
        for column in range(len(columns)):
            value = float(values[row, column])
            colour = _colour(value, least, full, hue, on)
            hovered = f"{name}, {columns[column]}: {value:.4g}" if told is None else told[row][column]
            parts.append(_cell(left + column * cell, y, cell, colour, "" if math.isnan(value) else hovered, on))
            if texts is not None and not math.isnan(value):
                written = fitting(texts[row][column], cell - 4, _CELL_FONT)
                parts.append(_written(written, left + (column + 0.5) * cell, y, colour, on))
    wide, high = cell * len(columns), _HIGH * len(rows)
    parts.append(hairline(left, upper, wide, high))
    grid = Drawing("".join(parts), left + wide, upper + high)
    below = [_scale(least, full, hue, on)] if scale else []
    if legend:
        below.append(paragraph(legend, max(grid.width - left, 300), on, font_px=11))
    under = stacked(below, gap=4)
    shifted = Drawing(element("g", under.markup, transform=f"translate({left:g} 0)"), left + under.width, under.height)
    return stacked([grid, shifted], gap=8)


def _image(
    values: npt.NDArray[Any],
    rows: Sequence[str],
    columns: Sequence[str],
    least: float,
    full: float,
    hue: Hue,
    on: palette.Theme,
    legend: str,
    scale: bool,
    width_px: float,
) -> Drawing:
    low = -full if hue == "signed" else least
    places = np.nan_to_num((values - low) / ((full - low) or 1.0), nan=0.5 if hue == "signed" else 0.0)
    ramp = np.array([_colour(low + level / 255 * (full - low), least, full, hue, on) for level in range(256)], np.uint8)
    names = ([fitting(name, _LONGEST_NAME, FONT_PIXELS) for name in group] for group in (rows, columns))
    drawn = map_drawing(
        np.clip(places, 0, 1),
        *names,
        on=on,
        most=1.0,
        ramp=ramp,
        scale=False,
        row_px=_row(len(rows)),
        width_px=width_px,
    )
    below = [_scale(least, full, hue, on)] if scale else []
    return stacked([drawn, *below, paragraph(legend, max(drawn.width, 300), on, font_px=11)], gap=8)


def _row(count: int) -> float:
    """The height of a row of an image: that of a grid's, as long as the page is not much higher than wide."""
    return max(2.0, min(_HIGH, 1000 / count))


def _colour(value: float, least: float, full: float, hue: Hue, on: palette.Theme) -> palette.Rgb | None:
    if math.isnan(value):
        return None
    if hue == "signed":
        return palette.diverging(max(-1.0, value / full) if full else 0.0, on)
    span = full - least
    one = {"teal": on.teal, "blue": on.blue, "orange": on.orange, "grey": palette.NEUTRAL}[hue]
    return palette.deepening((value - least) / span if span else 0.0, one, on)


def _cell(x: float, y: float, cell: float, colour: palette.Rgb | None, told: str, on: palette.Theme) -> str:
    filled = on.background if colour is None else palette.hexadecimal(colour)
    title = element("title", escaped(told)) if told else ""
    # drawn to the edge of the next one, with the page's colour between them
    return rectangle(x, y, cell, _HIGH, title, fill=filled, stroke=on.background, stroke_width=1)


def _written(content: str, middle: float, y: float, colour: palette.Rgb | None, on: palette.Theme) -> str:
    ink = on.text if colour is None else palette.ink(on, colour)
    return text(
        content,
        middle,
        y + _HIGH / 2 + 4,
        on,
        text_anchor="middle",
        fill=ink,
        font_size=_CELL_FONT,
        pointer_events="none",
    )


def _column_names(names: Sequence[str], cell: float, on: palette.Theme) -> tuple[str, float]:
    """Upright above their columns where they fit, else on end, every n-th of many; and the room that they take."""
    if all(text_width(name, FONT_PIXELS) <= cell - 4 for name in names):
        drawn = (text(name, (n + 0.5) * cell, 0, on, text_anchor="middle") for n, name in enumerate(names))
        return "".join(drawn), FONT_PIXELS + 2 * _GAP
    every = max(1, math.ceil(_SMALLEST / cell))
    shown = {number: fitting(names[number], 150, FONT_PIXELS) for number in range(0, len(names), every)}
    turned = (
        element("g", text(name, 0, 0, on), transform=f"translate({(number + 0.5) * cell + 4:g} 0) rotate(-90)")
        for number, name in shown.items()
    )
    return "".join(turned), max(text_width(name, FONT_PIXELS) for name in shown.values()) + 2 * _GAP


def _scale(least: float, full: float, hue: Hue, on: palette.Theme) -> Drawing:
    low = -full if hue == "signed" else least
    parts = []
    for number in range(_SLICES):
        value = low + (number + 0.5) / _SLICES * (full - low)
        colour = _colour(value, least, full, hue, on) or (0, 0, 0)
        step = _SCALE_PIXELS / _SLICES
        parts.append(
            rectangle(number * step, 0, step, 8, fill=palette.hexadecimal(colour), shape_rendering="crispEdges")
        )
    parts.append(hairline(0, 0, _SCALE_PIXELS, 8))
    ends = [low, 0.0, full] if hue == "signed" else [low, full]
    for number, end in enumerate(ends):
        anchor = "start" if number == 0 else "end" if number == len(ends) - 1 else "middle"
        shown = signed_number(end) if hue == "signed" else signed_number(end).removeprefix("+")
        parts.append(text(shown, _SCALE_PIXELS * number / (len(ends) - 1), 21, on, text_anchor=anchor, font_size=11))
    return Drawing("".join(parts), _SCALE_PIXELS, 24)
