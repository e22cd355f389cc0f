"""All heads of all layers at a glance: one small picture each, side by side in one embedded image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glassbert.pictures import palette
from glassbert.pictures.markup import element, escaped
from glassbert.pictures.png import data_address

__all__ = ["overview_html"]

#: Cells of the whole image: a hundred kilobytes or two, whatever the text's length.
_MOST_CELLS = 200_000
_GAP = 1  # cells between two pictures
_THUMBNAIL_PIXELS = 64


def overview_html(values: npt.NDArray[np.floating], *, caption: str) -> str:
    """Maps (row, column, query, key) as one image, with a row of pictures for each row; deeper is larger.

    Each picture is scaled by its own largest value; numbers below zero are drawn as zero. Long maps are drawn smaller,
    each cell the largest of those it represents, so that the image stays small.
    """
    rows, columns = values.shape[:2]
    side = max(4, int((_MOST_CELLS / max(1, rows * columns)) ** 0.5))
    small = _shrunk(values, side)
    height, width = small.shape[2:]
    largest = small.max(axis=(2, 3), keepdims=True)
    levels = np.round(np.clip(small, 0, None) / np.where(largest > 0, largest, 1) * 254).astype(np.uint8)
    image = np.full((rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP), 255, dtype=np.uint8)
    for row in range(rows):
        for column in range(columns):
            top, left = row * (height + _GAP), column * (width + _GAP)
            image[top : top + height, left : left + width] = levels[row, column]
    colours = palette.weights_ramp(palette.LIGHT).copy()
    colours[255] = palette.rgb(palette.NEUTRAL)  # the lines between pictures
    wide = min(960, columns * max(_THUMBNAIL_PIXELS, width))
    style = f"width:{wide}px;max-width:100%;image-rendering:pixelated"
    picture = f'<img src="{data_address(image, colours)}" alt="{escaped(caption)}" style="{style}">'
    return element("div", picture, element("div", escaped(caption), style="font-size:12px"))


def _shrunk(values: npt.NDArray[np.floating], side: int) -> npt.NDArray[np.floating]:
    """At most ``side`` cells along query and key: each the largest of those it represents."""
    for axis in (2, 3):
        length = values.shape[axis]
        if length > side:
            values = np.maximum.reduceat(values, np.arange(side) * length // side, axis=axis)
    return values
