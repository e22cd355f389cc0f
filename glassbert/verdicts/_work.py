"""How much work a forward pass is: the same number on every machine."""

from __future__ import annotations

from glassbert.network.model import Model

__all__ = ["operations"]


def operations(model: Model, tokens: int) -> float:
    """Floating-point operations of one forward pass: two per weight of the layers and token, and the attention."""
    hidden = model.hidden_size
    inner = int(getattr(model.network.config, "intermediate_size", 4 * hidden))
    weights = model.layers * (4 * hidden**2 + 2 * hidden * inner)
    return 2.0 * tokens * (weights + 2 * model.layers * hidden * tokens)
