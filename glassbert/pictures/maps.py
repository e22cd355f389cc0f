"""Maps of weights as SVG: one map with labels, or thumbnails of all heads. The same 256 colours as the app's maps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from glassbert.pictures import palette
from glassbert.pictures.formats import signed_number
from glassbert.pictures.markup import element, escaped
from glassbert.pictures.png import data_address
from glassbert.pictures.text_width import fitting, text_width, wrapped
from glassbert.pictures.thumbnails import difference_levels, weight_levels

__all__ = ["VECTOR_CELLS", "heads_svg", "levels", "map_svg"]

Floats: TypeAlias = npt.NDArray[Any]
Levels: TypeAlias = npt.NDArray[np.uint8]

#: A map with more cells is an embedded image: a browser draws a thousand rectangles at once, but not a million.
VECTOR_CELLS = 1024
_FONT = "DejaVu Sans, Verdana, Arial, sans-serif"
_FONT_PIXELS, _MARGIN, _GAP = 12, 8, 6
_LARGEST_CELL, _SMALLEST_LABELLED_CELL, _LONGEST_LABEL = 22, 9, 110
_LINE_PIXELS, _SCALE_PIXELS, _THUMBNAIL_GAP = 18, 160, 4


def levels(weights: Floats, most: float | None = None, *, signed: bool = False) -> tuple[Levels, float]:
    """Weights of any shape as levels, and the weight drawn in full colour.

    ``round(255 · weight / most)``; with ``signed`` ``128 + round(127 · weight / most)``, so that zero is exact.
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
    zero = palette.SIGNED_ZERO if signed else 0
    return np.rint(zero + (255 - zero) * shares).astype(np.uint8), full


