"""From the language pages to the library: what is read, guessed and expected next. Like `compute`, which caches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.gateway.compute import ModelRequest, TextRequest, encode, library, load, shared

if TYPE_CHECKING:
    import glassbert as gb

__all__ = [
    "architecture",
    "logit_lens",
    "probe_template",
    "rank_continuations",
    "reading_steps",
    "score_words",
    "surprise",
    "whole_words",
]


@shared(64)
def reading_steps(request: TextRequest, padding: int | None) -> gb.ReadingSteps:
    """One forward pass, three with padding; with the embeddings themselves, a few kilobytes a token."""
    return library().reading_steps(load(request.model), encode(request), padding=padding, vectors=True)


@shared(8)
def architecture(model: ModelRequest, tokens: int) -> gb.Architecture:
    """One forward pass."""
    return library().architecture(load(model), tokens)


@shared(128)
def logit_lens(request: TextRequest, position: int, words: tuple[str, ...], top_k: int) -> gb.LogitLens:
    """One forward pass, the vocabulary head once a layer."""
    return library().logit_lens(load(request.model), encode(request), positions=[position], words=words, top_k=top_k)


@shared(64)
def surprise(request: TextRequest, variant: str) -> gb.Surprise:
    """One input a token, batched."""
    return library().surprise(load(request.model), encode(request), variant=variant)


@shared(128)
def score_words(request: TextRequest, position: int, words: tuple[str, ...]) -> gb.WordScores:
    """One forward pass, and one a piece of every word of several pieces."""
    return library().score_words(load(request.model), encode(request), position, list(words))


@shared(32)
def probe_template(
    model: ModelRequest, template: str, slots: tuple[tuple[str, tuple[str, ...]], ...], words: tuple[str, ...]
) -> gb.TemplateProbe:
    """One forward pass a sentence, batched."""
    return library().probe_template(load(model), template, dict(slots), list(words) or None)


@shared(64)
def rank_continuations(
    model: ModelRequest, first: str, candidates: tuple[str, ...], swap: bool
) -> gb.ContinuationRanking:
    """One forward pass a candidate, batched."""
    return library().rank_continuations(load(model), first, list(candidates), swap=swap)


def whole_words(prediction: gb.MaskPrediction, row: int) -> list[int]:
    """The candidates that begin a word, by their place in the list: not ``##ing``, not a piece without its space."""
    pieces = prediction.candidates[row]
    if any(piece.startswith("##") for piece in pieces):
        return [index for index, piece in enumerate(pieces) if not piece.startswith("##")]
    marked = [index for index, piece in enumerate(pieces) if piece.startswith(("Ġ", "▁"))]
    return marked or list(range(len(pieces)))
