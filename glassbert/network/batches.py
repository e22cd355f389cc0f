"""The memory of a pass: how many inputs go into one, and which is refused because it would not fit.

This is the only place that trades memory and cache use against the number of calls.

| work | bound | why |
| --- | --- | --- |
| passes without gradients | bytes of one layer's activations | larger activations no longer fit the CPU caches |
| passes with gradients | bytes kept for the backward pass; token rows | the same, for the activations of all layers |
| rows of the vocabulary | bytes | 30,522 scores per row |
| rows added inside a pass | token rows, by `chunks`; free memory | ablated heads, patches: documented there |

All bounds are per pass; they affect results only through rounding. A pass of a single long text that needs more memory
than is free is refused in a sentence, before it crashes or swaps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from glassbert.errors import NotEnoughMemoryError
from glassbert.models import memory
from glassbert.models.files import megabytes
from glassbert.network.model import Model

__all__ = [
    "batches",
    "batches_with_gradients",
    "chunks",
    "floats_a_token",
    "floats_for_gradients",
    "inputs_that_fit",
    "inputs_with_gradients",
    "require_memory",
    "require_memory_for_layer_gradients",
    "require_memory_for_maps",
    "require_memory_for_pass",
    "require_memory_for_states",
    "rows_of_vocabulary",
    "rows_that_join",
]

# Bytes of one layer's activations in one pass, or of one batch of vocabulary scores. On a CPU, more is slower, since it
# exceeds the caches; a GPU needs larger batches to be busy.
_CPU_BYTES, _GPU_BYTES = 32 * 2**20, 512 * 2**20
# The intermediate layer of a batch stays below 8 MB: glibc may return larger blocks to the system after every use, and
# clearing new pages took a tenth of a pass. 10 copies of 128 tokens were as fast as 13 or 18; 4 and 27 were slower.
_INNER_BYTES = 8 * 2**20
# Activations kept for the backward pass, in floats per token: about 34 hidden vectors per layer (Korthikanti et al.
# 2022 count 34 bytes in half precision) and 5 attention maps per head; a pass without gradients holds 3 maps at a time.
_HIDDEN_COPIES, _ATTENTION_COPIES, _ATTENTION_MAPS = 17, 5, 3
# The same where scores are a sum of parts, measured with 512 tokens and a DeBERTa of base size.
_COPIES_OF_PARTS, _MAPS_OF_PARTS = 7, 9
_GRADIENT_BYTES = 512 * 2**20
# Beyond this many token rows, a pass with gradients gains nothing from a larger batch.
_CPU_GRADIENT_ROWS, _GPU_GRADIENT_ROWS = 768, 16_384
# Smaller needs are not asked for: reading the free memory takes longer than a short pass may.
_ASKED_FROM_BYTES = 256 * 2**20


def batches(model: Model, lengths: Sequence[int], *, maps: bool = True) -> Iterator[list[int]]:
    """Indices of the inputs in each pass without gradients, shortest inputs first, as many per pass as fit.

    ``lengths`` are in tokens. ``maps``: a pass holds attention maps, as every pass without the fused kernel does.
    """
    return _by_length(lengths, lambda tokens: inputs_that_fit(model, tokens, maps=maps))


def batches_with_gradients(model: Model, lengths: Sequence[int], most: int | None = None) -> Iterator[list[int]]:
    """The same for forward and backward passes, with ``most`` inputs each; None: as many as fit and are worthwhile."""
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
    """Slices over ``count`` items in order, ``size`` at a time; at least one."""
    size = max(1, size)
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def inputs_that_fit(model: Model, tokens: int, *, maps: bool = True) -> int:
    """How many inputs of this length fit in one pass without gradients: states, intermediate layer, attention maps."""
    most = _floats(model) // (tokens * floats_a_token(model, tokens if maps else 0))
    if model.device == "cpu":
        most = min(most, _INNER_BYTES // (4 * tokens * _inner_size(model)))
    return max(1, most)


def inputs_with_gradients(model: Model, tokens: int) -> int:
    """How many inputs of this length fit in one forward and backward pass."""
    return max(1, _GRADIENT_BYTES // (4 * floats_for_gradients(model, tokens)))


def floats_for_gradients(model: Model, tokens: int, *, maps: bool = True) -> int:
    """Floats that one input of this length holds for its backward pass; without ``maps`` in the fused kernel."""
    copies = _COPIES_OF_PARTS if model.checkpoint.family.disentangled_attention else _ATTENTION_COPIES
    copies = copies if maps else 0
    each = _HIDDEN_COPIES * model.hidden_size + copies * model.attention_heads * tokens
    return model.layers * tokens * each


def rows_of_vocabulary(model: Model, each: int = 1) -> int:
    """How many rows of ``each`` vocabulary scores fit in one batch."""
    return max(1, _floats(model) // (each * int(model.network.config.vocab_size)))


def floats_a_token(model: Model, keys: int) -> int:
    """Floats that one layer holds per token: states, the intermediate layer, and maps of ``keys`` per head."""
    maps = _MAPS_OF_PARTS if model.checkpoint.family.disentangled_attention else _ATTENTION_MAPS
    return 6 * model.hidden_size + 2 * _inner_size(model) + maps * model.attention_heads * keys


def _inner_size(model: Model) -> int:
    return int(getattr(model.network.config, "intermediate_size", 4 * model.hidden_size))


def _floats(model: Model) -> int:
    return (_CPU_BYTES if model.device == "cpu" else _GPU_BYTES) // 4


# --- refused before memory is used ------------------------------------------------------------------------------


def require_memory(needed_bytes: int, what: str) -> None:
    """Raise NotEnoughMemoryError if this much memory is not free for ``what`` needs it ("a pass of 3,202 tokens")."""
    if needed_bytes < _ASKED_FROM_BYTES:
        return
    free_bytes = memory.available_bytes()
    if free_bytes is not None and needed_bytes > free_bytes:
        raise NotEnoughMemoryError(
            f"{what} needs {megabytes(needed_bytes)} of memory, but only {megabytes(free_bytes)} are free: shorten the "
            "text, close other programs or choose a smaller model"
        )


def require_memory_for_maps(model: Model, tokens: int, layers: int | None = None) -> None:
    """Ask for the maps of this many layers (None: all) and all heads in float32, and for the pass that makes them."""
    maps = 4 * (model.layers if layers is None else layers) * model.attention_heads * tokens * tokens
    of = "all" if layers is None else f"{layers:,}"
    require_memory(maps + _pass_bytes(model, 1, tokens), f"the attention of {of} layers on {tokens:,} tokens")


def require_memory_for_states(model: Model, tokens: int) -> None:
    """Ask for the hidden states after every layer in float32, as the pass leaves them and once more as the result."""
    states = 2 * 4 * (model.layers + 1) * tokens * model.hidden_size
    require_memory(states + _pass_bytes(model, 1, tokens), f"the hidden states of all layers on {tokens:,} tokens")


def require_memory_for_pass(model: Model, rows: int, tokens: int, *, gradients: bool, attention: bool) -> None:
    """Ask for what one forward pass of ``rows`` inputs holds on the CPU, with its backward pass if there is one.

    The fused kernel, where it is in use, writes no attention maps.
    """
    maps = attention or getattr(model.network.config, "_attn_implementation", "eager").endswith("eager")
    needed = _pass_bytes(model, rows, tokens, maps=maps)
    if gradients:
        needed = max(needed, 4 * rows * floats_for_gradients(model, tokens, maps=maps))
    elif attention:
        needed += 4 * rows * model.layers * model.attention_heads * tokens * tokens
    require_memory(needed, f"a pass of {rows:,} × {tokens:,} tokens" if rows > 1 else f"a pass of {tokens:,} tokens")


def require_memory_for_layer_gradients(model: Model, tokens: int) -> None:
    """Ask for the activations and gradients of one layer on one input, as when layers are run again one by one."""
    if model.device == "cpu":
        needed = 4 * floats_for_gradients(model, tokens) // model.layers
        require_memory(needed, f"the gradients of a layer on {tokens:,} tokens")


def rows_that_join(model: Model, tokens: int, most: int, *, maps: bool = True) -> int:
    """How many rows can join a pass of one input inside the network: ``most``, or fewer where memory is short.

    Raises NotEnoughMemoryError if there is none even for one.
    """
    each = 4 * tokens * floats_a_token(model, tokens if maps else 0)
    most = max(1, most)
    if model.device != "cpu" or (1 + most) * each < _ASKED_FROM_BYTES:
        return most
    free_bytes = memory.available_bytes()
    if free_bytes is not None:
        most = max(1, min(most, free_bytes // each - 1))
    require_memory((1 + most) * each, f"a pass of {1 + most:,} × {tokens:,} tokens")
    return most


def _pass_bytes(model: Model, rows: int, tokens: int, *, maps: bool = True) -> int:
    return 4 * rows * tokens * floats_a_token(model, tokens if maps else 0)
