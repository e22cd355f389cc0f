"""Saliency: how fast the target's value changes with each word embedding (Simonyan et al. 2013)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glassbert.attribution._first_order import first_order, knowing
from glassbert.attribution._method import Attribution, Method
from glassbert.decision import Runner


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """‖∂F/∂x_i‖₂ over embedding dimensions, non-negative; from Captum's Saliency."""
    from captum.attr import Saliency

    here = first_order(runner)
    gradient = knowing(Saliency(runner.value), here.gradient).attribute(
        runner.decision.embeddings.requires_grad_(), abs=False
    )
    return Attribution(scores=gradient.norm(dim=-1)[0].detach().cpu().numpy(), value=here.value, options=options)


METHOD = Method(
    id="saliency",
    label="Gradient saliency",
    in_words="Sensitivity to each word",
    paper="Simonyan et al. 2013, arXiv:1312.6034",
    family="gradient",
    signed=False,
    complete=False,
    meaning="how strongly the value reacts to a small change of this token's embedding, in any direction",
    cost=lambda tokens, options: 1,
    compute=compute,
    first_order=True,
)
