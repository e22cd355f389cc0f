"""Many texts by their similarity to one: a small search."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from glassbert.arguments import checked
from glassbert.decision import Passes, pooling_of
from glassbert.errors import OptionError
from glassbert.models.pooling import Pooling
from glassbert.network.model import Model
from glassbert.similarities.embeddings import embed
from glassbert.similarities.results import SimilarityRanking
from glassbert.text.inputs import encode

__all__ = ["MOST_TEXTS", "rank_similar"]

#: More texts are a task for a vector index, not for one call.
MOST_TEXTS = 1000


@checked
def rank_similar(
    model: Model,
    query: str,
    texts: Sequence[str],
    *,
    pooling: Pooling | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> SimilarityRanking:
    """The cosine of each of up to 1,000 texts with the query; ``order`` of the result ranks them, closest first.

    Why one comes before another is explained by ``attribute(model, query, target=SimilarityTarget(one, foil=other))``.
    One forward pass per text, and one for the query. Texts that cannot be read raise a TextError that names them.
    Raises OptionError, TaskHeadError, and StoppedError when cancelled.
    """
    start, passes = time.perf_counter(), Passes(cancelled=cancelled)
    if isinstance(texts, str) or not 0 < len(texts) <= MOST_TEXTS:
        raise OptionError(f"texts must be a list of 1 to {MOST_TEXTS:,} texts; got {len(texts):,}")
    settled = pooling_of(model, pooling)
    encoded = [encode(model, query), *(encode(model, text) for text in texts)]

    def report(count: int) -> None:
        if progress is not None:
            progress(count, len(encoded))

    vectors = embed(model, encoded, settled, passes, report)
    return SimilarityRanking(
        query=encoded[0],
        texts=tuple(texts),
        scores=vectors[1:] @ vectors[0],
        pooling=settled,
        forward_passes=passes.count,
        seconds=time.perf_counter() - start,
    )
