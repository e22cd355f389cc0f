"""Attention relevance: attention weighted by its gradient, followed through the layers (Chefer et al. 2021)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from glassbert.attribution._first_order import first_order
from glassbert.attribution._method import Attribution, Method
from glassbert.attribution._problem import Problem


def relevance_by_layer(problem: Problem) -> tuple[float, torch.Tensor]:
    """F(x), and R after each layer, (layer, query, key) on the model's device.

    R ← R + mean_h((∇A ⊙ A)⁺) R from the first layer to the last, R = I at the start (ICCV 2021, generic); ∇A is ∂F/∂A.
    """
    here = first_order(problem)
    relevance = torch.eye(problem.length, device=here.gradient.device)
    layers = []
    for weights, gradient in zip(here.attentions, here.attention_gradients, strict=True):
        layer = (gradient[0] * weights[0]).float().clamp(min=0).mean(dim=0)  # (query, key)
        relevance = relevance + layer @ relevance
        layers.append(relevance)
    return here.value, torch.stack(layers)


def compute(problem: Problem, options: Mapping[str, Any]) -> Attribution:
    """The row of [CLS], or of the masked position, of R after the last layer: what reached it. Never negative.

    Captum has no such method.
    """
    value, relevance = relevance_by_layer(problem)
    return Attribution(scores=relevance[-1, problem.explained_position].cpu().numpy(), value=value, options=options)


METHOD = Method(
    id="attention_relevance",
    label="Attention relevance",
    paper="Chefer et al. 2021, arXiv:2103.15679",
    family="attention",
    signed=False,
    complete=False,
    meaning="how much of this token reached the deciding position along attention that raised the value",
    cost=lambda tokens, options: 1,
    compute=compute,
    first_order=True,
)
