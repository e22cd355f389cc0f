"""Texts longer than a model reads at once: the windows that pages show one of, and what is said of the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from components.gateway.cache import shared
from components.gateway.library import gb
from components.gateway.models import load
from components.gateway.requests import Opened, Part, TextRequest
from components.gateway.saliency import page_options
from components.state import View

if TYPE_CHECKING:
    from components.state import DecidedBy
    from glassbert.language.results import PieceScoring, Surprise

__all__ = [
    "decided",
    "decision",
    "encode",
    "in_part",
    "long_scores",
    "part_around",
    "passes",
    "plan",
    "receipt",
    "scores",
    "surprise",
    "widest",
]


@shared(32)
def encode(request: TextRequest, decided_by: DecidedBy) -> gb.Encoded:
    """The whole text with its windows; none if the model reads it at once. No forward pass. Raises a TextError."""
    return gb.encode(load(request.model), request.text, request.pair, windows=plan(decided_by))


def plan(decided_by: DecidedBy) -> gb.Windows:
    """How the app reads a text that is too long: in windows as long as the model can read, each half new."""
    return gb.Windows(decided_by=decided_by)


@shared(32)
def _spans(request: TextRequest) -> tuple[tuple[int, int, int], ...]:
    """Of each window, the text that it shows a part of (0 or 1), and its characters [start, stop)."""
    encoded = encode(request, "mean")
    return tuple(
        (int(encoded.sequence_ids[first]), int(encoded.offsets[first, 0]), int(encoded.offsets[last - 1, 1]))
        for first, last in encoded.windows
    )


def in_part(opened: Sequence[Opened], view: View) -> list[Opened]:
    """The models with the part of a long text that all of them can read, the one that the view has chosen.

    The windows are those of the model with most of them; texts that all models read at once are left whole.
    """
    if not opened or not view.text.strip():
        return list(opened)
    try:
        spans = _spans(widest(opened, view))
    except gb.TextError:  # the page says so
        return list(opened)
    if not spans:
        return list(opened)
    number = min(view.window, len(spans) - 1)
    which, start, stop = spans[number]
    texts = [view.text, view.pair]
    texts[which] = texts[which][start:stop]
    part = Part((view.text, view.pair), number, len(spans), texts[0], texts[1], which, start, stop)
    return [replace(one, part=part) for one in opened]


def widest(opened: Sequence[Opened], view: View) -> TextRequest:
    """The whole text for the model that reads it in most windows. Raises a TextError."""
    return max((one.whole(view) for one in opened), key=lambda request: len(_spans(request)))


def part_around(request: TextRequest, which: int, character: int) -> int:
    """The window in which this character of text A (0) or B (1) has the most text on its nearer side."""
    margins = [
        min(character - start, stop - 1 - character) if own == which else -1 for own, start, stop in _spans(request)
    ]
    return max(range(len(margins)), key=margins.__getitem__)


def passes(request: TextRequest) -> tuple[int, int]:
    """How many windows the whole is read in, and how many tokens the longest has."""
    encoded = encode(request, "mean")
    windows = range(len(encoded.windows))
    return max(1, len(windows)), max((len(encoded.window_positions(one)) for one in windows), default=len(encoded))


@shared(32)
def decided(request: TextRequest, decided_by: DecidedBy) -> gb.Classification:
    """What the classifier says of the whole text. One forward pass per window."""
    return gb.classify(load(request.model), encode(request, decided_by))


def decision(request: TextRequest, decided_by: DecidedBy) -> Callable[..., gb.Classification]:
    """The same as the work of a job."""
    model, encoded = load(request.model), encode(request, decided_by)
    return lambda **_: gb.classify(model, encoded)


@shared(16)
def scores(request: TextRequest, decided_by: DecidedBy, method: str, target: gb.Target) -> gb.TokenScores:
    """One method on every window that has a share in the decision: its passes, times their number."""
    return long_scores(request, decided_by, method, target)()


def long_scores(
    request: TextRequest, decided_by: DecidedBy, method: str, target: gb.Target
) -> Callable[..., gb.TokenScores]:
    """The same as the work of a job."""
    model, encoded = load(request.model), encode(request, decided_by)
    return lambda **reports: gb.attribute(
        model, encoded, method=method, target=target, **page_options(method), **reports
    )


def surprise(request: TextRequest, variant: PieceScoring) -> Callable[..., Surprise]:
    """The work of a job: one masked input per token, in the window in which it is most central."""
    model, encoded = load(request.model), encode(request, "mean")
    return lambda **reports: gb.surprise(model, encoded, variant=variant, **reports)


def receipt(request: TextRequest, found: gb.TokenScores) -> Callable[..., gb.Receipt]:
    """The work of a job: the checks of an explanation of the whole that need no other run of its method."""
    model = load(request.model)
    return lambda **reports: gb.receipt(
        model, found, checks=("comprehensiveness", "sufficiency"), n_orderings=20, **reports
    )
