"""Gradient SHAP: integrated gradients from several baselines at once, one random point each (Lundberg & Lee 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from glassbert.attribution._draws import draws, seeded
from glassbert.attribution._method import Attribution, Method
from glassbert.decision import Runner
from glassbert.decision.gradients import gradients_in_parts


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """1/n Σ_k (x_i + ε_k − x'_k) · ∂F/∂x_i(x'_k + α_k (x + ε_k − x'_k)), by Captum's GradientShap.

    Each x'_k is the [PAD] or the [MASK] baseline, each α_k a point on the path from it, both drawn uniformly; ε_k is
    noise of ``stdev`` times the standard deviation of the embedding values, zero by default. A model without a mask
    token uses the [PAD] baseline only. The scores are complete in expectation: with more samples and no noise their sum
    converges to F(x) − mean F(x'), and ``delta`` is the difference of this sum from it. This sampling error is usually
    far larger than that of integrated gradients.
    """
    decision = runner.decision
    from captum.attr import GradientShap

    kinds = ("pad",) if decision.model.mask_token is None else ("pad", "mask")
    baselines = torch.cat([decision.baseline_embeddings(kind) for kind in kinds]).cpu()
    inputs = decision.embeddings.cpu()
    rows = options["internal_batch_size"] or runner.inputs_with_gradients
    value, *baseline_values = runner.values(torch.cat((inputs, baselines)))
    explainer = GradientShap(runner.value)
    explainer.gradient_func = gradients_in_parts(runner.value, rows)
    with seeded(options["seed"]):
        attributions = explainer.attribute(
            inputs,
            baselines=baselines,
            n_samples=options["n_samples"],
            stdevs=options["stdev"] * float(inputs.std()),
        )
    return Attribution(
        scores=attributions.detach().sum(dim=-1)[0].numpy(),
        value=value,
        baseline=" and ".join(kinds),
        baseline_value=sum(baseline_values) / len(baseline_values),
        options={**options, "internal_batch_size": min(rows, options["n_samples"])},
    )


METHOD = Method(
    id="gradient_shap",
    label="Gradient SHAP",
    in_words="Random steps from an empty text",
    paper="Lundberg & Lee 2017, arXiv:1705.07874; Erion et al. 2021, arXiv:1906.10670",
    family="gradient",
    signed=True,
    complete=True,
    meaning="this token's share of the change in value from empty baselines to the text, estimated at random points in "
    "between; the shares add up except for sampling error",
    cost=lambda tokens, options: int(options["n_samples"]) + 3,  # and the text and both baselines themselves
    compute=compute,
    parameters=draws(n_samples=50, stdev=0.0),
)
