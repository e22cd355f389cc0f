"""How much goes into one pass: the only place that trades memory and caches against calls.

| work | bound | why |
| --- | --- | --- |
| passes without gradients | bytes of one layer's activations | beyond it a CPU's states leave the caches |
| passes with gradients | bytes kept for the way back; token rows | the same, and every layer's activations stay |
| rows of the vocabulary | bytes | 30,522 scores a row |
| rows that split off inside a pass | token rows, by `chunks` | heads off, patches: stated where it is done |

All bounds are per pass; no result depends on them but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from glassbert.network.model import Model

__all__ = [
    "batches",
    "batches_with_gradients",
    "chunks",
    "floats_a_token",
    "inputs_that_fit",
    "inputs_with_gradients",
    "rows_of_vocabulary",
]

# Bytes of one layer's activations in one pass, or of one batch of vocabulary scores. On a CPU more is slower, since it
# leaves the caches; a GPU wants more to do at once.
_CPU_BYTES, _GPU_BYTES = 32 * 2**20, 512 * 2**20
# The inner layer of a batch stays below 8 MB: glibc may give larger blocks back after every use, and clearing fresh
# pages took a tenth of a pass. 10 copies of 128 tokens were as quick as 13 or 18, 4 or 27 slower.
_INNER_BYTES = 8 * 2**20
# Activations kept for the backward pass, in floats per token: about 34 hidden vectors a layer (Korthikanti et al.
# 2022 count 34 bytes in half precision) and 5 attention maps a head.
_HIDDEN_COPIES, _ATTENTION_COPIES = 17, 5
_GRADIENT_BYTES = 512 * 2**20
# Beyond this many token rows a pass with gradients gains nothing more from a larger batch.
_CPU_GRADIENT_ROWS, _GPU_GRADIENT_ROWS = 768, 16_384


def batches(model: Model, lengths: Sequence[int], *, maps: bool = True) -> Iterator[list[int]]:
    """The numbers of inputs of these lengths, the shortest first, as many to a pass without gradients as fit.

    ``maps``: a pass holds attention maps, as all but the fused kernel's do.
    """
    return _by_length(lengths, lambda tokens: inputs_that_fit(model, tokens, maps=maps))


def batches_with_gradients(model: Model, lengths: Sequence[int], most: int | None = None) -> Iterator[list[int]]:
    """The same for forward and backward passes, of ``most`` inputs; None: as many as fit and pay."""
    rows = _CPU_GRADIENT_ROWS if model.device == "cpu" else _GPU_GRADIENT_ROWS

    def fits(tokens: int) -> int:
        return most or min(inputs_with_gradients(model, tokens), max(1, rows // tokens))

    return _by_length(lengths, fits)


def _by_length(lengths: Sequence[int], fits: Callable[[int], int]) -> Iterator[list[int]]:
    by_length = sorted(range(len(lengths)), key=lengths.__getitem__)
    start = 0
    while start < len(by_length):
        end = start + 1
        while end < len(by_length) and end - start < fits(lengths[by_length[end]]):
            end += 1
        yield by_length[start:end]
        start = end


def chunks(count: int, size: int) -> Iterator[slice]:
    """``count`` things in order, ``size`` at a time; at least one."""
    size = max(1, size)
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def inputs_that_fit(model: Model, tokens: int, *, maps: bool = True) -> int:
    """How many inputs of this length one pass without gradients may hold: states, the inner layer, attention maps."""
    most = _floats(model) // (tokens * floats_a_token(model, tokens if maps else 0))
    if model.device == "cpu":
        most = min(most, _INNER_BYTES // (4 * tokens * _inner_size(model)))
    return max(1, most)


def inputs_with_gradients(model: Model, tokens: int) -> int:
    """How many inputs of this length one forward and backward pass may hold."""
    floats = (
        model.layers
        * tokens
        * (_HIDDEN_COPIES * model.hidden_size + _ATTENTION_COPIES * model.attention_heads * tokens)
    )
    return max(1, _GRADIENT_BYTES // (4 * floats))


def rows_of_vocabulary(model: Model, each: int = 1) -> int:
    """How many rows of ``each`` vocabulary scores a batch may hold."""
    return max(1, _floats(model) // (each * int(model.network.config.vocab_size)))


def floats_a_token(model: Model, keys: int) -> int:
    """Floats that one layer holds for a token: states, the inner layer, and three maps of so many keys a head."""
    return 6 * model.hidden_size + 2 * _inner_size(model) + 3 * model.attention_heads * keys


def _inner_size(model: Model) -> int:
    return int(getattr(model.network.config, "intermediate_size", 4 * model.hidden_size))


def _floats(model: Model) -> int:
    return (_CPU_BYTES if model.device == "cpu" else _GPU_BYTES) // 4
