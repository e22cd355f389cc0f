"""Ask for memory before it is used: a long text is refused in a sentence, and neither crashes nor swaps."""

from __future__ import annotations

from glassbert.errors import NotEnoughMemoryError
from glassbert.models import memory
from glassbert.models.files import megabytes
from glassbert.network.batches import floats_a_token, floats_for_gradients
from glassbert.network.model import Batch, Model

__all__ = ["require_memory", "require_memory_for_maps", "require_memory_for_pass", "require_memory_for_states"]

# Smaller needs are not asked for: reading the free memory takes longer than a short pass may.
_ASKED_FROM_BYTES = 256 * 2**20


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


def require_memory_for_maps(model: Model, tokens: int) -> None:
    """Ask for the attention weights of all layers and heads in float32, and for the pass that makes them."""
    maps = 4 * model.layers * model.attention_heads * tokens * tokens
    require_memory(maps + _pass_bytes(model, 1, tokens), f"the attention of all layers on {tokens:,} tokens")


def require_memory_for_states(model: Model, tokens: int) -> None:
    """Ask for the hidden states after every layer in float32, as the pass leaves them and once more as the result."""
    states = 2 * 4 * (model.layers + 1) * tokens * model.hidden_size
    require_memory(states + _pass_bytes(model, 1, tokens), f"the hidden states of all layers on {tokens:,} tokens")


def require_memory_for_pass(model: Model, inputs: Batch, *, gradients: bool, attention: bool) -> None:
    """Ask for what one forward pass holds at once on the CPU, with its backward pass if there is one."""
    rows, tokens = inputs.input_ids.shape
    needed = _pass_bytes(model, rows, tokens)
    if gradients:
        needed = max(needed, 4 * rows * floats_for_gradients(model, tokens))
    elif attention:
        needed += 4 * rows * model.layers * model.attention_heads * tokens * tokens
    require_memory(needed, f"a pass of {rows:,} × {tokens:,} tokens" if rows > 1 else f"a pass of {tokens:,} tokens")


def _pass_bytes(model: Model, rows: int, tokens: int) -> int:
    return 4 * rows * tokens * floats_a_token(model, tokens)
