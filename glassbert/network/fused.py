"""Networks whose modules do not each do one thing: rearranged at load, so that hooks can be placed inside a layer.

- A Linear that computes queries, keys and values is split into three. They have the rows of the one, and their outputs
  are put side by side again.
- A Linear that projects distances as well as tokens becomes two with the same weights.
- A convolution that follows the first layer becomes its last part.

The numbers are the same, to the bit.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from glassbert.errors import UnsupportedModelError
from glassbert.families import Family

__all__ = ["rearrange", "split_projections"]


def rearrange(network: Any, family: Family) -> None:
    """Rearrange a network in place, if its family requires it. Raises UnsupportedModelError."""
    split_projections(network, family)
    _part_distances(network, family)
    _join_convolution(network, family)


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


def _part_distances(network: Any, family: Family) -> None:
    """Have distances projected by Linears of their own."""
    names, inside = family.distances, family.inside
    if names is None or inside is None:
        return
    for path in family.layers(network.config.num_hidden_layers):
        layer = network.base_model.get_submodule(path)
        attention = layer.get_submodule(inside.attention)
        if not getattr(attention, names.shared):
            continue
        for own, shared in ((names.query, inside.query), (names.key, inside.key)):
            parent, _, name = own.rpartition(".")
            setattr(layer.get_submodule(parent), name, _same(layer.get_submodule(shared)))
        setattr(attention, names.shared, False)


def _same(shared: nn.Linear) -> nn.Linear:
    """Another Linear with the same weights."""
    linear = nn.Linear(shared.in_features, shared.out_features, bias=shared.bias is not None, device="meta")
    linear.weight, linear.bias = shared.weight, shared.bias
    return linear.eval()


class _Convolved(nn.Module):
    """A layer and the convolution after it, which also reads what the layer reads."""

    def __init__(self, layer: nn.Module, convolution: nn.Module) -> None:
        super().__init__()
        for name, child in layer.named_children():
            self.add_module(name, child)
        self.convolution = convolution
        self._layer = (layer,)  # in a tuple, so that its parts have one path each

    def forward(self, states: Tensor, attention_mask: Tensor, **options: Any) -> tuple[Tensor, Tensor | None]:
        output, weights = self._layer[0](states, attention_mask, **options)
        mask = attention_mask[:, 0].diagonal(dim1=-2, dim2=-1)  # (input, 1, query, key), 1 between two tokens
        return self.convolution(states, output, mask), weights


def _join_convolution(network: Any, family: Family) -> None:
    """Make the convolution after the first layer a part of it."""
    if family.convolution is None:
        return
    parent, _, name = family.convolution.rpartition(".")
    owner = network.base_model.get_submodule(parent)
    convolution = getattr(owner, name)
    if convolution is None:
        return
    if network.config.num_hidden_layers == 1:
        raise UnsupportedModelError(
            f"GlassBERT supports {family.label} networks with a convolution only if they have more than one layer; "
            "choose another model"
        )
    first, _, index = family.layers(1)[0].rpartition(".")
    layers = network.base_model.get_submodule(first)
    setattr(layers, index, _Convolved(getattr(layers, index), convolution).eval())
    setattr(owner, name, None)
