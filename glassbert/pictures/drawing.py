"""Drawings that know their size, put beside and below one another, and at last into one SVG document.

A drawing's markup is in coordinates of its own, from (0, 0) to (width, height) in pixels; its text is escaped already.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from glassbert.pictures.markup import clipped, element, escaped
from glassbert.pictures.palette import NEUTRAL, Theme
from glassbert.pictures.text_width import fitting, text_width, wrapped

__all__ = [
    "FONT",
    "FONT_PIXELS",
    "Drawing",
    "beside",
    "document",
    "hairline",
    "line_of_text",
    "moved",
    "paragraph",
    "rectangle",
    "stacked",
    "text",
    "titled",
]

#: The faces that are tried, all of them wide; the estimate of `text_width` is made from the first.
FONT = "DejaVu Sans, Verdana, Arial, sans-serif"
FONT_PIXELS = 12
_LINE = 1.5
_BOLDER = 1.13  # bold letters are about an eighth wider


@dataclass(frozen=True, slots=True)
class Drawing:
    """Markup and the room that it takes, in pixels."""

    markup: str
    width: float
    height: float


def text(content: str, x: float, y: float, on: Theme, *, bold: bool = False, **values: str | float) -> str:
    """One line of text on the baseline ``y``; spaces stay as they are."""
    if bold:
        values["font_weight"] = "600"
    return element("text", escaped(content), **{"x": x, "y": y, "fill": on.text, "style": "white-space:pre", **values})


def rectangle(x: float, y: float, width: float, height: float, *content: str, **values: str | float) -> str:
    return element("rect", *content, x=x, y=y, width=width, height=height, **values)


def moved(drawing: Drawing, x: float, y: float) -> str:
    """Its markup at another place."""
    return (
        element("g", drawing.markup, transform=f"translate({round(x, 2):g} {round(y, 2):g})") if drawing.markup else ""
    )


def stacked(drawings: Iterable[Drawing], gap: float = 10) -> Drawing:
    """One below the other, left edges in line; those without height take no gap either."""
    parts: list[str] = []
    y = wide = 0.0
    for drawing in drawings:
        if not drawing.height:
            continue
        y += gap if parts else 0.0
        parts.append(moved(drawing, 0, y))
        y += drawing.height
        wide = max(wide, drawing.width)
    return Drawing("".join(parts), wide, y)


def beside(drawings: Sequence[Drawing], gap: float = 16, *, width_px: float = math.inf) -> Drawing:
    """One beside the other, upper edges in line; a row breaks before a drawing that would not fit ``width_px``."""
    parts: list[str] = []
    x = y = high = wide = 0.0
    for drawing in drawings:
        if x and x + drawing.width > width_px:
            x, y, high = 0.0, y + high + gap, 0.0
        parts.append(moved(drawing, x, y))
        wide = max(wide, x + drawing.width)
        x += drawing.width + gap
        high = max(high, drawing.height)
    return Drawing("".join(parts), wide, y + high)


def line_of_text(content: str, on: Theme, *, font_px: float = FONT_PIXELS, bold: bool = False) -> Drawing:
    """One line, as wide as it is."""
    wide = text_width(content, font_px) * (_BOLDER if bold else 1)
    return Drawing(text(content, 0, font_px * 1.1, on, bold=bold, font_size=font_px), wide, font_px * _LINE)


def paragraph(
    content: str,
    width_px: float,
    on: Theme,
    *,
    font_px: float = FONT_PIXELS,
    bold: bool = False,
    most_lines: int | None = None,
) -> Drawing:
    """A text broken into lines of this width; of more than ``most_lines`` the last one ends with an ellipsis."""
    room = width_px / (_BOLDER if bold else 1)
    # a text of a million characters has no more lines than are shown
    shown = content if most_lines is None else clipped(content, int(most_lines * width_px))
    lines = wrapped(shown, room, font_px)
    if most_lines is not None and len(lines) > most_lines:
        lines = [*lines[: most_lines - 1], fitting(" ".join(lines[most_lines - 1 :]), room, font_px)]
    drawn = (
        text(line, 0, font_px * (1.1 + _LINE * number), on, bold=bold, font_size=font_px)
        for number, line in enumerate(lines)
    )
    wide = max((text_width(line, font_px) for line in lines), default=0.0)
    return Drawing("".join(drawn), min(width_px, wide * (_BOLDER if bold else 1)), _LINE * font_px * len(lines))


def titled(drawing: Drawing, title: str, on: Theme) -> Drawing:
    """With a small heading above, no wider than it has to be."""
    return stacked([paragraph(title, max(drawing.width, 200), on, bold=True), drawing], gap=6)


def document(drawing: Drawing, on: Theme, *, title: str = "", margin: float = 16) -> str:
    """A complete SVG document around a drawing, with a background; ``title`` is for browsers and screen readers."""
    wide, high = math.ceil(drawing.width + 2 * margin), math.ceil(drawing.height + 2 * margin)
    return element(
        "svg",
        element("title", escaped(title)) if title else "",
        rectangle(0, 0, wide, high, fill=on.background),
        moved(drawing, margin, margin),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {wide} {high}",
        width=wide,
        height=high,
        font_family=FONT,
        font_size=FONT_PIXELS,
        role="img",
    )


def hairline(x: float, y: float, width: float, height: float) -> str:
    """A thin grey frame."""
    return rectangle(x, y, width, height, fill="none", stroke=NEUTRAL, stroke_opacity=0.35)
