"""Networks whose modules do not each do one thing: rearranged at load, so that hooks can be placed inside a layer.

- A Linear that computes queries, keys and values is split into three. They have the rows of the one, and their outputs
  are put side by side again.
- A LayerNorm of a class of its own becomes torch's.
- A Linear that projects distances as well as tokens becomes two with the same weights.
- Tables of characters are joined with that of the words.
- A convolution that follows the first layer becomes its last part.

The numbers are the same, up to the rounding of a LayerNorm and of a bias that was added elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from glassbert.errors import UnsupportedModelError
from glassbert.families import Family
from glassbert.models.characters import read_ids

__all__ = ["character_rows", "join_characters", "rearrange", "split_projections"]


def rearrange(network: Any, family: Family) -> None:
    """Rearrange a network in place, if its family requires it. Raises UnsupportedModelError."""
    _standard_norms(network, family)
    split_projections(network, family)
    _part_distances(network, family)
    _join_convolution(network, family)


def join_characters(network: Any, family: Family, folder: Path, vocabulary: Mapping[str, int], source: str) -> None:
    """Join the tables of characters with that of the words, in place: one row for each token, the same sum.

    Raises DamagedCheckpointError.
    """
    names, encoder = family.characters, network.base_model
    assert names is not None
    words, mix = encoder.get_submodule(family.embeddings.words), encoder.get_submodule(names.mix)
    parts = [words.weight.float()]
    owner = encoder.get_submodule(names.mix.rpartition(".")[0])
    for path, ids in character_rows(network, family, folder, vocabulary, source).items():
        parts.append(encoder.get_submodule(path).weight.float()[ids])
        setattr(owner, names.tables[path][0], False)
        setattr(owner, path.rpartition(".")[2], None)
    joined = torch.cat(parts, dim=1) @ mix.weight.float().T + mix.bias.float()
    rows, width = joined.shape
    one = nn.Embedding(rows, width, padding_idx=words.padding_idx, device="meta")
    one.weight = nn.Parameter(joined.to(words.weight.dtype), requires_grad=False)
    parent, _, name = family.embeddings.words.rpartition(".")
    setattr(encoder.get_submodule(parent), name, one.eval())
    setattr(owner, names.mix.rpartition(".")[2], nn.Identity())


def character_rows(
    network: Any, family: Family, folder: Path, vocabulary: Mapping[str, int], source: str
) -> dict[str, Tensor]:
    """Each table of characters that the network reads → its row for each token, (token,).

    [CLS] and [SEP] have the rows of [UNK], as the stock tokenizer gives them. Raises DamagedCheckpointError.
    """
    names, encoder = family.characters, network.base_model
    assert names is not None
    owner, found = encoder.get_submodule(names.mix.rpartition(".")[0]), {}
    for path, (flag, file, _) in names.tables.items():
        if not getattr(owner, flag):
            continue
        known = read_ids(folder, file, len(encoder.get_submodule(path).weight), source)
        ids = torch.full((len(encoder.get_submodule(family.embeddings.words).weight),), known["[UNK]"])
        for token, number in vocabulary.items():
            if number < len(ids) and token not in ("[CLS]", "[SEP]"):
                ids[number] = known.get(token, known["[UNK]"])
        found[path] = ids
    return found


class _Split(nn.Module):
    """``query``, ``key`` and ``value``, each called on the same states."""

    def __init__(self, fused: nn.Linear) -> None:
        super().__init__()
        self.query, self.key, self.value = (_rows(fused, part) for part in range(3))

    def forward(self, states: Tensor) -> Tensor:
        return torch.cat((self.query(states), self.key(states), self.value(states)), dim=-1)


class _SplitByHead(nn.Module):
    """The same for a Linear with the three of each head side by side, and biases that were beside it."""

    def __init__(self, fused: nn.Linear, heads: int, biases: Sequence[nn.Parameter | None]) -> None:
        super().__init__()
        self.heads = heads
        rows = fused.weight.view(heads, 3, -1, fused.in_features)
        self.query, self.key, self.value = (
            _linear(rows[:, part].flatten(0, 1), bias) for part, bias in enumerate(biases)
        )

    def forward(self, states: Tensor) -> Tensor:
        shape = (*states.shape[:-1], self.heads, -1)
        by_head = [part(states).view(shape) for part in (self.query, self.key, self.value)]
        return torch.cat(by_head, dim=-1).flatten(-2)


def _rows(fused: nn.Linear, part: int) -> nn.Linear:
    """A third of the Linear, without a copy of its weights."""
    width = fused.out_features // 3
    own = slice(part * width, (part + 1) * width)
    return _linear(fused.weight[own], None if fused.bias is None else fused.bias[own])


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """A Linear with these weights, not copied."""
    linear = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    linear.weight = weight if isinstance(weight, nn.Parameter) else nn.Parameter(weight, requires_grad=False)
    if bias is not None:
        linear.bias = bias if isinstance(bias, nn.Parameter) else nn.Parameter(bias, requires_grad=False)
    return linear.eval()


def split_projections(network: Any, family: Family) -> None:
    """Split the fused projections of a network, in place; nothing happens in families that have none."""
    if family.inside is None or family.inside.fused is None:
        return
    parent, _, name = family.inside.fused.rpartition(".")
    for path in family.layers(network.config.num_hidden_layers):
        owner = network.base_model.get_submodule(f"{path}.{parent}")
        fused = getattr(owner, name)
        if family.biases_beside is None:
            setattr(owner, name, _Split(fused).eval())
            continue
        biases = [None if bias is None else getattr(owner, bias) for bias in family.biases_beside]
        setattr(owner, name, _SplitByHead(fused, network.config.num_attention_heads, biases).eval())
        for bias in filter(None, family.biases_beside):  # they are in the Linears now
            zero = torch.zeros_like(getattr(owner, bias))
            delattr(owner, bias)
            owner.register_buffer(bias, zero, persistent=False)


def _standard_norms(network: Any, family: Family) -> None:
    for path, module in list(network.named_modules()):
        if family.norm_class is None or type(module).__name__ != family.norm_class:
            continue
        norm = nn.LayerNorm(module.weight.shape, eps=module.variance_epsilon, device="meta")
        norm.weight, norm.bias = module.weight, module.bias
        parent, _, name = path.rpartition(".")
        setattr(network.get_submodule(parent), name, norm.eval())


def _part_distances(network: Any, family: Family) -> None:
    """Have distances projected by Linears of their own."""
    names, inside = family.distances, family.inside
    if names is None or names.shared is None or inside is None:
        return
    for path in family.layers(network.config.num_hidden_layers):
        layer = network.base_model.get_submodule(path)
        attention = layer.get_submodule(inside.attention)
        if not getattr(attention, names.shared):
            continue
        for own, shared in ((names.query, inside.query), (names.key, inside.key)):
            parent, _, name = own.rpartition(".")
            linear = layer.get_submodule(shared)
            setattr(layer.get_submodule(parent), name, _linear(linear.weight, linear.bias))
        setattr(attention, names.shared, False)


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
