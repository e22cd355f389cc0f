"""Attention relevance as a map: attention weighted by its gradient, layer by layer (Chefer et al. 2021)."""

from __future__ import annotations

import torch
from torch import Tensor

from glassbert.arguments import checked
from glassbert.decision import Runner, decide
from glassbert.decision.by_layer import LayerGradients, gradients_by_layer
from glassbert.maps._measure import Measure
from glassbert.maps.results import TokenMaps
from glassbert.network.model import Model
from glassbert.network.run import many_passes
from glassbert.results import Array
from glassbert.targets import Output, Target, target_to_dict
from glassbert.text.inputs import Text, encode


def raising(weights: Tensor, gradient: Tensor) -> Tensor:
    """mean_h((∇A ⊙ A)⁺), (head, query, key) twice → (query, key) in float32; ∇A is ∂F/∂A."""
    return (gradient * weights).float().clamp(min=0).mean(dim=0)


@checked
def attention_relevance_map(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    target: Target | int | str | None = None,
    output: Output = "logit",
) -> TokenMaps:
    """R after each layer, (layer, query, key): how much of *key* reached *query* along attention that raised F.

    R ← R + mean_h((∇A ⊙ A)⁺) R, R = I at the start. The row of [CLS], or of the masked position, after the last layer
    is the attribution method "attention_relevance". Targets are those of :func:`glassbert.attribute`. Costs two forward
    passes and one backward pass, layer by layer, so that a long text takes the memory of one layer; rows do not sum to
    1. Raises TargetError, TaskHeadError, OptionError, TextErrors, UnsupportedModelError.
    """
    runner = decide(model, encode(model, text, pair), target, output)
    decision = runner.decision
    value, relevance = many_passes(model, lambda: _relevance(runner), decision.length)
    return TokenMaps.of(
        decision.encoded,
        MEASURE.id,
        relevance,
        rows_sum_to_one=False,
        options={
            "target": target_to_dict(decision.target),
            "target_label": decision.target_label,
            "output": output,
            "value": value,
        },
    )


def _relevance(runner: Runner) -> tuple[float, Array]:
    """F(x), and R after each layer, (layer, query, key)."""
    raised: dict[int, Tensor] = {}

    def see(found: LayerGradients) -> None:
        raised[found.layer] = raising(found.weights, found.by_weights).cpu()

    value = gradients_by_layer(runner, see)
    relevance = torch.eye(runner.decision.length)
    layers = torch.empty(len(raised), *relevance.shape)
    for layer in sorted(raised):
        relevance = relevance + raised.pop(layer) @ relevance
        layers[layer] = relevance
    return value, layers.numpy()


MEASURE = Measure(
    id="attention_relevance",
    label="Attention relevance",
    paper="Chefer et al. 2021, arXiv:2103.15679",
    meaning="how much of this token reached the other along attention that raised the decision's value",
    cost=lambda tokens: 2,
    rows_sum_to_one=False,
    needs_model=True,
    compute=lambda given: attention_relevance_map(given.model, given.text, given.pair, target=given.target),
    needs_target=True,
    backward=True,
)
