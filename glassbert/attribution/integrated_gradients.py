"""Integrated gradients: the gradient summed along the way from a baseline (Sundararajan et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from glassbert.attribution._method import Attribution, Method
from glassbert.attribution._problem import Problem
from glassbert.errors import OptionError

_FIRST_STEPS, _MOST_STEPS = 8, 256
# A change this small is below what float32 can attribute: one per cent of it would be rounding noise.
_SMALLEST_CHANGE = 1e-3


def compute(problem: Problem, options: Mapping[str, Any]) -> Attribution:
    """(x_i − x'_i) · ∫₀¹ ∂F/∂x_i(x' + α(x − x')) dα, Gauss-Legendre quadrature, by Captum's IntegratedGradients.

    Over word embeddings, on the straight line from the baseline. ``n_steps`` None: the steps are doubled from
    ``first_steps`` until the relative completeness error |Σ scores − (F(x) − F(x'))| / |F(x) − F(x')| is under
    ``tolerance``, or 256 steps are reached; ``options["n_steps"]`` of the result says how many the last round took. A
    change of F under 0.001 counts as 0.001 there.
    """
    from captum.attr import IntegratedGradients

    fixed_steps, tolerance = options["n_steps"], options["tolerance"]
    inputs, baseline = problem.embeddings, problem.baseline_embeddings(options["baseline"])
    with torch.no_grad():
        value, baseline_value = problem.value(torch.cat((inputs, baseline))).tolist()
    rows = options["internal_batch_size"] or problem.rows_that_fit()
    explainer = IntegratedGradients(problem.value)

    def scores_with(steps: int) -> torch.Tensor:
        attributions: torch.Tensor = explainer.attribute(
            inputs,
            baselines=baseline,
            n_steps=steps,
            method="gausslegendre",
            internal_batch_size=rows if rows < steps else None,
        )
        return attributions.sum(dim=-1)[0].detach()

    steps = fixed_steps or options["first_steps"]
    scores = scores_with(steps)
    while fixed_steps is None and steps < _MOST_STEPS:
        error = abs(float(scores.sum()) - (value - baseline_value))
        if error <= tolerance * max(abs(value - baseline_value), _SMALLEST_CHANGE):
            break
        steps *= 2
        scores = scores_with(steps)
    return Attribution(
        scores=scores.cpu().numpy(),
        value=value,
        baseline=options["baseline"],
        baseline_value=baseline_value,
        options={**options, "n_steps": steps, "internal_batch_size": min(rows, steps)},
    )


def _check(options: Mapping[str, Any]) -> None:
    steps, tolerance, rows = options["n_steps"], options["tolerance"], options["internal_batch_size"]
    first = options["first_steps"]
    if steps is not None and not (isinstance(steps, int) and 1 <= steps <= 10_000):
        raise OptionError(f"n_steps {steps}: valid are 1 to 10000, or None for as many as the tolerance needs")
    if not (isinstance(first, int) and 1 <= first <= _MOST_STEPS):
        raise OptionError(f"first_steps {first}: valid are 1 to {_MOST_STEPS}")
    if not (isinstance(tolerance, int | float) and 0 < tolerance < 1):
        raise OptionError(f"tolerance {tolerance}: valid is a share between 0 and 1, such as 0.01")
    if rows is not None and not (isinstance(rows, int) and rows >= 1):
        raise OptionError(f"internal_batch_size {rows}: valid is 1 or more, or None to choose it from the length")


METHOD = Method(
    id="integrated_gradients",
    label="Integrated gradients",
    paper="Sundararajan et al. 2017, arXiv:1703.01365",
    family="gradient",
    signed=True,
    complete=True,
    meaning="this token's share of the change in value between the empty baseline and the text; the shares add up",
    # the usual case: two rounds, the second twice as fine, and the two ends of the line
    cost=lambda tokens, options: 2 + (options.get("n_steps") or 3 * options["first_steps"]),
    compute=compute,
    check=_check,
    options={
        "baseline": "pad",
        "n_steps": None,
        "first_steps": _FIRST_STEPS,
        "tolerance": 0.01,
        "internal_batch_size": None,
    },
)
