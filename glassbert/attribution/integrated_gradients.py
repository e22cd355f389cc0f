"""Integrated gradients: the gradient integrated along the path from a baseline (Sundararajan et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from glassbert.attribution._method import Attribution, Method
from glassbert.attribution._options import Option, baseline, batch_rows
from glassbert.attribution._path import Path, first_nodes, first_round
from glassbert.decision import Runner
from glassbert.decision.gradients import Row, alike, values_and_gradients

_MOST_STEPS = 256
# Smaller changes cannot be attributed in float32: one per cent of them would be rounding noise.
_SMALLEST_CHANGE = 1e-3
# The rounding error of F in half precision, in units of the type's last digit.
_LAST_DIGITS = 4


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """(x_i − x'_i) · ∫₀¹ ∂F/∂x_i(x' + α(x − x')) dα over word embeddings, on the straight line from the baseline x'.

    ``n_steps`` given: Gauss-Legendre quadrature with this many steps, by Captum's IntegratedGradients. ``n_steps``
    None: the path is split into segments, and those with the largest completeness error are refined until the absolute
    errors sum to at most ``tolerance`` · |F(x) − F(x')|. So the relative completeness error is at most ``tolerance``,
    and errors of different segments cannot cancel. The Clenshaw-Curtis nodes include both ends, cost one pass each and
    are reused on refinement; ``options["n_steps"]`` of the result is the number used. It stops at 256 nodes; ``delta``
    is the remaining error. A change of F below 0.001 counts as 0.001.
    """
    return compute_many([runner], options)[0]


def compute_many(runners: Sequence[Runner], options: Mapping[str, Any]) -> list[Attribution]:
    """The same for several decisions of one model, whose next nodes share passes."""
    if options["n_steps"] is not None:
        return [_with_captum(runner, options) for runner in runners]
    paths = [Path(first_round(options["tolerance"]), _MOST_STEPS) for _ in runners]
    ends = [
        (runner.decision.embeddings[0], runner.decision.baseline_embeddings(options["baseline"])[0])
        for runner in runners
    ]
    for group in alike(runners):
        while open_ones := [index for index in group if not _done(runners[index], paths[index], options)]:
            wanted = [(index, place) for index in open_ones for place in paths[index].wanted()]
            rows = [Row(runners[index], _between(ends[index], place)) for index, place in wanted]
            found = values_and_gradients(rows, options["internal_batch_size"])
            for (index, place), (value, gradient) in zip(wanted, found, strict=True):
                there, baseline = ends[index]
                paths[index].give(place, value, ((there - baseline) * gradient).sum(dim=-1).double().cpu().numpy())
    return [
        Attribution(
            scores=path.scores(),
            value=path.value,
            baseline=options["baseline"],
            baseline_value=path.baseline_value,
            options={
                **options,
                "n_steps": path.nodes,
                "internal_batch_size": options["internal_batch_size"] or runner.inputs_with_gradients,
            },
        )
        for runner, path in zip(runners, paths, strict=True)
    ]


def _between(ends: tuple[Tensor, Tensor], place: float) -> Tensor:
    there, baseline = ends
    return baseline + place * (there - baseline)


def _done(runner: Runner, path: Path, options: Mapping[str, Any]) -> bool:
    smallest = _SMALLEST_CHANGE
    if runner.decision.model.precision != "float32" and path.nodes:
        digit = torch.finfo(runner.decision.model.network.dtype).eps
        rough = _LAST_DIGITS * digit * max(abs(path.value), abs(path.baseline_value))
        smallest = max(smallest, rough / options["tolerance"])
    return path.done(options["tolerance"], smallest)


def _with_captum(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    from captum.attr import IntegratedGradients

    steps, inputs = options["n_steps"], runner.decision.embeddings
    baseline = runner.decision.baseline_embeddings(options["baseline"])
    value, baseline_value = runner.values(torch.cat((inputs, baseline)))
    rows = options["internal_batch_size"] or runner.inputs_with_gradients
    attributions = IntegratedGradients(runner.value).attribute(
        inputs,
        baselines=baseline,
        n_steps=steps,
        method="gausslegendre",
        internal_batch_size=rows if rows < steps else None,
    )
    return Attribution(
        scores=attributions.sum(dim=-1)[0].detach().cpu().numpy(),
        value=value,
        baseline=options["baseline"],
        baseline_value=baseline_value,
        options={**options, "internal_batch_size": min(rows, steps)},
    )


def _cost(options: Mapping[str, Any]) -> int:
    if options.get("n_steps"):
        return 2 + int(options["n_steps"])  # and the two ends
    # in the usual case the first round is enough for 5%, and one segment is refined once for 1%
    nodes = first_nodes(options["tolerance"])
    return nodes if options["tolerance"] >= 0.05 else nodes + 4


METHOD = Method(
    id="integrated_gradients",
    label="Integrated gradients",
    in_words="Steps from an empty text",
    paper="Sundararajan et al. 2017, arXiv:1703.01365",
    family="gradient",
    signed=True,
    complete=True,
    meaning="this token's share of the change in value between the empty baseline and the text; the shares add up",
    cost=lambda tokens, options: _cost(options),
    compute=compute,
    compute_many=compute_many,
    parameters=(
        baseline("pad"),
        Option(
            "n_steps",
            "int",
            None,
            "Number of steps on the path from the baseline to the text.",
            unit="steps",
            minimum=1,
            maximum=10_000,
            none="as many as the tolerance needs",
        ),
        Option(
            "tolerance",
            "float",
            0.01,
            "Largest accepted relative completeness error if n_steps is None.",
            unit="fraction of |F(x) − F(baseline)|",
            minimum=0,
            maximum=1,
            open_ends=True,
        ),
        batch_rows(),
    ),
)
