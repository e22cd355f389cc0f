"""Value-weighted norms: what attention carries, not only how much it weighs (Kobayashi et al. 2020, 2021).

Head h carries α_h(i, j) f_h(x_j) from token j to token i, with f_h(x) = (x W_V + b_V) W_O. Norms of sums over heads come
from inner products, ‖Σ_h α_h f_h‖² = Σ_hg α_h α_g ⟨f_h, f_g⟩: heads² numbers a pair of tokens instead of hidden numbers,
and no (query, key, hidden) array. In float64, where the differences of large terms keep their digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from glassbert.blocks import blocks, scaled, see_input, see_output
from glassbert.device import work_threads
from glassbert.encoder import Model, batch, encoder_of, network_inputs
from glassbert.results import Array, Encoded


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """What one layer's attention worked with; float64, on the CPU."""

    weights: Tensor  # (head, query, key)
    carried: Tensor  # (token, head, hidden), f_h(x_j); zero for heads that are off
    states: Tensor  # (token, hidden), x_j
    summed: Tensor  # (token, hidden), attention output + residual: what LayerNorm reads
    norm: Any  # the LayerNorm


def traced(model: Model, encoded: Encoded) -> list[Layer]:
    """One forward pass, and what each layer's attention worked with."""
    inputs = batch(model, [encoded])

    def work(device: str) -> list[Layer]:
        values: dict[int, Tensor] = {}
        states: dict[int, Tensor] = {}
        summed: dict[int, Tensor] = {}

        def keep(store: dict[int, Tensor], layer: int, tensor: Tensor) -> None:
            store[layer] = tensor[0].double().cpu()

        network = model.network
        with (
            torch.no_grad(),
            work_threads(inputs.token_rows),
            see_input(network, "value", lambda layer, read, _: keep(states, layer, read[0])),
            see_output(network, "value", lambda layer, tensor: keep(values, layer, tensor)),
            see_input(network, "norm", lambda layer, read, _: keep(summed, layer, read[0])),
        ):
            output = encoder_of(model)(**network_inputs(model, inputs, device), output_attentions=True)
            attentions = [weights[0].double().cpu() for weights in output.attentions]
        return [
            Layer(
                weights=attentions[number],
                carried=_carried(values[number], block.output.weight, _on(model, number)),
                states=states[number],
                summed=summed[number],
                norm=block.norm,
            )
            for number, block in enumerate(blocks(network))
        ]

    return model.run(work)


def _on(model: Model, layer: int) -> Tensor:
    """(head,): 0 for the heads that are off in this view of the model."""
    gates = torch.ones(model.attention_heads, dtype=torch.float64)
    gates[[head for off, head in model.ablated_heads if off == layer]] = 0
    return gates


def _carried(values: Tensor, weight: Tensor, gates: Tensor) -> Tensor:
    """(token, heads side by side) → f_h(x_j), (token, head, hidden)."""
    tokens, width = values.shape
    heads = len(gates)
    values = scaled(values[None], gates)[0].view(tokens, heads, width // heads)
    per_head = weight.double().cpu().view(-1, heads, width // heads)  # (hidden, head, size)
    return torch.einsum("thv,dhv->thd", values, per_head)


def norms(weights: Tensor, carried: Tensor) -> Tensor:
    """‖Σ_h α_h(i, j) f_h(x_j)‖, (query, key)."""
    products = torch.einsum("thd,tgd->thg", carried, carried)  # (key, head, head)
    by_key = weights.permute(2, 1, 0)  # (key, query, head)
    squared = ((by_key @ products) * by_key).sum(dim=-1)
    return squared.clamp(min=0).sqrt().T


def layer_maps(layers: list[Layer], measure: Callable[[Layer], Tensor]) -> Array:
    stacked: Array = torch.stack([measure(layer) for layer in layers]).numpy()
    return stacked
