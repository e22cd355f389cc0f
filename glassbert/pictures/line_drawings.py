"""Lines over layers or steps as drawings, with axes, names at a key above, and a band if there is one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from glassbert.pictures.drawing import Drawing, beside, rectangle, stacked, text
from glassbert.pictures.formats import short
from glassbert.pictures.markup import clipped, element, escaped
from glassbert.pictures.palette import INK, LINES, NEUTRAL, Theme
from glassbert.pictures.text_width import fitting, text_width

__all__ = ["line_drawing"]

_LEFT, _RIGHT, _UPPER = 58.0, 14.0, 8.0
_NAME_CHARACTERS = 24


def line_drawing(
    lines: Mapping[str, Sequence[float]],
    *,
    on: Theme,
    places: Sequence[float] | None = None,
    place_names: Sequence[str] | None = None,
    band: tuple[Sequence[float], Sequence[float], Sequence[float]] | None = None,
    limits: tuple[float, float] | None = None,
    log: bool = False,
    told: Callable[[float], str] = short,
    across: str = "",
    up: str = "",
    width_px: float = 560,
    height_px: float = 180,
) -> Drawing:
    """One line per name; a single one is drawn in the ink of curves and needs no key.

    places:      where the points are from left to right, one for all lines; None: 0, 1, 2, …
    place_names: what is written under them, as many as fit; None: their numbers.
    band:        the lowest, middle and highest of many others: a grey band with a dotted middle.
    limits:      the lower and upper end; None: zero and a little above the largest, or with ``log`` decades.
    told:        a number as a reader sees it. across, up: what the axes are.

    Raises ValueError for lines of different lengths and for numbers that are not finite.
    """
    count = {len(line) for line in lines.values()}
    everything = [float(value) for line in [*lines.values(), *(band or ())] for value in line]
    if len(count) != 1 or not all(map(math.isfinite, everything)):
        raise ValueError("pass at least one line, all of one length and finite")
    at = list(map(float, range(count.pop()))) if places is None else list(map(float, places))
    names = [f"{place:g}" for place in at] if place_names is None else list(place_names)
    low, high, ticks = _scaled(everything, limits, log)
    wide, below = width_px - _LEFT - _RIGHT, _UPPER + height_px
    span = (max(at) - min(at)) or 1.0

    def x(place: float) -> float:
        return _LEFT + (wide * (place - min(at)) / span if len(at) > 1 else wide / 2)

    def y(value: float) -> float:
        share = (
            (_decades(value) - _decades(low)) / (_decades(high) - _decades(low))
            if log
            else (value - low) / (high - low)
        )
        return below - height_px * min(1.0, max(0.0, share))

    parts = []
    for tick in ticks:
        parts.append(_stroke([(_LEFT, y(tick)), (width_px - _RIGHT, y(tick))], NEUTRAL, opacity=0.3))
        parts.append(text(told(tick), _LEFT - 6, y(tick) + 4, on, text_anchor="end", font_size=11))
    written, deep = _place_names(names, [x(place) for place in at], wide, below, on)
    parts.append(written)
    if band is not None:
        around = [(x(p), y(v)) for p, v in zip(at, band[2], strict=True)]
        around += [(x(p), y(v)) for p, v in reversed(list(zip(at, band[0], strict=True)))]
        parts.append(element("polygon", points=_points(around), fill=NEUTRAL, fill_opacity=0.25))
        parts.append(_stroke([(x(p), y(v)) for p, v in zip(at, band[1], strict=True)], NEUTRAL, dash="2 3"))
    keys = []
    for number, (name, line) in enumerate(lines.items()):
        colour = INK if len(lines) == 1 else LINES[number % len(LINES)]
        path = [(x(p), y(float(v))) for p, v in zip(at, line, strict=True)]
        parts.append(_stroke(path, colour, width=2.2))
        for (px, py), value, place in zip(path, line, names, strict=True):
            hovered = element("title", escaped(f"{name}, {place}: {told(float(value))}"))
            parts.append(element("circle", hovered, cx=px, cy=py, r=3, fill=colour))
        keys.append(_key(clipped(name, _NAME_CHARACTERS), colour, on))
    if across:
        parts.append(text(across, _LEFT + wide / 2, below + deep + 16, on, text_anchor="middle", font_size=11))
    drawn = Drawing("".join(parts), width_px, below + deep + (22 if across else 6))
    heading = Drawing(text(up, 0, 12, on, font_size=11), text_width(up, 11), 16) if up else Drawing("", 0, 0)
    return stacked([*([beside(keys, 14, width_px=width_px)] if len(lines) > 1 else []), heading, drawn], gap=4)


def _scaled(values: Sequence[float], limits: tuple[float, float] | None, log: bool) -> tuple[float, float, list[float]]:
    """The ends of the upright axis and its ticks."""
    if log:
        first = math.floor(_decades(min(values)))
        last = max(first + 1, math.ceil(_decades(max(values)) - 1e-9))
        return 10.0**first, 10.0**last, [10.0**decade for decade in range(first, last + 1, max(1, (last - first) // 4))]
    low, high = limits or (min(0.0, *values), max(0.0, *values))
    if low == high:
        high = low + 1
    step = _step(high - low)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if limits is None:
        # whole steps at both ends, so that no line touches the edge without a number
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        low, high = first * step, last * step
    return low, high, [number * step for number in range(first, last + 1)]


def _step(span: float) -> float:
    """1, 2 or 5 times a power of ten: about four steps."""
    power = 10.0 ** math.floor(math.log10(span / 4))
    return next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= 5)


def _decades(value: float) -> float:
    return math.log10(max(value, 1e-12))


def _place_names(names: Sequence[str], at: Sequence[float], wide: float, below: float, on: Theme) -> tuple[str, float]:
    """The names under the axis, every n-th of many, on end where they are long; and the room that they take."""
    step = wide / max(1, len(names) - 1)
    widest = max(text_width(name, 11) for name in names)
    if widest + 6 <= step or (len(names) > 12 and widest < 30):
        every = max(1, math.ceil((widest + 6) / step))
        shown = range(0, len(names), every)
        drawn = (text(names[n], at[n], below + 20, on, text_anchor="middle", font_size=11) for n in shown)
        return "".join(drawn), 24.0
    every = max(1, math.ceil(13 / step))
    short = {number: fitting(names[number], 110, 11) for number in range(0, len(names), every)}
    turned = (
        element(
            "g",
            text(name, 0, 0, on, text_anchor="end", font_size=11),
            transform=f"translate({at[number] + 4:g} {below + 10:g}) rotate(-90)",
        )
        for number, name in short.items()
    )
    return "".join(turned), max(text_width(name, 11) for name in short.values()) + 12


def _key(name: str, colour: str, on: Theme) -> Drawing:
    mark = rectangle(0, 5, 14, 4, fill=colour)
    return Drawing(mark + text(name, 18, 11, on, font_size=11), 18 + text_width(name, 11), 16)


def _stroke(
    points: Sequence[tuple[float, float]], colour: str, *, width: float = 1, opacity: float = 1, dash: str = "none"
) -> str:
    return element(
        "polyline",
        points=_points(points),
        fill="none",
        stroke=colour,
        stroke_width=width,
        stroke_opacity=opacity,
        stroke_dasharray=dash,
    )


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{round(x, 2):g},{round(y, 2):g}" for x, y in points)
