"""Attention with some heads removed: smaller projections inside, and the same numbering of heads outside.

The projections of a layer have the rows of the heads that it kept. What leaves the attention has a place for every
head, removed ones being zero: states with heads side by side, and weights. So heads keep their numbers, and what reads
them, gates them or differentiates with respect to them needs to know nothing about it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from glassbert.families import Family

__all__ = ["EAGER", "FUSED", "MixKept", "eager", "fused", "padded", "remove_heads", "whole_columns", "whole_rows"]

#: Names of attention functions: of the plain one, and of torch's fused kernel. `stock.py` registers them.
EAGER, FUSED = "glassbert_eager", "glassbert_sdpa"


class MixKept(nn.Linear):
    """The Linear that mixes heads, with the columns of those that are kept; it is given the states of all."""

    kept: Tensor  # (kept column,)

    def forward(self, states: Tensor) -> Tensor:
        return functional.linear(states[..., self.kept], self.weight, self.bias)


def _columns(heads: Tensor, size: int) -> Tensor:
    """(head,) → (head × size,): the places of these heads where all are side by side."""
    return (heads[:, None] * size + torch.arange(size, device=heads.device)).flatten()


def remove_heads(network: Any, family: Family, removed: Collection[tuple[int, int]]) -> None:
    """Remove these (layer, head) from a network, in place."""
    assert family.inside is not None
    config = network.config
    count = config.num_attention_heads
    for layer, path in enumerate(family.layers(config.num_hidden_layers)):
        module = network.base_model.get_submodule(path)
        attention = module.get_submodule(family.inside.attention)
        kept = torch.tensor([head for head in range(count) if (layer, head) not in removed])
        attention.register_buffer("kept_heads", kept, persistent=False)
        attention.all_heads = count
        if len(kept) == count:
            continue
        size = module.get_submodule(family.inside.value).out_features // count
        columns = _columns(kept, size)
        for name in (family.inside.query, family.inside.key, family.inside.value):
            parent, _, own = name.rpartition(".")
            whole = module.get_submodule(name)
            setattr(
                module.get_submodule(parent), own, _with_weights(nn.Linear, whole.weight[columns], whole.bias[columns])
            )
            _name_kept(module.get_submodule(name), columns, count * size)
        parent, _, own = family.inside.output.rpartition(".")
        whole = module.get_submodule(family.inside.output)
        mixer = _with_weights(MixKept, whole.weight[:, columns], whole.bias)
        _name_kept(mixer, columns, count * size)
        setattr(module.get_submodule(parent), own, mixer)
    config._attn_implementation = EAGER


def _name_kept(linear: Any, columns: Tensor, all_columns: int) -> None:
    linear.register_buffer("kept", columns, persistent=False)
    linear.all_columns = all_columns


def _with_weights(kind: type[nn.Linear], weight: Tensor, bias: Tensor) -> nn.Linear:
    linear = kind(weight.shape[1], weight.shape[0], device="meta")
    linear.weight = nn.Parameter(weight.contiguous(), requires_grad=False)
    linear.bias = nn.Parameter(bias.clone(), requires_grad=False)
    return linear.eval()


def padded(
    tensors: Mapping[str, Tensor], family: Family, removed: Collection[tuple[int, int]], heads: int
) -> dict[str, Tensor]:
    """Stored tensors by name, with zeros in the places of the removed heads: those of a network that has all heads."""
    assert family.inside is not None
    whole = dict(tensors)
    names = {name.replace("gamma", "weight").replace("beta", "bias"): name for name in tensors}
    for layer in {layer for layer, _ in removed}:
        kept = torch.tensor([head for head in range(heads) if (layer, head) not in removed])
        path = family.layer.format(layer=layer, group=layer)
        rows = [f"{path}.{part}" for part in (family.inside.query, family.inside.key, family.inside.value)]
        mixer = f"{path}.{family.inside.output}"
        for own, stored in names.items():
            name = own.removeprefix(f"{family.prefix}.")
            linear = name.rpartition(".")[0]
            if linear in rows:
                whole[stored] = _spread(tensors[stored], 0, kept, heads)
            elif linear == mixer and name.endswith(".weight"):
                whole[stored] = _spread(tensors[stored], 1, kept, heads)
    return whole


def _spread(tensor: Tensor, dim: int, kept: Tensor, heads: int) -> Tensor:
    """Zeros, with the heads of ``tensor``, side by side along ``dim``, in their places among all."""
    size = tensor.shape[dim] // len(kept)
    shape = list(tensor.shape)
    shape[dim] = size * heads
    return tensor.new_zeros(shape).index_copy(dim, _columns(kept.to(tensor.device), size), tensor)


def whole_rows(linear: Any, given: Tensor, dim: int) -> Tensor:
    """What a projection of kept heads gives, or its weights, with zeros for removed heads along ``dim``."""
    kept = getattr(linear, "kept", None)
    if kept is None:
        return given
    shape = list(given.shape)
    shape[dim] = linear.all_columns
    return given.new_zeros(shape).index_copy(dim, kept, given)


def whole_columns(linear: Any) -> Tensor:
    """The weights of the Linear that mixes heads, (hidden, heads side by side), zero for removed heads."""
    weight: Tensor = linear.weight
    return whole_rows(linear, weight, 1)


def eager(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, Tensor]:
    """Attention as stock networks compute it, (input, kept head, token, size) three times → the states of all heads,
    (input, token, head, size), and their weights.

    The states are computed from what is returned as weights, so that F can be differentiated with respect to them.
    """
    scores = query @ key.transpose(2, 3) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = functional.dropout(scores.softmax(dim=-1), p=dropout, training=module.training)
    if len(module.kept_heads) < module.all_heads:
        shape = (len(weights), module.all_heads, *weights.shape[2:])
        weights = weights.new_zeros(shape).index_copy(1, module.kept_heads, weights)
        states = weights[:, module.kept_heads] @ value
    else:
        states = weights @ value
    return _in_place(module, states), weights


def fused(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """The same in torch's fused kernel, which gives no weights."""
    states = functional.scaled_dot_product_attention(
        query, key, value, attn_mask=attention_mask, dropout_p=dropout, scale=scaling
    )
    return _in_place(module, states), None


def _in_place(module: Any, states: Tensor) -> Tensor:
    """(input, kept head, token, size) → (input, token, head, size), zero for removed heads."""
    states = states.transpose(1, 2)
    if len(module.kept_heads) == module.all_heads:
        return states.contiguous()
    shape = (*states.shape[:2], module.all_heads, states.shape[-1])
    return states.new_zeros(shape).index_copy(2, module.kept_heads, states)
