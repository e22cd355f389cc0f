"""Maps of weights as drawings: one with labels, or thumbnails of all heads, in the 256 colours of the app's maps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from glassbert.pictures import palette
from glassbert.pictures.drawing import FONT_PIXELS, Drawing, hairline, paragraph, rectangle, stacked, text
from glassbert.pictures.formats import signed_number
from glassbert.pictures.markup import element, escaped
from glassbert.pictures.png import data_address
from glassbert.pictures.text_width import fitting, text_width
from glassbert.pictures.thumbnails import difference_levels, weight_levels

__all__ = ["VECTOR_CELLS", "colour_scale", "heads_drawing", "levels", "map_drawing"]

Floats: TypeAlias = npt.NDArray[Any]
Levels: TypeAlias = npt.NDArray[np.uint8]

#: A map with more cells is an embedded image: a browser draws a thousand rectangles at once, but not a million.
VECTOR_CELLS = 1024
_GAP = 6
_LARGEST_CELL, _SMALLEST_LABELLED_CELL, _LONGEST_LABEL = 22, 11, 110
_SCALE_PIXELS, _THUMBNAIL_GAP = 160, 4


def levels(
    weights: Floats, most: float | None = None, *, signed: bool = False, rooted: bool = False
) -> tuple[Levels, float]:
    """Weights of any shape as levels, and the weight drawn in full colour.

    ``round(255 · weight / most)``; with ``signed`` ``128 + round(127 · weight / most)``, so that zero is exact.
    ``rooted``: the square root of ``weight / most``, with its sign, so that small weights are seen.
    ``most`` None is the largest magnitude. Larger weights are drawn as ``most``. Raises ValueError for weights that are
    not finite, for negative ones without ``signed``, and for a ``most`` that is not positive.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if not np.isfinite(weights).all():
        raise ValueError("weights must be finite")
    if not signed and (weights < 0).any():
        raise ValueError("a weight is negative: pass signed=True for values of either sign")
    if most is not None and not (math.isfinite(most) and most > 0):
        raise ValueError(f"most {most}: pass a positive number, or None for the largest weight")
    full = float(np.abs(weights).max(initial=0.0)) if most is None else float(most)
    shares = np.clip(weights / full, -1, 1) if full else np.zeros_like(weights)
    if rooted:
        shares = np.sign(shares) * np.sqrt(np.abs(shares))
    zero = palette.SIGNED_ZERO if signed else 0
    return np.rint(zero + (255 - zero) * shares).astype(np.uint8), full


def map_drawing(
    weights: Floats,
    rows: Sequence[str],
    columns: Sequence[str] | None = None,
    *,
    on: palette.Theme,
    signed: bool = False,
    rooted: bool = False,
    most: float | None = None,
    ramp: npt.NDArray[np.uint8] | None = None,
    inside: npt.NDArray[np.int64] | None = None,
    legend: str = "",
    scale: bool = True,
    vector: bool = True,
    row_px: float | None = None,
    width_px: float = 640,
) -> Drawing:
    """A heat map of weights (row, column) with its labels.

    rows, columns: the labels; one sequence serves both sides. Where cells are too small for all, every n-th is written.
    signed:        whether zero is in the middle of the scale: blue below, orange above. Otherwise teal deepens.
    rooted:        whether colours follow the square root of the weight.
    most:          the weight drawn in full colour; None: the largest magnitude.
    ramp:          256 colours (level, 3) instead of the teal of weights, or of the two of differences.
    inside:        the columns of each row that can have a weight, (row, 2), [start, stop): the others are hatched.
    legend:        what the weights are, next to the scale; scale: whether there is one.
    vector:        whether a small map is made of rectangles.
    row_px:        the height of a row; None: as wide as a column.
    width_px:      maximum width; the map is only as wide as it needs to be.

    Up to `VECTOR_CELLS` cells are rectangles that show their weight on hover; more are one embedded 8-bit image
    whose pixels are the `levels`. Raises ValueError for labels that do not fit the weights and what `levels` raises.
    """
    across = rows if columns is None else columns
    if weights.ndim != 2 or 0 in weights.shape or weights.shape != (len(rows), len(across)):
        raise ValueError(
            f"weights have shape {weights.shape}: {len(rows)} rows and {len(across)} columns need "
            f"({len(rows)}, {len(across)}), none empty"
        )
    if width_px < 100:
        raise ValueError(f"width_px {width_px:g}: pass at least 100 pixels")
    shown, full = levels(weights, most, signed=signed, rooted=rooted)
    colours = _ramp(signed, on) if ramp is None else ramp
    side, top = _room(rows), _room(across)
    left, upper = side + _GAP, top + _GAP
    cell = min((width_px - left) / len(across), _LARGEST_CELL)
    pitch = cell if row_px is None else row_px
    wide, high = cell * len(across), pitch * len(rows)
    cells: Iterator[str] | str
    if vector and weights.size <= VECTOR_CELLS:
        cells = _cells(weights, shown, colours, rows, across, cell, pitch)
    else:
        cells = _picture(shown, colours, wide, high)
    parts = [
        element("g", cells, transform=f"translate({left:g} {upper:g})"),
        *([] if inside is None else _hatched(inside, len(across), left, upper, cell, pitch, on)),
        hairline(left, upper, wide, high),
        *_row_labels(rows, side, upper, pitch, on),
        *_column_labels(across, left, top, cell, on),
    ]
    drawn = Drawing("".join(parts), left + wide, upper + high)
    if not scale:
        return drawn
    below = colour_scale(full, on=on, signed=signed, rooted=rooted, legend=legend, width_px=max(wide, _SCALE_PIXELS))
    shifted = Drawing(element("g", below.markup, transform=f"translate({left:g} 0)"), left + below.width, below.height)
    return stacked([drawn, shifted], gap=_GAP + 2)


