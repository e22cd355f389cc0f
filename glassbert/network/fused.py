"""Networks that compute queries, keys and values with one Linear: split into three, so that hooks can tell them apart.

The three have the rows of the one, and their outputs are put side by side again, so the numbers are the same.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from glassbert.families import Family

__all__ = ["split_projections"]


class _Split(nn.Module):
    """``query``, ``key`` and ``value``, each called on the same states."""

    def __init__(self, fused: nn.Linear) -> None:
        super().__init__()
        self.query, self.key, self.value = (_rows(fused, part) for part in range(3))

    def forward(self, states: Tensor) -> Tensor:
        return torch.cat((self.query(states), self.key(states), self.value(states)), dim=-1)


def _rows(fused: nn.Linear, part: int) -> nn.Linear:
    """A third of the Linear, without a copy of its weights."""
    width = fused.out_features // 3
    own = slice(part * width, (part + 1) * width)
    linear = nn.Linear(fused.in_features, width, bias=fused.bias is not None, device="meta")
    linear.weight = nn.Parameter(fused.weight[own], requires_grad=False)
    if fused.bias is not None:
        linear.bias = nn.Parameter(fused.bias[own], requires_grad=False)
    return linear.eval()


def split_projections(network: Any, family: Family) -> None:
    """Split the fused projections of a network, in place; nothing happens in families that have none."""
    if family.inside is None or family.inside.fused is None:
        return
    parent, _, name = family.inside.fused.rpartition(".")
    for path in family.layers(network.config.num_hidden_layers):
        owner = network.base_model.get_submodule(f"{path}.{parent}")
        setattr(owner, name, _Split(getattr(owner, name)).eval())
