"""What a model reads: tokens, words, and the steps from text to embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.gateway.cache import shared
from components.gateway.library import gb, import_library
from components.gateway.models import load
from components.gateway.requests import ModelRequest, TextRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from glassbert.network.results import Architecture
    from glassbert.text.results import ReadingSteps, VocabularyCoverage

__all__ = [
    "architecture",
    "coverage",
    "encode",
    "normalisation_labels",
    "reading_steps",
    "same_place",
    "shorten",
    "tokens_at",
    "words",
]


@shared(256)
def encode(request: TextRequest) -> gb.Encoded:
    """No forward pass. Raises a TextError."""
    return gb.encode(load(request.model), request.text, request.pair)


@shared(64)
def coverage(request: TextRequest) -> VocabularyCoverage:
    """No forward pass. Raises a TextError."""
    import_library()
    from glassbert.text.coverage import vocabulary_coverage

    return vocabulary_coverage(load(request.model), encode(request))


def words(encoded: gb.Encoded) -> tuple[tuple[str, ...], np.ndarray]:
    """The words of an input, and the word of each token, (token,)."""
    import_library()
    from glassbert.text.words import words_of

    found = words_of(encoded)
    return found.labels, found.group


def same_place(request: TextRequest, position: int, other: TextRequest) -> int | None:
    """The token of ``other`` that stands for the same characters as this one; in the same request, the token itself."""
    if request == other:
        return position
    import_library()
    from glassbert.text.words import same_place as find

    return find(encode(request), position, encode(other))


def tokens_at(request: TextRequest, which: int, start: int, stop: int) -> np.ndarray:
    """The tokens that cover these characters of text A (0) or B (1). No forward pass."""
    import_library()
    from glassbert.text.words import tokens_at as find

    return find(encode(request), which, start, stop)


def normalisation_labels() -> Mapping[str, str]:
    """Id of a normalisation → what it does, in a few words."""
    import_library()
    from glassbert.text.normalisation import NORMALISATIONS

    return NORMALISATIONS


def shorten(request: TextRequest) -> tuple[str, str | None]:
    """The longest beginning that fits the model."""
    return gb.shorten(load(request.model), request.text, request.pair)


@shared(64)
def reading_steps(request: TextRequest, padding: int | None) -> ReadingSteps:
    """One forward pass, three with padding; with the embeddings themselves, a few kilobytes per token."""
    return gb.reading_steps(load(request.model), encode(request), padding=padding, vectors=True)


@shared(8)
def architecture(model: ModelRequest, tokens: int) -> Architecture:
    """One forward pass."""
    return gb.architecture(load(model), tokens)
