"""Tokens in a row, coloured by their values: as HTML for notebooks and reports, as a drawing for files.

``tokens_html(["not", "bad"], [-0.4, 0.9])`` returns a fragment with inline styles only: no script, no style sheet, no
external resources. Its colours are light enough for the page's own text colour, black on white or white on black.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from glassbert.pictures import palette
from glassbert.pictures.drawing import Drawing, hairline, paragraph, rectangle, stacked, text
from glassbert.pictures.formats import signed_number
from glassbert.pictures.markup import element, escaped
from glassbert.pictures.text_width import fitting, text_width

__all__ = ["tint_scale", "tokens_drawing", "tokens_html"]

Values: TypeAlias = "Sequence[float | None] | npt.NDArray[Any]"

_FONT = "system-ui, sans-serif"
_FONT_PIXELS, _PADDING, _GAP = 14, 6, 4
_ROW_PIXELS, _BOX_PIXELS, _SCALE_PIXELS = 30, 24, 200
_HAIRLINE = palette.translucent(palette.NEUTRAL, 0.35)


def tokens_html(
    pieces: Sequence[str],
    values: Values | None = None,
    *,
    signed: bool = True,
    selected: int | None = None,
    legend: str = "",
    caption: str = "",
) -> str:
    """The tokens as an HTML fragment: orange above zero, blue below, stronger for larger values; hovering shows them.

    pieces:   the text of each token, as displayed.
    values:   one for each token, or None: no colours and no scale. A token whose value is None or NaN has no colour.
    signed:   whether the scale extends below zero. A negative value is always blue.
    selected: the index of the outlined token, or None.
    legend:   what the values are, next to the scale.
    caption:  a line above the tokens.

    Raises ValueError if there are not as many values as pieces, for an infinite value, and for a selected token that
    does not exist.
    """
    numbers, most = _checked(pieces, values, selected)
    chips = "".join(
        _html_chip(piece, number, most, index == selected)
        for index, (piece, number) in enumerate(zip(pieces, numbers, strict=True))
    )
    parts = [element("div", chips, dir="auto", style="line-height:2.1;overflow-wrap:anywhere")]
    if caption:
        parts.insert(0, element("div", escaped(caption), dir="auto", style="font-weight:600;margin-bottom:4px"))
    if _any(numbers):
        parts.append(_html_scale(most, signed, legend))
    elif legend:
        parts.append(element("div", escaped(legend), dir="auto", style="font-size:12px"))
    return element("div", *parts, style=f"font-family:{_FONT};font-size:14px;text-align:start")


def tokens_drawing(
    pieces: Sequence[str],
    values: Values | None = None,
    *,
    on: palette.Theme,
    signed: bool = True,
    most: float | None = None,
    selected: int | None = None,
    legend: str = "",
    width_px: float = 640,
) -> Drawing:
    """The same as a drawing.

    most: the magnitude drawn in full colour; larger ones look the same. None: the largest.

    SVG does not break lines, so they are broken here, at ``width_px``, using the estimate of `text_width`; the text is
    centred in its box, as it may be slightly narrower. A token too long for a line is cut; its whole text is in its
    tooltip.

    Accepts and raises what `tokens_html` does, and ValueError for a width below 80 pixels.
    """
    numbers, largest = _checked(pieces, values, selected)
    full = most or largest
    if width_px < 80:
        raise ValueError(f"width_px {width_px:g}: pass at least 80 pixels")
    places = _placed(pieces, width_px)
    chips = []
    for index, (x, row, wide) in enumerate(places):
        chip = _svg_chip(pieces[index], numbers[index], full, wide, on, selected=index == selected)
        chips.append(element("g", chip, transform=f"translate({x:g} {row * _ROW_PIXELS:g})"))
    rows = 1 + max((row for _, row, _ in places), default=-1)
    right = max((x + wide for x, _, wide in places), default=0.0)
    strip = Drawing("".join(chips), right, max(0, rows * _ROW_PIXELS - (_ROW_PIXELS - _BOX_PIXELS)))
    parts = [strip]
    if _any(numbers):
        parts.append(tint_scale(full, on, signed=signed))
    return stacked([*parts, paragraph(legend, width_px, on, font_px=11)], gap=8)


def tint_scale(most: float, on: palette.Theme, *, signed: bool = True) -> Drawing:
    """The scale of `palette.tint`, as slices: a gradient would need an id, of which a page that shows two pictures
    has one too many."""
    slices = 50  # of 4 pixels each: edges between pixels would show
    lowest = -1.0 if signed else 0.0
    parts = []
    for number in range(slices):
        colour, opacity = palette.tint_colour(lowest + (number + 0.5) / slices * (1 - lowest))
        left, right = (_SCALE_PIXELS * edge / slices for edge in (number, number + 1))
        parts.append(
            rectangle(left, 0, right - left, 8, fill=colour, fill_opacity=f"{opacity:g}", shape_rendering="crispEdges")
        )
    parts.append(hairline(0, 0, _SCALE_PIXELS, 8))
    ends = _ends(most, signed)
    for number, end in enumerate(ends):
        anchor = "start" if number == 0 else "end" if number == len(ends) - 1 else "middle"
        x = _SCALE_PIXELS * number / (len(ends) - 1)
        parts.append(text(signed_number(end), x, 21, on, text_anchor=anchor, font_size=11))
    return Drawing("".join(parts), _SCALE_PIXELS, 24)


def _checked(pieces: Sequence[str], values: Values | None, selected: int | None) -> tuple[list[float | None], float]:
    """A number or None for each piece, and the largest magnitude."""
    if selected is not None and not 0 <= selected < len(pieces):
        raise ValueError(f"selected token {selected}: there are {len(pieces)} tokens, counted from 0")
    if values is None:
        return [None] * len(pieces), 0.0
    found = np.asarray(values, dtype=float)  # None becomes NaN
    if found.shape != (len(pieces),):
        raise ValueError(f"values have shape {found.shape}: pass one for each of the {len(pieces)} tokens")
    numbers = [None if math.isnan(value) else value for value in found.tolist()]
    if any(number is not None and math.isinf(number) for number in numbers):
        raise ValueError("a token's value is infinite; pass None for a token without a value")
    return numbers, max((abs(number) for number in numbers if number is not None), default=0.0)


def _any(numbers: Sequence[float | None]) -> bool:
    return any(number is not None for number in numbers)


def _share(value: float, most: float) -> float:
    return value / most if most else 0.0


def _ends(most: float, signed: bool) -> list[float]:
    """The numbers under the scale."""
    return [-most, 0.0, most] if signed else [0.0, most]


def _stops(signed: bool) -> list[tuple[float, str, float]]:
    """The scale's place, colour and opacity; both colours end at zero, because a blend of the two would be brown."""
    strongest = palette.TINT_OPACITY
    zero = 0.5 if signed else 0.0
    below = [(0.0, palette.NEGATIVE, strongest), (zero, palette.NEGATIVE, 0.0)] if signed else []
    return [*below, (zero, palette.POSITIVE, 0.0), (1.0, palette.POSITIVE, strongest)]


