"""One forward and one backward pass at the input itself, shared by the methods that need no more than that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from glassbert.decision import Runner
from glassbert.decision.gradients import Row, alike, in_batches, run_rows

if TYPE_CHECKING:
    from captum.attr import GradientAttribution

__all__ = ["FirstOrder", "first_order", "forget_first_order", "keeps_maps", "knowing", "prepare_first_order"]

_KEY = "first_order"
#: Attention weights and their gradients of one text that may be kept: more than 700 tokens of a base-size model.
_MAPS_BYTES = 600 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class FirstOrder:
    """F(x), the weights it was computed with, and the gradients by both; on the model's device, without a graph."""

    value: float
    gradient: Tensor  # (1, token, dimension) by the word embeddings
    attentions: tuple[Tensor, ...]  # (1, head, query, key) per layer; none of a text for which they would be too large
    attention_gradients: tuple[Tensor, ...]  # the same shapes


def keeps_maps(runner: Runner) -> bool:
    """Whether the attention weights of this input and their gradients are kept, and not taken layer by layer."""
    model = runner.decision.model
    return 2 * 4 * model.layers * model.attention_heads * runner.decision.length**2 <= _MAPS_BYTES


def first_order(runner: Runner) -> FirstOrder:
    """The pass at this input: run and counted on the first request, then cached."""
    if _KEY not in runner.memory:
        prepare_first_order([runner])
    found: FirstOrder = runner.memory[_KEY]
    return found


def prepare_first_order(runners: Sequence[Runner], *, maps: bool = True) -> None:
    """Run the passes of many decisions, in batches. Without ``maps``, for a method that reads none: the last layer is
    only computed where the head reads it, by the fused kernel; the decisions must not be shared with other methods."""
    for group in alike(runners):
        rows = [Row(runners[index], runners[index].decision.embeddings[0]) for index in group]
        for chosen in in_batches(rows):
            inputs = [rows[index] for index in chosen]
            values, points, attentions = run_rows(
                inputs, attention=maps and all(keeps_maps(row.runner) for row in inputs)
            )
            # zeros for a layer that F does not depend on, such as one whose heads are all off
            gradient, *by_layer = torch.autograd.grad(
                values.sum(), (points, *attentions), allow_unused=True, materialize_grads=True
            )
            # a view for one text would keep the tensors of all in memory
            own: Callable[[Tensor], Tensor] = torch.clone if len(inputs) > 1 else torch.Tensor.contiguous
            for place, row in enumerate(inputs):
                here, tokens = slice(place, place + 1), slice(row.runner.decision.length)
                row.runner.memory[_KEY] = FirstOrder(
                    value=float(values[place].detach()),
                    gradient=own(gradient[here, tokens]),
                    attentions=tuple(own(layer[here, :, tokens, tokens].detach()) for layer in attentions),
                    attention_gradients=tuple(own(layer[here, :, tokens, tokens]) for layer in by_layer),
                )


def forget_first_order(runner: Runner) -> None:
    """Free the pass: attention and its gradients are the largest arrays of a long text."""
    runner.memory.pop(_KEY, None)


def knowing(explainer: GradientAttribution, gradient: Tensor) -> GradientAttribution:
    """A Captum method that receives this gradient instead of computing it again."""
    explainer.gradient_func = lambda forward, inputs, *rest: (gradient.to(inputs[0].device),)
    return explainer
