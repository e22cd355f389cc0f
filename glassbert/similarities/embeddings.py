"""Sentence embeddings of many texts, a pass at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from glassbert.decision import Passes
from glassbert.models.pooling import Pooling
from glassbert.network.batches import batches
from glassbert.network.model import Model
from glassbert.network.run import Forward, batch, many_passes, run
from glassbert.network.task_heads import sentence_embeddings
from glassbert.results import Array, Encoded

__all__ = ["embed"]


def embed(
    model: Model,
    encoded: Sequence[Encoded],
    pooling: Pooling,
    passes: Passes,
    done: Callable[[int], None] | None = None,
) -> Array:
    """Embeddings of length 1, (text, hidden) in float64. Texts of similar length share a pass.

    ``done(count)`` is called after each pass with the number of texts that are embedded.
    """
    vectors = np.empty((len(encoded), model.hidden_size))

    def read(forward: Forward) -> Array:
        found: Array = sentence_embeddings(forward, pooling)[0].double().cpu().numpy()
        return found

    def work() -> None:
        count = 0
        for chosen in batches(model, [len(one) for one in encoded]):
            passes.add(len(chosen))
            vectors[chosen] = run(model, batch(model, [encoded[index] for index in chosen]), read)
            count += len(chosen)
            if done is not None:
                done(count)

    many_passes(model, work)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Array = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return unit
