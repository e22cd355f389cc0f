"""Gradients with respect to attention weights and head outputs, one layer at a time.

A plain backward pass keeps the activations of all layers until it ends: 600 MB for 512 tokens of a base-size model, of
which 300 are attention weights and their gradients. Here the forward pass keeps only each layer's input; then, from the
last layer to the first, each layer is run again, differentiated and released. The numbers are the same; the cost is
two forward passes and one backward pass instead of one and one, with the memory of a single layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from glassbert.decision.runner import Runner
from glassbert.network.batches import require_memory_for_layer_gradients
from glassbert.network.blocks import Block, blocks, change_output, gates_off, gives_weights, run_layer, see_input
from glassbert.network.run import locked

__all__ = ["LayerGradients", "gradients_by_layer"]

_Call = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class LayerGradients:
    """The gradients of one layer at the input itself, on the model's device."""

    layer: int
    weights: Tensor  # (head, query, key), A
    by_weights: Tensor  # (head, query, key), ∂F/∂A
    by_gates: Tensor  # (head,), ∂F/∂ξ at ξ = 1, where ξ scales the head's output; 0 for heads that are off


def gradients_by_layer(runner: Runner, see: Callable[[LayerGradients], None]) -> float:
    """F(x); calls ``see`` with every layer, the last one first. Two passes. Raises UnsupportedModelError."""
    decision = runner.decision
    model = decision.model
    decision.require_last_layer_only("a gradient layer by layer")
    require_memory_for_layer_gradients(model, decision.length)
    calls: dict[int, _Call] = {}
    end = torch.empty(0)

    def cut(layer: int, states: Tensor) -> Tensor:
        nonlocal end
        if layer < model.layers - 1:
            return states
        end = states.detach().requires_grad_()
        return end

    @contextmanager
    def hooks() -> Iterator[None]:
        with (
            see_input(model.network, "layer", lambda layer, *call: calls.update({layer: call})),
            change_output(model.network, "layer", cut),
        ):
            yield

    with torch.enable_grad():
        value = decision.value(runner.logits(decision.embeddings, hooks))
        (gradient,) = torch.autograd.grad(value.sum(), end)
        off = gates_off(model.network, model.ablated_heads)
        runner.passes.add(1)
        for layer in reversed(range(model.layers)):
            found, gradient = _through(runner, layer, calls.pop(layer), off.get(layer), gradient)
            see(found)
    return float(value.detach())


def _through(
    runner: Runner, layer: int, call: _Call, off: Tensor | None, gradient: Tensor
) -> tuple[LayerGradients, Tensor]:
    """The layer's own gradients, and the gradient with respect to its input, given that with respect to its output."""
    (states, *rest), options = call
    states = states.detach().requires_grad_()
    gates = torch.ones(runner.decision.model.attention_heads, device=states.device, requires_grad=True)
    block = blocks(runner.decision.model.network)[layer]

    def work(_: str) -> tuple[Tensor, Tensor]:
        with _taken(block) as weights:
            output = run_layer(
                block,
                (states, *rest),
                options | gives_weights(runner.decision.model.network),
                gates=gates if off is None else gates * off.to(gates.device),
            )
        return output, weights[0]

    output, weights = locked(runner.decision.model, work, ablated=False)
    by_states, by_weights, by_gates = torch.autograd.grad(
        output, (states, weights, gates), gradient, allow_unused=True, materialize_grads=True
    )
    return LayerGradients(layer, weights[0].detach(), by_weights[0], by_gates), by_states


@contextmanager
def _taken(block: Block) -> Iterator[list[Tensor]]:
    """A context in which the attention of this block appends its weights to the list."""
    weights: list[Tensor] = []
    with ExitStack() as stack:
        hook = block.attention.register_forward_hook(lambda module, inputs, output: weights.append(output[1]))
        stack.callback(hook.remove)
        yield weights
