"""Pictures of the tour as HTML, from plain data: what no other page draws. No Streamlit, no computation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Outcome", "badge", "guesses", "number_rows", "outcomes", "progress", "road", "sentence_above"]

Floats = npt.NDArray[Any]

#: A sentence, its changed word if any, the share of the first label, and the label that it gets.
Outcome = tuple[str, str, float, str]

# Values of the embeddings beyond this many standard deviations are drawn in the strongest colour.
_DEVIATIONS = 2.5


def progress(step: int, steps: int) -> str:
    """A line of segments, those up to this step filled. The position in words is beside the buttons.

    Drawn before the library is there.
    """
    reached = "gb-tour-segment gb-tour-reached"
    segments = [reached if number <= step else "gb-tour-segment" for number in range(1, steps + 1)]
    inside = "".join(f'<span class="{classes}"></span>' for classes in segments)
    return f'<div class="gb-tour-progress" aria-hidden="true">{inside}</div>'


def badge(label: str, share: str) -> str:
    """A decision in large type."""
    from glassbert.pictures.markup import element, escaped

    return _div("badge", _span("answer", element("b", escaped(label)), " ", escaped(share)))


def road(
    sentence: str,
    pieces: Sequence[str],
    vectors: Floats,
    heads: npt.NDArray[np.uint8],
    decision: tuple[str, str],
    *,
    dark: bool,
) -> str:
    """The whole way in one picture: the sentence, its pieces, their numbers, all heads, and the decision.

    vectors: (token, hidden); heads: levels of the attention maps (layer, head, row, column); decision: label and share.
    """
    from glassbert.pictures.markup import escaped

    layers, count = heads.shape[:2]
    stations = (
        (f"{len(pieces)} pieces", _div("chips", *(_span("chip", escaped(piece)) for piece in pieces))),
        (f"{len(pieces)} × {vectors.shape[1]} numbers", _image(_levels(vectors), _value_colours(dark), "stretched")),
        (f"{layers} layers of {count} heads", _image(_mosaic(heads), _weight_colours(dark))),
        ("a decision", badge(*decision)),
    )
    drawn = (_div("station", _div("view", picture), _div("told", escaped(label))) for label, picture in stations)
    return _div("slide", _quote(sentence), _div("road", *drawn))


def sentence_above(sentence: str) -> str:
    """The sentence, and an arrow down to what becomes of it."""
    return _div("slide", _quote(sentence), _div("becomes", "↓", aria_hidden="true"))


def number_rows(pieces: Sequence[str], ids: Iterable[int], vectors: Floats, *, dark: bool) -> str:
    """A row for each piece: its text, its number in the vocabulary, and its vector as a strip of cells."""
    from glassbert.pictures.markup import escaped

    colours = _value_colours(dark)
    rows = (
        _span("piece", escaped(piece)) + _span("id", str(number)) + _image(levels[None], colours)
        for piece, number, levels in zip(pieces, ids, _levels(vectors), strict=True)
    )
    return _div("numbers", *rows)


def guesses(rows: Iterable[tuple[str, float]], hidden: str) -> str:
    """A row for each word: a bar of its share from 0 to 100%, that of the hidden word darker."""
    from glassbert.pictures.formats import percent
    from glassbert.pictures.markup import escaped

    drawn = (
        _div(
            "guess marked" if word == hidden else "guess",
            _div("word", escaped(word)),
            _bar(share),
            _div("share", percent(share)),
        )
        for word, share in rows
    )
    return _div("guesses", *drawn)


def outcomes(rows: Sequence[Outcome], label: str) -> str:
    """A row for each sentence: the text with its changed word, and a bar of the label's share from 0 to 100%."""
    from glassbert.pictures.formats import percent
    from glassbert.pictures.markup import element, escaped

    def drawn(sentence: str, changed: str, share: float, got: str) -> str:
        before, word, after = sentence.partition(changed) if changed else (sentence, "", "")
        marked = element("mark", escaped(word)) if word else ""
        told = f"{label} {percent(share)}" if got == label else f"now {got} ({label}: {percent(share)})"
        text = _div("sentence", escaped(before), marked, escaped(after))
        return _div("outcome marked", text, _bar(share), _div("share", escaped(told)))

    return _div("outcomes", *(drawn(*row) for row in rows))


def _quote(sentence: str) -> str:
    from glassbert.pictures.markup import escaped

    return _div("quote", escaped(f"“{sentence}”"))


def _bar(share: float) -> str:
    return _div("track", _div("fill", style=f"width:{100 * share:.1f}%"))


def _div(classes: str, *content: str, **values: str) -> str:
    return _classed("div", classes, *content, **values)


def _span(classes: str, *content: str) -> str:
    return _classed("span", classes, *content)


def _classed(tag: str, classes: str, *content: str, **values: str) -> str:
    from glassbert.pictures.markup import element

    names = " ".join(f"gb-tour-{name}" for name in classes.split())
    return element(tag, *content, **{"class": names}, **values)


def _image(levels: npt.NDArray[np.uint8], colours: npt.NDArray[np.uint8], classes: str = "picture") -> str:
    from glassbert.pictures.png import data_address

    return _classed("img", classes, src=data_address(levels, colours), alt="").removesuffix("</img>")


def _levels(vectors: Floats) -> npt.NDArray[np.uint8]:
    """Levels of values of either sign, zero in the middle."""
    most = _DEVIATIONS * float(vectors.std()) or 1.0
    return np.rint(127.5 * (1 + np.clip(vectors / most, -1, 1))).astype(np.uint8)


def _mosaic(heads: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """All maps in one image, two pixels of nothing around each."""
    framed = np.pad(heads, ((0, 0), (0, 0), (2, 2), (2, 2)))
    layers, count, height, width = framed.shape
    return np.ascontiguousarray(framed.transpose(0, 2, 1, 3).reshape(layers * height, count * width))


def _value_colours(dark: bool) -> npt.NDArray[np.uint8]:
    """Violet: values of either sign that speak neither for nor against anything."""
    from glassbert.pictures import palette

    on = palette.theme(dark)
    start, end = palette.rgb(on.background), palette.blend(palette.rgb(palette.INK), palette.rgb(on.text), 0.3)
    return np.array([palette.blend(start, end, level / 255) for level in range(256)], dtype=np.uint8)


def _weight_colours(dark: bool) -> npt.NDArray[np.uint8]:
    from glassbert.pictures import palette

    return palette.weights_ramp(palette.theme(dark))