def colour_scale(
    full: float,
    *,
    on: palette.Theme,
    signed: bool = False,
    rooted: bool = False,
    legend: str = "",
    width_px: float = 400,
) -> Drawing:
    """The scale of a map, with its ends and what the numbers are; ``rooted`` adds the number in the middle."""
    colours = _ramp(signed, on)
    strip = np.arange(1 if signed else 0, 256, dtype=np.uint8)[None, :]
    parts = [_picture(strip, colours, _SCALE_PIXELS, 8), hairline(0, 0, _SCALE_PIXELS, 8)]
    ends = [-full, 0.0, full] if signed else [0.0, full / 4, full] if rooted and full else [0.0, full]
    for number, end in enumerate(ends):
        anchor = "start" if number == 0 else "end" if number == len(ends) - 1 else "middle"
        told = signed_number(end) if signed else signed_number(end).removeprefix("+")
        parts.append(text(told, _SCALE_PIXELS * number / (len(ends) - 1), 21, on, text_anchor=anchor, font_size=11))
    drawn = Drawing("".join(parts), _SCALE_PIXELS, 24)
    return stacked([drawn, paragraph(legend, max(width_px, 240), on, font_px=11)], gap=4)


def heads_drawing(
    weights: Floats,
    *,
    on: palette.Theme,
    rows: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    signed: bool = False,
    side: int = 32,
    thumbnail_px: int = 44,
) -> Drawing:
    """Thumbnails of all heads of weights (layer, head, query, key), layers down and heads across.

    The pixels are those of the app's map of heads, from `thumbnails.weight_levels` or, with ``signed``, from
    `difference_levels`: the colour deepens with the square root of the weight, on one scale for all heads, and beyond
    ``side`` tokens a pixel represents a block of them. ``rows`` and ``columns`` are names, by default numbers
    from 1. Raises ValueError for a wrong shape and for values that are not weights.
    """
    shown = (difference_levels if signed else weight_levels)(weights, side)
    colours = _ramp(signed, on)
    layers, heads = weights.shape[:2]
    down = [str(layer + 1) for layer in range(layers)] if rows is None else rows
    across = [str(head + 1) for head in range(heads)] if columns is None else columns
    step = thumbnail_px + _THUMBNAIL_GAP
    left = max(text_width(name, FONT_PIXELS) for name in down) + 2 * _GAP
    upper = FONT_PIXELS + _GAP
    parts = [
        text(name, left + head * step + thumbnail_px / 2, FONT_PIXELS, on, text_anchor="middle")
        for head, name in enumerate(across)
    ]
    for layer, name in enumerate(down):
        y = upper + layer * step
        parts.append(text(name, left - _GAP, y + thumbnail_px / 2 + 4, on, text_anchor="end"))
        for head, other in enumerate(across):
            title = element("title", escaped(f"layer {name}, head {other}"))
            picture = _picture(shown[layer, head], colours, thumbnail_px, thumbnail_px)
            frame = hairline(0, 0, thumbnail_px, thumbnail_px)
            parts.append(
                element("g", title, picture, frame, transform=f"translate({left + head * step:g} {y:g})"),
            )
    return Drawing("".join(parts), left + heads * step - _THUMBNAIL_GAP, upper + layers * step - _THUMBNAIL_GAP)


