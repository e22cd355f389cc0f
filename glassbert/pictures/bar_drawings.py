"""Bars as drawings, each row with its name and its number: probabilities, scores, and two of either as a pair."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import repeat

from glassbert.pictures.drawing import FONT_PIXELS, Drawing, rectangle, text
from glassbert.pictures.formats import percent, points, signed_number
from glassbert.pictures.markup import element, escaped
from glassbert.pictures.palette import NEGATIVE, NEUTRAL, PALE_OPACITY, POSITIVE, Theme
from glassbert.pictures.text_width import fitting, text_width

__all__ = ["pair_rows", "score_columns", "score_rows", "share_rows"]

_ROW, _BAR, _GAP, _LONGEST_NAME = 20.0, 12.0, 8.0, 220.0
_NUMBER_ROOM = 62.0
_AXIS = 18.0
#: Numbers on an axis that are closer than this would touch.
_CLEAR = 13.0


def share_rows(
    names: Sequence[str],
    shares: Sequence[float],
    marked: Collection[int] = (),
    *,
    on: Theme,
    notes: Sequence[str] = (),
    longest_px: float = _LONGEST_NAME,
    width_px: float = 480,
) -> Drawing:
    """Probabilities from 0 to 100%, the first on top, ``marked`` ones darker.

    notes: what is written after each number. longest_px: where names are cut.
    """
    left, room = _columns(names, width_px, longest_px=longest_px)
    parts = []
    for row, (name, share) in enumerate(zip(names, shares, strict=True)):
        y = row * _ROW
        parts += _name(name, left, y, on, longest_px)
        parts.append(_bar(left, y + 4, room * share, row in marked, f"{name}: {share:.4f}"))
        told = f"{percent(share)}  {notes[row]}" if notes else percent(share)
        parts.append(text(told, left + room * share + 5, y + 14, on, font_size=11))
    parts.append(_percent_axis(left, room, len(names) * _ROW, on))
    after = max((text_width(f"  {note}", 11) for note in notes), default=0.0)
    return Drawing("".join(parts), width_px + after, len(names) * _ROW + _AXIS)


def pair_rows(
    names: Sequence[str],
    first: Sequence[float],
    second: Sequence[float],
    *,
    on: Theme,
    sides: tuple[str, str] = ("first", "second"),
    width_px: float = 480,
) -> Drawing:
    """Two probabilities for each name from 0 to 100%, the first pale, the second darker, and how they differ."""
    high, upper = 2 * _BAR + 16, 20.0
    left, room = _columns([*names, "+00.0 points"], width_px)
    parts = _two_keys(left, sides, on)
    for row, (name, one, other) in enumerate(zip(names, first, second, strict=True)):
        y = upper + row * high
        parts += _name(name, left, y + 2, on)
        parts.append(text(points(one, other), left - _GAP, y + 30, on, text_anchor="end", font_size=11))
        for number, share in enumerate((one, other)):
            top = y + 3 + number * (_BAR + 2)
            told = f"{name}, {sides[number]}: {share:.4f}"
            parts.append(_bar(left, top, room * share, bool(number), told))
            parts.append(text(percent(share), left + room * share + 5, top + 10, on, font_size=11))
    bottom = upper + len(names) * high
    parts.append(_percent_axis(left, room, bottom, on, upper))
    return Drawing("".join(parts), width_px, bottom + _AXIS)


def score_rows(
    names: Sequence[str],
    values: Sequence[float],
    *,
    on: Theme,
    spreads: Sequence[float] | None = None,
    limits: tuple[float, float] | None = None,
    signed: bool = True,
    width_px: float = 480,
) -> Drawing:
    """Scores from a line at zero, orange to the right and blue to the left, each with its number at its end.

    spreads: half the length of an error bar on each. limits: the ends, for charts on one scale. signed: whether a
    number above zero has a plus sign.
    """
    lowest, highest = _ends(values, spreads) if limits is None else limits
    left, room = _columns(names, width_px, numbers=2 if lowest < 0 else 1)
    start = left + (_NUMBER_ROOM if lowest < 0 else 0)
    unit = room / (highest - lowest)
    zero = start - lowest * unit
    parts = []
    for row, (name, value, spread) in enumerate(zip(names, values, spreads or repeat(0.0), strict=False)):
        y, end = row * _ROW, zero + min(max(value, lowest), highest) * unit
        parts += _name(name, left, y, on)
        parts.append(_score(min(zero, end), y + 4, abs(end - zero), _BAR, value, f"{name}: {_told(value, signed)}"))
        parts.append(_error(end, y + 10, spread * unit, on) if spread else "")
        side = -1 if value < 0 else 1
        parts.append(
            text(
                _told(value, signed),
                end + side * (5 + spread * unit),
                y + 14,
                on,
                text_anchor="end" if value < 0 else "start",
                font_size=11,
            )
        )
    parts.append(_line(zero, 0, zero, len(names) * _ROW))
    return Drawing("".join(parts), width_px, len(names) * _ROW)


def score_columns(
    names: Sequence[str], values: Sequence[float], *, on: Theme, signed: bool = True, width_px: float = 640
) -> Drawing:
    """As `score_rows`, in the order of a long text: one column for each, every n-th name below."""
    lowest, highest = _ends(values, None)
    left, upper, high = 56.0, 6.0, 130.0
    step = (width_px - left) / len(values)
    unit = high / (highest - lowest)
    zero = upper + highest * unit
    parts = []
    for column, (name, value) in enumerate(zip(names, values, strict=True)):
        end = zero - min(max(value, lowest), highest) * unit
        told = f"{name}: {_told(value, signed)}"
        parts.append(_score(left + column * step, min(zero, end), max(step * 0.85, 0.4), abs(end - zero), value, told))
    for end in (lowest, highest):
        if abs(end) * unit > _CLEAR:
            parts.append(text(_told(end, signed), left - 6, zero - end * unit + 4, on, text_anchor="end", font_size=11))
    parts.append(text("0", left - 6, zero + 4, on, text_anchor="end", font_size=11))
    parts.append(_line(left, zero, width_px, zero))
    every, lower, deepest = max(1, -int(-14 // step)), upper + high + 6, 0.0
    for column in range(0, len(names), every):
        shown = fitting(names[column], 80, 11)
        place = f"translate({left + (column + 0.5) * step + 4:g} {lower:g}) rotate(-90)"
        parts.append(element("g", text(shown, 0, 0, on, text_anchor="end", font_size=11), transform=place))
        deepest = max(deepest, text_width(shown, 11))
    return Drawing("".join(parts), width_px, lower + deepest + 4)


def _columns(
    names: Sequence[str], width_px: float, *, numbers: int = 1, longest_px: float = _LONGEST_NAME
) -> tuple[float, float]:
    """Where bars begin, and the room that they have: names stand before them, numbers at their ends."""
    longest = max((text_width(name, FONT_PIXELS) for name in names), default=0.0)
    left = min(longest, longest_px) + _GAP
    return left, max(40.0, width_px - left - numbers * _NUMBER_ROOM)


def _name(name: str, left: float, y: float, on: Theme, longest_px: float = _LONGEST_NAME) -> list[str]:
    shown = fitting(name, longest_px, FONT_PIXELS)
    drawn = text(shown, left - _GAP, y + 14, on, text_anchor="end")
    if shown == name:
        return [drawn]
    return [element("g", element("title", escaped(name)), drawn)]


def _bar(x: float, y: float, width: float, marked: bool, told: str) -> str:
    # one that is too short to be seen still has its place
    return rectangle(
        x,
        y,
        max(width, 0.5),
        _BAR,
        element("title", escaped(told)),
        fill=NEUTRAL,
        fill_opacity=1 if marked else PALE_OPACITY,
    )


def _score(x: float, y: float, width: float, height: float, value: float, told: str) -> str:
    return rectangle(
        x,
        y,
        width,
        height,
        element("title", escaped(told)),
        fill=NEGATIVE if value < 0 else POSITIVE,
    )


def _error(x: float, y: float, half: float, on: Theme) -> str:
    ends = "".join(_line(x + side * half, y - 3, x + side * half, y + 3, on.text) for side in (-1, 1))
    return _line(x - half, y, x + half, y, on.text) + ends


def _line(x1: float, y1: float, x2: float, y2: float, colour: str = NEUTRAL) -> str:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, stroke_width=1)


def _percent_axis(left: float, room: float, bottom: float, on: Theme, top: float = 0.0) -> str:
    parts = []
    for share in (0.0, 0.5, 1.0):
        x = left + room * share
        # a line at zero, and marks below the bars: a line through numbers would strike them out
        parts.append(_line(x, bottom if share else top, x, bottom + 4))
        parts.append(text(f"{share:.0%}", x, bottom + 14, on, text_anchor="middle", font_size=10))
    return "".join(parts)


def _two_keys(left: float, sides: tuple[str, str], on: Theme) -> list[str]:
    parts, x = [], left
    for number, side in enumerate(sides):
        parts.append(rectangle(x, 2, 10, 10, fill=NEUTRAL, fill_opacity=1 if number else PALE_OPACITY))
        parts.append(text(side, x + 14, 11, on, font_size=11))
        x += 14 + text_width(side, 11) + 18
    return parts


def _told(value: float, signed: bool) -> str:
    told = signed_number(value)
    return told if signed else told.removeprefix("+")


def _ends(values: Sequence[float], spreads: Sequence[float] | None) -> tuple[float, float]:
    """The lowest and the highest end of a bar, zero between them."""
    around = [0.0] * len(values) if spreads is None else list(spreads)
    lowest = min([0.0, *(value - spread for value, spread in zip(values, around, strict=True))])
    highest = max([0.0, *(value + spread for value, spread in zip(values, around, strict=True))])
    return (lowest, highest) if lowest < highest else (0.0, 1.0)
