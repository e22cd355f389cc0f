"""How much work a forward pass is: the same number on every machine; and how long it takes, roughly."""

from __future__ import annotations

from glassbert.network.model import Model

__all__ = ["operations", "seconds"]

#: Measured on networks of 6 × 384 and 24 × 1,024 with 24 to 512 tokens: what a core does in a second, and what a layer
#: takes whatever its size (benchmarks/README.md).
_OPERATIONS_PER_SECOND, _SECONDS_OF_A_LAYER = 8e10, 0.002


def operations(model: Model, tokens: int) -> float:
    """Floating-point operations of one forward pass: two per weight of the layers and token, and the attention."""
    hidden = model.hidden_size
    inner = int(getattr(model.network.config, "intermediate_size", 4 * hidden))
    weights = model.layers * (4 * hidden**2 + 2 * hidden * inner)
    return 2.0 * tokens * (weights + 2 * model.layers * hidden * tokens)


def seconds(model: Model, tokens: int) -> float:
    """How long one forward pass takes on a core that does little else, roughly; on a GPU, the calls of its layers."""
    computing = 0.0 if model.device != "cpu" else operations(model, tokens) / _OPERATIONS_PER_SECOND
    return computing + model.layers * _SECONDS_OF_A_LAYER
