"""Attention relevance: attention weighted by its gradient, followed through the layers (Chefer et al. 2021)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from glassbert.attribution._first_order import first_order, keeps_maps
from glassbert.attribution._method import Attribution, Method
from glassbert.decision import Runner
from glassbert.decision.by_layer import LayerGradients, gradients_by_layer
from glassbert.maps.relevance import raising


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """The row of [CLS], or of the masked position, of R after the last layer: what reached it. Non-negative.

    R ← R + mean_h((∇A ⊙ A)⁺) R from the first layer to the last, R = I at the start (ICCV 2021, generic). Only that
    row is propagated, from the last layer down: r ← r + r mean_h((∇A ⊙ A)⁺). Captum has no such method. A long text
    costs a second pass, in which the layers are differentiated one by one, in the memory of one.
    """
    if not keeps_maps(runner):
        return _by_layer(runner, options)
    here = first_order(runner)
    row = torch.from_numpy(runner.decision.readers).to(here.gradient.device)
    for weights, gradient in zip(reversed(here.attentions), reversed(here.attention_gradients), strict=True):
        row = row + row @ raising(weights[0], gradient[0])
    return Attribution(scores=row.cpu().numpy(), value=here.value, options=options)


def _by_layer(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    row = torch.from_numpy(runner.decision.readers)

    def see(found: LayerGradients) -> None:  # the last layer comes first
        nonlocal row
        row = row + row @ raising(found.weights, found.by_weights).cpu()

    value = gradients_by_layer(runner, see)
    return Attribution(scores=row.numpy(), value=value, options=options)


METHOD = Method(
    id="attention_relevance",
    label="Attention relevance",
    in_words="Attention that matters",
    paper="Chefer et al. 2021, arXiv:2103.15679",
    family="attention",
    signed=False,
    complete=False,
    meaning="how much of this token reached the position that the prediction is made from, along attention that raised "
    "the value",
    cost=lambda tokens, options: 1,
    compute=compute,
    first_order=True,
    reads_maps=True,
)