def _ramp(signed: bool, on: palette.Theme) -> npt.NDArray[np.uint8]:
    return palette.differences_ramp(on) if signed else palette.weights_ramp(on)


def _room(names: Sequence[str]) -> float:
    return min(max(text_width(name, FONT_PIXELS) for name in names), _LONGEST_LABEL)


def _cells(
    weights: Floats,
    shown: Levels,
    colours: npt.NDArray[np.uint8],
    rows: Sequence[str],
    columns: Sequence[str],
    cell: float,
    pitch: float,
) -> Iterator[str]:
    for (row, column), level in np.ndenumerate(shown):
        told = f"{rows[row]} → {columns[column]}: {float(weights[row, column]):.4f}"
        yield rectangle(
            cell * column,
            pitch * row,
            cell,
            pitch,
            element("title", escaped(told)),
            fill="#" + colours[level].tobytes().hex(),
            shape_rendering="crispEdges",
        )


def _hatched(
    inside: npt.NDArray[np.int64], columns: int, left: float, upper: float, cell: float, pitch: float, on: palette.Theme
) -> Iterator[str]:
    """Grey over the columns outside ``inside``; on a small map, with a line across each cell."""
    boxes, lines = [], []
    for row, (start, stop) in enumerate(inside.tolist()):
        y = upper + pitch * row
        for first, last in ((0, start), (stop, columns)):
            if first < last:
                wide = cell * (last - first)
                boxes.append(f"M{left + cell * first:g} {y:g}h{wide:g}v{pitch:g}h{-wide:g}z")
                if len(inside) * columns <= VECTOR_CELLS:
                    lines += [f"M{left + cell * at:g} {y + pitch:g}l{cell:g} {-pitch:g}" for at in range(first, last)]
    if boxes:
        yield element("path", d="".join(boxes), fill=on.text, fill_opacity=0.08)
    if lines:
        yield element("path", d="".join(lines), fill="none", stroke=on.text, stroke_opacity=0.35, stroke_width=0.7)


def _picture(shown: Levels, colours: npt.NDArray[np.uint8], width: float, height: float) -> str:
    return element(
        "image",
        href=data_address(shown, colours),
        width=width,
        height=height,
        preserveAspectRatio="none",
        style="image-rendering:pixelated",
    )


def _row_labels(names: Sequence[str], right: float, upper: float, cell: float, on: palette.Theme) -> Iterator[str]:
    for number in range(0, len(names), _every(cell)):
        shown = fitting(names[number], _LONGEST_LABEL, FONT_PIXELS)
        yield text(shown, right, upper + cell * (number + 0.5) + 4, on, text_anchor="end", font_size=_label(cell))


def _column_labels(names: Sequence[str], left: float, lower: float, cell: float, on: palette.Theme) -> Iterator[str]:
    for number in range(0, len(names), _every(cell)):
        shown = fitting(names[number], _LONGEST_LABEL, FONT_PIXELS)
        place = f"translate({left + cell * (number + 0.5) + 4:g} {lower:g}) rotate(-90)"
        yield element("g", text(shown, 0, 0, on, font_size=_label(cell)), transform=place)


def _every(cell: float) -> int:
    """Which of the labels are written: so many that they do not touch."""
    return max(1, math.ceil(_SMALLEST_LABELLED_CELL / cell - 1e-9))


def _label(cell: float) -> float:
    """The size of a label's letters: no higher than its cells."""
    return min(FONT_PIXELS, cell * _every(cell))
