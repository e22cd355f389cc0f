"""Attention relevance: attention weighted by its gradient, followed through the layers (Chefer et al. 2021)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from glassbert.attribution._first_order import first_order
from glassbert.attribution._method import Attribution, Method
from glassbert.decision import Runner
from glassbert.maps.relevance import raising


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """The row of [CLS], or of the masked position, of R after the last layer: what reached it. Non-negative.

    R ← R + mean_h((∇A ⊙ A)⁺) R from the first layer to the last, R = I at the start (ICCV 2021, generic). Only that
    row is propagated, from the last layer down: r ← r + r mean_h((∇A ⊙ A)⁺). Captum has no such method.
    """
    here = first_order(runner)
    row = torch.from_numpy(runner.decision.readers).to(here.gradient.device)
    for weights, gradient in zip(reversed(here.attentions), reversed(here.attention_gradients), strict=True):
        row = row + row @ raising(weights[0], gradient[0])
    return Attribution(scores=row.cpu().numpy(), value=here.value, options=options)


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
)
