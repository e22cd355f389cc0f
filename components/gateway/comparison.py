"""Two readings, and what differs between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from components.gateway.attention import maps
from components.gateway.cache import shared, while_read
from components.gateway.inputs import encode
from components.gateway.library import gb, import_library
from components.gateway.models import load
from components.gateway.requests import TextRequest
from components.gateway.saliency import page_options

if TYPE_CHECKING:
    from glassbert.comparison import Sides
    from glassbert.comparison.changes import Part
    from glassbert.comparison.results import (
        AttentionDifference,
        AttributionDifference,
        Changes,
        HiddenSimilarity,
        MaskedWordDifference,
        PredictionDifference,
    )
    from glassbert.targets import Output
    from glassbert.text.results import WordAlignment

__all__ = [
    "SidesRequest",
    "alignment",
    "attention",
    "attributions",
    "hidden_states",
    "largest_changes",
    "masked_words",
    "one_head",
    "predictions",
    "thumbnails",
]

_LARGE_WORDS = 96  # 151 MB for 512 words, as long as attention itself
_SIDE_PIXELS = 64


@dataclass(frozen=True, slots=True)
class SidesRequest:
    """Two readings: one text, or pair, on two models, or two texts on one model."""

    first: TextRequest
    second: TextRequest

    @property
    def text(self) -> str:
        return self.first.text

    @property
    def pair(self) -> str | None:
        return self.first.pair


def _sides(request: SidesRequest) -> Sides:
    """Not kept: it holds the models."""
    first, second = request.first, request.second
    if first.model == second.model:
        return gb.comparison.sides_of_texts(load(first.model), encode(first), encode(second))
    return gb.comparison.sides_of_models(load(first.model), load(second.model), first.text, first.pair)


@shared(128)
def alignment(request: SidesRequest) -> WordAlignment:
    """No forward pass."""
    return _sides(request).alignment


@shared(128)
def predictions(request: SidesRequest, head: Literal["classification", "next_sentence"]) -> PredictionDifference:
    """Two forward passes."""
    return gb.comparison.compare_predictions(_sides(request), head)


def attention(request: SidesRequest) -> AttentionDifference:
    """Two forward passes the first time, free afterwards."""
    large = len(alignment(request)) > _LARGE_WORDS
    return _attention_large(request) if large else _attention_small(request)


@shared(16)
def _attention_small(request: SidesRequest) -> AttentionDifference:
    return gb.comparison.compare_attention(_sides(request))


@while_read(entries=2, each=1)
def _attention_large(request: SidesRequest) -> AttentionDifference:
    return gb.comparison.compare_attention(_sides(request))


@shared(32)
def thumbnails(request: SidesRequest, special: bool) -> np.ndarray:
    """The difference in every head as a thumbnail, (layer, head, row, column) uint8; no pass beyond `attention`'s."""
    import_library()
    from glassbert.pictures.thumbnails import difference_levels

    difference = attention(request)
    if special:
        return difference_levels(difference.values, _SIDE_PIXELS)
    words = ~difference.alignment.special[difference.rows]
    return difference_levels(difference.values[:, :, words][:, :, :, words], _SIDE_PIXELS)


def one_head(request: SidesRequest, layer: int, head: int) -> tuple[np.ndarray, np.ndarray]:
    """(word, word) of each side, over the words that both have; one more pass per side, shared with other pages."""
    found = alignment(request)
    rows = np.flatnonzero(found.matched)
    sides = ((request.first, found.first_spans), (request.second, found.second_spans))
    first, second = (_by_word(maps(text).weights[layer, head], spans[rows]) for text, spans in sides)
    return first, second


def _by_word(weights: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """(token, token) → (word, word): sums over the key pieces of a word, means over its query pieces."""
    summed = np.stack([weights[:, start:stop].sum(axis=1) for start, stop in spans], axis=1)
    return np.stack([summed[start:stop].mean(axis=0) for start, stop in spans])


@shared(32)
def hidden_states(request: SidesRequest) -> HiddenSimilarity:
    """Two forward passes."""
    return gb.comparison.compare_hidden_states(_sides(request))


@shared(64)
def attributions(
    request: SidesRequest, method: str, target: gb.Target, output: Output = "logit"
) -> AttributionDifference:
    """Twice as many forward passes as the method declares."""
    return gb.comparison.compare_attributions(
        _sides(request), method=method, target=target, output=output, **page_options(method)
    )


@shared(64)
def masked_words(request: SidesRequest, rows: tuple[int, ...] | None) -> MaskedWordDifference:
    """Two forward passes per word, batched; None takes the masks that are typed in both."""
    return gb.comparison.compare_masked_words(_sides(request), rows)


def largest_changes(found: WordAlignment, parts: Sequence[Part], count: int) -> Changes:
    """No forward pass."""
    return gb.comparison.largest_changes(found, *parts, count=count)
