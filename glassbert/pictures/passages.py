"""A text as it was written, with some of its parts marked by their values: flowing HTML for documents.

Colour is never the only sign: a part above zero has a solid line below it, a part below zero a dashed one, thicker for
larger values, and a note may stand beside it. The colours suit black text on white and white text on black.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from glassbert.pictures import palette
from glassbert.pictures.formats import signed_number
from glassbert.pictures.markup import element, escaped

__all__ = ["Part", "passage_html"]

_THICKEST = 4
#: A smaller share of the largest value leaves no mark.
_VISIBLE = 0.02


@dataclass(frozen=True, slots=True)
class Part:
    """Characters [start, end) of a text and their value; ``shown`` replaces them, a small ``note`` stands beside."""

    start: int
    end: int
    value: float | None = None
    note: str = ""
    shown: str | None = None


def passage_html(text: str, parts: Sequence[Part], *, most: float | None = None) -> str:
    """The text as a paragraph with its parts marked: ``passage_html("not bad", [Part(4, 7, -0.5)])``.

    ``most`` is the value drawn in full; None: the largest magnitude. Hovering shows the values. Parts that overlap an
    earlier one are drawn from where it ends; one without a character of its own is left out. Raises ValueError for a
    value that is not finite.
    """
    values = [part.value for part in parts if part.value is not None]
    if not all(math.isfinite(value) for value in values):
        raise ValueError("a part's value is not finite; pass None for a part without a value")
    full = max(map(abs, values), default=0.0) if most is None else most
    return element("p", *_pieces(text, parts, full), dir="auto", style="white-space:pre-wrap;overflow-wrap:anywhere")


def _pieces(text: str, parts: Sequence[Part], full: float) -> Iterator[str]:
    at = 0
    for part in sorted(parts, key=lambda one: (one.start, one.end)):
        start, end = max(part.start, at), min(part.end, len(text))
        if start >= end:
            continue
        yield escaped(text[at:start])
        yield _marked(text[start:end] if part.shown is None else part.shown, part, full)
        at = end
    yield escaped(text[at:])


def _marked(shown: str, part: Part, full: float) -> str:
    note = element("sup", escaped(part.note)) if part.note else ""
    share = 0.0 if part.value is None or not full else max(-1.0, min(1.0, part.value / full))
    told = "" if part.value is None else f"{shown}: {signed_number(part.value)}"
    if abs(share) < _VISIBLE:
        frame = {"style": "border:1px dashed;padding:0 4px"} if part.shown is not None else {}
        if not frame and not note and not told:
            return escaped(shown)
        return element("span", escaped(shown), note, **({"title": told} if told else {}), **frame)
    colour = palette.NEGATIVE if share < 0 else palette.POSITIVE
    thick = max(1, round(_THICKEST * abs(share)))
    line = f"{thick}px {'dashed' if share < 0 else 'solid'} {colour}"
    style = f"background:{palette.tint(share)};border-bottom:{line}"
    return element("span", escaped(shown), note, title=told, style=style)