def _tooltip(piece: str, value: float | None) -> str:
    return piece if value is None else f"{piece}: {signed_number(value)}"


# --- HTML ------------------------------------------------------------------------------------------------------


def _html_chip(piece: str, value: float | None, most: float, selected: bool) -> str:
    style = (
        "display:inline-block;max-width:100%;box-sizing:border-box;margin:0 4px 0 0;padding:0 5px;line-height:1.6;"
        f"border:1px solid {_HAIRLINE};border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere"
    )
    if value is not None:
        style += f";background-color:{palette.tint(_share(value, most))}"
    if selected:
        style += ";outline:2px solid currentColor;outline-offset:1px"
    # the direction belongs to the token alone: an override inside it would turn its neighbours around
    text = element("bdi", escaped(piece), dir="auto")
    marked = {"aria_current": "true"} if selected else {}
    return element("span", text, title=_tooltip(piece, value), style=style, **marked)


def _html_scale(most: float, signed: bool, legend: str) -> str:
    stops = ",".join(f"{palette.translucent(colour, alpha)} {place:.0%}" for place, colour, alpha in _stops(signed))
    bar = element(
        "div",
        style=f"height:8px;border:1px solid {_HAIRLINE};border-radius:4px;"
        f"background-image:linear-gradient(to right,{stops})",
    )
    numbers = element(
        "div",
        *(element("span", escaped(signed_number(end))) for end in _ends(most, signed)),
        style="display:flex;justify-content:space-between",
    )
    parts = [element("span", escaped(legend), dir="auto")] if legend else []
    parts.append(element("div", bar, numbers, style=f"width:{_SCALE_PIXELS}px;direction:ltr"))
    return element(
        "div",
        *parts,
        style="display:flex;flex-wrap:wrap;gap:4px 12px;align-items:center;margin-top:6px;font-size:12px",
    )


# --- SVG -------------------------------------------------------------------------------------------------------


def _placed(pieces: Sequence[str], width_px: float) -> list[tuple[float, int, float]]:
    """Where each box begins, its row and its width, in pixels: a line breaks before a box that would not fit."""
    x, row = 0.0, 0
    places = []
    for piece in pieces:
        wide = min(max(text_width(piece, _FONT_PIXELS), 4) + 2 * _PADDING, width_px)
        if x and x + wide > width_px:
            x, row = 0.0, row + 1
        places.append((x, row, wide))
        x += wide + _GAP
    return places


def _svg_chip(
    piece: str, value: float | None, most: float, wide: float, on: palette.Theme, *, selected: bool
) -> Iterator[str]:
    colour, opacity = (palette.NEUTRAL, 0.0) if value is None else palette.tint_colour(_share(value, most))
    yield element("title", escaped(_tooltip(piece, value)))
    yield rectangle(
        0,
        0,
        wide,
        _BOX_PIXELS,
        rx=4,
        fill=colour,
        fill_opacity=f"{opacity:g}",
        stroke=on.primary if selected else palette.NEUTRAL,
        stroke_width=2.5 if selected else 1,
        stroke_opacity=1 if selected else 0.35,
    )
    # centred, so that an estimate that is a little off leaves the same space on both sides
    shown = fitting(piece, wide - 2 * _PADDING + 1e-6, _FONT_PIXELS)
    yield text(shown, wide / 2, 17, on, text_anchor="middle", font_size=_FONT_PIXELS)
