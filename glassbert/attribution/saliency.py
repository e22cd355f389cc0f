"""Saliency: how fast the target's value changes with each word embedding (Simonyan et al. 2013)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glassbert.attribution._method import Attribution, Method
from glassbert.attribution._problem import Problem


def compute(problem: Problem, options: Mapping[str, Any]) -> Attribution:
    """‖∂F/∂x_i‖₂ over embedding dimensions, never negative; Captum's Saliency gives the gradient."""
    from captum.attr import Saliency

    gradient = Saliency(problem.value).attribute(problem.embeddings.requires_grad_(), abs=False)
    return Attribution(scores=gradient.norm(dim=-1)[0].detach().cpu().numpy(), options=options)


METHOD = Method(
    id="saliency",
    label="Gradient saliency",
    paper="Simonyan et al. 2013, arXiv:1312.6034",
    family="gradient",
    signed=False,
    complete=False,
    meaning="how strongly the value reacts to a small change of this token's embedding, in any direction",
    cost=lambda tokens, options: 2,  # one with its backward pass, one for F(x) itself
    compute=compute,
)