def map_svg(
    weights: Floats,
    rows: Sequence[str],
    columns: Sequence[str] | None = None,
    *,
    signed: bool = False,
    most: float | None = None,
    caption: str = "",
    legend: str = "",
    width_px: int = 640,
    dark: bool = False,
) -> str:
    """A heat map of weights (row, column) with a label for each row and column, as SVG with its own background.

    rows, columns: the labels; one sequence serves both sides. They are left out where cells are too small for them.
    signed:        whether zero is in the middle of the scale: blue below, orange above. Otherwise blue deepens.
    most:          the weight drawn in full colour; None: the largest magnitude.
    caption:       a line above the map; legend: what the weights are, next to the scale.
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
    if width_px < 120:
        raise ValueError(f"width_px {width_px}: pass at least 120 pixels")
    on = palette.theme(dark)
    shown, full = levels(weights, most, signed=signed)
    colours = palette.differences_ramp(on) if signed else palette.weights_ramp(on)

    side = min(max(text_width(name, _FONT_PIXELS) for name in rows), _LONGEST_LABEL)
    cell = min((width_px - 2 * _MARGIN - side - _GAP) / len(across), _LARGEST_CELL)
    if cell < _SMALLEST_LABELLED_CELL:
        side, cell = 0.0, min((width_px - 2 * _MARGIN) / len(across), _LARGEST_CELL)
    labelled = side > 0
    top = min(max(text_width(name, _FONT_PIXELS) for name in across), _LONGEST_LABEL) if labelled else 0.0
    left = _MARGIN + side + (_GAP if labelled else 0)
    lines = wrapped(caption, 0.88 * (width_px - 2 * _MARGIN), _FONT_PIXELS)
    upper = _MARGIN + _LINE_PIXELS * len(lines) + top + (_GAP if labelled else 0)
    lower = upper + cell * len(rows)

    parts = [_text(line, _MARGIN, _MARGIN + _LINE_PIXELS * (n + 0.7), on, True) for n, line in enumerate(lines)]
    if weights.size <= VECTOR_CELLS:
        cells: Iterator[str] | str = _cells(weights, shown, colours, rows, across, cell)
    else:
        cells = _picture(shown, colours, cell * len(across), cell * len(rows))
    parts.append(element("g", cells, transform=f"translate({left:g} {upper:g})"))
    parts.append(_frame(cell * len(across), cell * len(rows), x=left, y=upper))
    if labelled:
        parts += _row_labels(rows, left - _GAP, upper, cell, on)
        parts += _column_labels(across, left, upper - _GAP, cell, on)
    parts.append(element("g", _scale(full, signed, colours, on), transform=f"translate({left:g} {lower + _GAP:g})"))
    y = lower + _GAP + 28
    for line in wrapped(legend, width_px - left - _MARGIN, _FONT_PIXELS):
        parts.append(_text(line, left, y + 0.7 * _LINE_PIXELS, on))
        y += _LINE_PIXELS
    wide = max(left + max(cell * len(across), _SCALE_PIXELS) + _MARGIN, width_px if lines or legend else 0)
    return _svg(parts, min(wide, width_px), y + _MARGIN, on)


def heads_svg(
    weights: Floats,
    *,
    signed: bool = False,
    side: int = 32,
    thumbnail_px: int = 44,
    caption: str = "",
    dark: bool = False,
) -> str:
    """Thumbnails of all heads of weights (layer, head, query, key), layers down and heads across, counted from 1.

    The pixels are those of the app's map of heads, from `thumbnails.weight_levels` or, with ``signed``, from
    `difference_levels`: the colour deepens with the square root of the weight, on one scale for all heads, and beyond
    ``side`` tokens a pixel represents a block of them. Raises ValueError for a wrong shape and for values that are
    not weights.
    """
    on = palette.theme(dark)
    shown = (difference_levels if signed else weight_levels)(weights, side)
    colours = palette.differences_ramp(on) if signed else palette.weights_ramp(on)
    layers, heads = weights.shape[:2]
    step, left = thumbnail_px + _THUMBNAIL_GAP, 2 * _MARGIN + 2 * _FONT_PIXELS
    wide = left + heads * step + _MARGIN
    lines = wrapped(caption, 0.88 * (wide - 2 * _MARGIN), _FONT_PIXELS)
    upper = _MARGIN + _LINE_PIXELS * (len(lines) + 1)
    parts = [_text(line, _MARGIN, _MARGIN + _LINE_PIXELS * (n + 0.7), on, True) for n, line in enumerate(lines)]
    for head in range(heads):
        middle = left + head * step + thumbnail_px / 2
        parts.append(_text(str(head + 1), middle, upper - _GAP, on, text_anchor="middle"))
    for layer in range(layers):
        y = upper + layer * step
        parts.append(_text(str(layer + 1), left - _GAP, y + thumbnail_px / 2 + 4, on, text_anchor="end"))
        for head in range(heads):
            title = element("title", f"layer {layer + 1}, head {head + 1}")
            picture = _picture(shown[layer, head], colours, thumbnail_px, thumbnail_px)
            frame = _frame(thumbnail_px, thumbnail_px)
            place = f"translate({left + head * step:g} {y:g})"
            parts.append(element("g", title, picture, frame, transform=place))
    return _svg(parts, wide, upper + layers * step + _MARGIN, on)


def _cells(
    weights: Floats,
    shown: Levels,
    colours: npt.NDArray[np.uint8],
    rows: Sequence[str],
    columns: Sequence[str],
    cell: float,
) -> Iterator[str]:
    for (row, column), level in np.ndenumerate(shown):
        told = f"{rows[row]} → {columns[column]}: {float(weights[row, column]):.4f}"
        yield element(
            "rect",
            element("title", escaped(told)),
            x=cell * column,
            y=cell * row,
            width=cell,
            height=cell,
            fill="#" + colours[level].tobytes().hex(),
            shape_rendering="crispEdges",
        )


def _picture(shown: Levels, colours: npt.NDArray[np.uint8], width: float, height: float) -> str:
    return element(
        "image",
        href=data_address(shown, colours),
        width=width,
        height=height,
        preserveAspectRatio="none",
        style="image-rendering:pixelated",
    )


def _frame(width: float, height: float, x: float = 0, y: float = 0) -> str:
    return element(
        "rect", x=x, y=y, width=width, height=height, fill="none", stroke=palette.NEUTRAL, stroke_opacity=0.35
    )


def _row_labels(names: Sequence[str], right: float, upper: float, cell: float, on: palette.Theme) -> Iterator[str]:
    for number, name in enumerate(names):
        shown = fitting(name, _LONGEST_LABEL, _FONT_PIXELS)
        yield _text(shown, right, upper + cell * (number + 0.5) + 4, on, text_anchor="end", font_size=_label(cell))


def _column_labels(names: Sequence[str], left: float, lower: float, cell: float, on: palette.Theme) -> Iterator[str]:
    for number, name in enumerate(names):
        shown = fitting(name, _LONGEST_LABEL, _FONT_PIXELS)
        place = f"translate({left + cell * (number + 0.5) + 4:g} {lower:g}) rotate(-90)"
        yield element("g", _text(shown, 0, 0, on, font_size=_label(cell)), transform=place)


def _label(cell: float) -> float:
    """The size of a label's letters: no higher than its cell."""
    return min(_FONT_PIXELS, cell)


def _scale(full: float, signed: bool, colours: npt.NDArray[np.uint8], on: palette.Theme) -> Iterator[str]:
    strip = np.arange(1 if signed else 0, 256, dtype=np.uint8)[None, :]
    yield _picture(strip, colours, _SCALE_PIXELS, 8)
    yield _frame(_SCALE_PIXELS, 8)
    ends = [-full, 0.0, full] if signed else [0.0, full]
    for number, end in enumerate(ends):
        anchor = "start" if number == 0 else "end" if number == len(ends) - 1 else "middle"
        told = signed_number(end) if signed else signed_number(end).removeprefix("+")
        yield _text(told, _SCALE_PIXELS * number / (len(ends) - 1), 22, on, text_anchor=anchor)


def _text(text: str, x: float, y: float, on: palette.Theme, bold: bool = False, **values: str | float) -> str:
    if bold:
        values["font_weight"] = "600"
    return element("text", escaped(text), x=x, y=y, fill=on.text, style="white-space:pre", **values)


def _svg(parts: Sequence[str], width: float, height: float, on: palette.Theme) -> str:
    wide, high = math.ceil(width), math.ceil(height)
    return element(
        "svg",
        element("rect", width=wide, height=high, fill=on.background),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {wide} {high}",
        width=wide,
        height=high,
        font_family=_FONT,
        font_size=_FONT_PIXELS,
    )
