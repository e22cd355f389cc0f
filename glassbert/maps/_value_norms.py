"""Value-weighted norms: the vectors that attention carries, not only their weights (Kobayashi et al. 2020, 2021).

Head h carries α_h(i, j) f_h(x_j) from token j to token i, with f_h(x) = (x W_V + b_V) W_O. Norms of sums over heads
come from inner products, ‖Σ_h α_h f_h‖² = Σ_hg α_h α_g ⟨f_h, f_g⟩: heads² numbers per pair of tokens instead of
``hidden``, and no (query, key, hidden) array. In float64, where small differences of large terms keep their precision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from glassbert.maps.results import AttentionMaps
from glassbert.network.blocks import blocks, gates_off, scaled, see_input, see_output
from glassbert.network.device import work_threads
from glassbert.network.model import Model
from glassbert.network.removed_heads import whole_columns, whole_rows
from glassbert.network.run import Forward, batch, check_admission, run
from glassbert.results import Array, Encoded

_KEYS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The inputs of one layer's attention, in their original precision: all layers of a text are in memory at once."""

    attention: Tensor | Array  # (head, query, key)
    values: Tensor  # (token, heads side by side); zero for heads that are off
    states: Tensor  # (token, hidden), x_j
    summed: Tensor  # (token, hidden), attention output + residual: the input of LayerNorm
    mixer: Any  # the Linear that mixes the heads, W_O
    norm: Any  # the LayerNorm

    def weights(self, keys: slice = slice(None)) -> Tensor:
        """α_h(i, j), (head, query, key) in float64 on the CPU, for some keys j or for all."""
        attention = self.attention[:, :, keys]
        return attention.cpu().double() if isinstance(attention, Tensor) else torch.tensor(attention).double()

    def carried(self, keys: slice = slice(None)) -> Tensor:
        """f_h(x_j), (key, head, hidden) in float64 on the CPU, for some keys j or for all."""
        width, heads = self.values.shape[1], len(self.attention)
        by_head = self.values[keys].cpu().double().view(-1, heads, width // heads)
        mixer = whole_columns(self.mixer).cpu().double().view(-1, heads, width // heads)  # (hidden, head, size)
        return torch.einsum("thv,dhv->thd", by_head, mixer)


def traced(model: Model, encoded: Encoded, maps: AttentionMaps | None = None) -> list[Layer]:
    """Run one forward pass and record the inputs of each layer's attention. Raises UnsupportedModelError.

    ``maps`` are the weights of this input if already computed: for a long text, a second copy takes 150 MB.
    """
    network = model.network
    inputs = batch(model, [encoded])
    gates = gates_off(network, model.ablated_heads)
    stack = blocks(network)
    _ = stack[0].output.weight  # raises where it is not known

    def whole(layer: int, given: Tensor) -> Tensor:
        return whole_rows(stack[layer].value, given, 1)

    def read(forward: Forward) -> list[Layer]:
        values: dict[int, Tensor] = {}
        states: dict[int, Tensor] = {}
        summed: dict[int, Tensor] = {}
        with (
            see_input(network, "value", lambda layer, read, _: states.update({layer: read[0][0]})),
            see_output(network, "value", lambda layer, given: values.update({layer: whole(layer, given[0])})),
            see_input(network, "norm", lambda layer, read, _: summed.update({layer: read[0][0]})),
        ):
            output = forward.encoder(output_attentions=maps is None)
        for layer, gate in gates.items():
            values[layer] = scaled(values[layer][None], gate)[0]
        attention = maps.weights if maps is not None else [weights[0] for weights in output.attentions]
        return [
            Layer(attention[number], values[number], states[number], summed[number], block.output, block.norm)
            for number, block in enumerate(stack)
        ]

    return run(model, inputs, read)


def in_parts(tokens: int) -> Iterator[slice]:
    """Keys, a few at a time: f_h(x_j) of a base model and 512 tokens is 38 MB in float64, and norms need it thrice."""
    for start in range(0, tokens, _KEYS):
        check_admission()
        yield slice(start, min(start + _KEYS, tokens))


def norms(weights: Tensor, carried: Tensor) -> Tensor:
    """‖Σ_h α_h(i, j) f_h(x_j)‖, (head, query, key), (key, head, hidden) → (query, key)."""
    products = torch.einsum("thd,tgd->thg", carried, carried)  # (key, head, head)
    by_key = weights.permute(2, 1, 0)  # (key, query, head)
    squared = ((by_key @ products) * by_key).sum(dim=-1)
    return squared.clamp(min=0).sqrt().T


def layer_maps(layers: list[Layer], measure: Callable[[Layer], Tensor]) -> Array:
    """One map per layer, in float32."""
    with work_threads(sum(len(layer.states) for layer in layers)):
        first = measure(layers[0]).float()
        stacked = torch.empty(len(layers), *first.shape)
        stacked[0] = first
        for number, layer in enumerate(layers[1:], start=1):
            stacked[number] = measure(layer)
    values: Array = stacked.numpy()
    return values
