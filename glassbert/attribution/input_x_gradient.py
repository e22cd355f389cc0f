"""Input × gradient: the first-order contribution of each word embedding (Shrikumar et al. 2016)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glassbert.attribution._first_order import first_order, knowing
from glassbert.attribution._method import Attribution, Method
from glassbert.decision import Runner


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """x_i · ∂F/∂x_i, the dot product over embedding dimensions; signed. From Captum's InputXGradient."""
    from captum.attr import InputXGradient

    here = first_order(runner)
    product = knowing(InputXGradient(runner.value), here.gradient).attribute(
        runner.decision.embeddings.requires_grad_()
    )
    return Attribution(scores=product.sum(dim=-1)[0].detach().cpu().numpy(), value=here.value, options=options)


METHOD = Method(
    id="input_x_gradient",
    label="Input × gradient",
    in_words="Sensitivity times size",
    paper="Shrikumar et al. 2016, arXiv:1605.01713",
    family="gradient",
    signed=True,
    complete=False,
    meaning="how much the value would fall if the model were linear and this token's embedding shrank to zero",
    cost=lambda tokens, options: 1,
    compute=compute,
    first_order=True,
)
