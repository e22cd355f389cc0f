"""How many inputs share a pass: batches of similar length, bounded by memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from glassbert.network.model import Model

__all__ = ["batches", "rows_of_vocabulary"]

# Bytes of one layer's activations in one pass, or of one batch of vocabulary scores. On a CPU more is slower, since it
# leaves the caches; a GPU wants more to do at once.
_CPU_BYTES, _GPU_BYTES = 32 * 2**20, 512 * 2**20
# The inner layer of a batch stays below 8 MB: glibc may give larger blocks back after every use, and clearing fresh
# pages took a tenth of a pass. 10 copies of 128 tokens were as quick as 13 or 18, 4 or 27 slower.
_INNER_BYTES = 8 * 2**20


def batches(model: Model, lengths: Sequence[int], *, maps: bool = True) -> Iterator[list[int]]:
    """The numbers of inputs of these lengths, the shortest first, in batches that memory bounds.

    ``maps``: a pass holds attention maps, as all but the fused kernel's do.
    """
    by_length = sorted(range(len(lengths)), key=lengths.__getitem__)
    start = 0
    while start < len(by_length):
        end = start + 1
        while end < len(by_length) and end - start < _inputs_that_fit(model, lengths[by_length[end]], maps):
            end += 1
        yield by_length[start:end]
        start = end


def _inputs_that_fit(model: Model, tokens: int, maps: bool) -> int:
    """How many inputs of this length one pass without gradients may hold: states, the inner layer, attention maps."""
    config = model.network.config
    inner = int(getattr(config, "intermediate_size", 4 * model.hidden_size))
    floats = 6 * model.hidden_size + 2 * inner + (3 * model.attention_heads * tokens if maps else 0)
    most = _floats(model) // (tokens * floats)
    if model.device == "cpu":
        most = min(most, _INNER_BYTES // (4 * tokens * inner))
    return max(1, most)


def rows_of_vocabulary(model: Model, each: int = 1) -> int:
    """How many rows of ``each`` vocabulary scores a batch may hold."""
    return max(1, _floats(model) // (each * int(model.network.config.vocab_size)))


def _floats(model: Model) -> int:
    return (_CPU_BYTES if model.device == "cpu" else _GPU_BYTES) // 4
