"""Dots on a plane as a drawing, coloured by group, each with a short name beside it where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from glassbert.pictures.drawing import Drawing, beside, hairline, stacked, text
from glassbert.pictures.markup import element, escaped
from glassbert.pictures.palette import LINES, Theme
from glassbert.pictures.text_width import text_width

__all__ = ["dots_drawing"]

_MARGIN, _RADIUS = 24.0, 5.0


def dots_drawing(
    positions: npt.NDArray[Any],
    groups: Sequence[str],
    names: Sequence[str],
    *,
    on: Theme,
    width_px: float = 560,
    height_px: float = 420,
) -> Drawing:
    """A dot for each row of ``positions`` (dot, 2), one unit of the same length across and up.

    ``names`` are shown on hover, and beside a dot unless another one is in the way. Raises ValueError for other shapes
    and for positions that are not finite.
    """
    if positions.shape != (len(groups), 2) or len(names) != len(groups) or not np.isfinite(positions).all():
        raise ValueError(f"positions have shape {positions.shape}: pass ({len(groups)}, 2), finite")
    low, high = positions.min(axis=0), positions.max(axis=0)
    unit = min(
        (width_px - 2 * _MARGIN) / max(high[0] - low[0], 1e-9), (height_px - 2 * _MARGIN) / max(high[1] - low[1], 1e-9)
    )
    middle = (low + high) / 2
    places = [
        (width_px / 2 + unit * float(x - middle[0]), height_px / 2 - unit * float(y - middle[1])) for x, y in positions
    ]
    kinds = list(dict.fromkeys(groups))
    colours = {kind: LINES[number % len(LINES)] for number, kind in enumerate(kinds)}
    parts = [hairline(0, 0, width_px, height_px)]
    taken = [(x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS) for x, y in places]
    for (x, y), group, name in zip(places, groups, names, strict=True):
        title = element("title", escaped(name))
        parts.append(element("circle", title, cx=x, cy=y, r=_RADIUS, fill=colours[group]))
    for (x, y), name in zip(places, names, strict=True):
        box = (x + _RADIUS + 2, y - 6, x + _RADIUS + 4 + text_width(name, 10), y + 6)
        if box[2] < width_px and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            parts.append(text(name, box[0] + 1, y + 4, on, font_size=10))
    keys = [_key(kind, colours[kind], on) for kind in kinds]
    return stacked([beside(keys, 14, width_px=width_px), Drawing("".join(parts), width_px, height_px)], gap=8)


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _key(name: str, colour: str, on: Theme) -> Drawing:
    dot = element("circle", cx=5, cy=8, r=_RADIUS, fill=colour)
    return Drawing(dot + text(name, 14, 12, on, font_size=11), 14 + text_width(name, 11), 16)
