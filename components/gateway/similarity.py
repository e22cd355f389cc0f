"""How similar texts are for a sentence encoder: cosines, what one is made of, and a small search."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from components.gateway.cache import shared
from components.gateway.library import gb
from components.gateway.models import load
from components.gateway.requests import ModelRequest

if TYPE_CHECKING:
    from glassbert.models.pooling import Pooling
    from glassbert.similarities import Similarity, SimilarityRanking

__all__ = ["TOLERANCE", "cosine", "long_matrix", "long_ranking", "matrix", "passes_of_matrix", "ranking"]

#: The error of the matrix that the page accepts, as a share of each embedding's change.
TOLERANCE = 0.05
# Points of each text's line that are usually enough; what each costs: passes for each token, and what many small
# steps cost beside them, in tokens that a pass reads in that time.
_POINTS, _PASSES, _STEPS = 14, 1.6, 3000


@shared(256)
def cosine(model: ModelRequest, first: str, second: str, pooling: Pooling | None) -> Similarity:
    """Two forward passes."""
    return gb.similarity(load(model), first, second, pooling=pooling, matrix=False)


@shared(64)
def matrix(model: ModelRequest, first: str, second: str, pooling: Pooling | None) -> Similarity:
    """As many passes as :func:`passes_of_matrix` says."""
    return gb.similarity(load(model), first, second, pooling=pooling, tolerance=TOLERANCE)


def long_matrix(model: ModelRequest, first: str, second: str, pooling: Pooling | None) -> Callable[..., Similarity]:
    """The same as the work of a job."""
    opened = load(model)
    return lambda **watched: gb.similarity(opened, first, second, pooling=pooling, tolerance=TOLERANCE, **watched)


def passes_of_matrix(first_tokens: int, second_tokens: int) -> int:
    """About how many passes of the mean length the matrix costs."""
    tokens = sum(_POINTS * (_PASSES * count**2 + _STEPS) for count in (first_tokens, second_tokens))
    return round(tokens / max((first_tokens + second_tokens) / 2, 1))


@shared(64)
def ranking(model: ModelRequest, query: str, texts: tuple[str, ...], pooling: Pooling | None) -> SimilarityRanking:
    """One forward pass per text, and one for the query."""
    return gb.rank_similar(load(model), query, list(texts), pooling=pooling)


def long_ranking(
    model: ModelRequest, query: str, texts: tuple[str, ...], pooling: Pooling | None
) -> Callable[..., SimilarityRanking]:
    """The same as the work of a job."""
    opened = load(model)
    return lambda **watched: gb.rank_similar(opened, query, list(texts), pooling=pooling, **watched)
