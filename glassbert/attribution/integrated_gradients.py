"""Integrated gradients: the gradient summed along the way from a baseline (Sundararajan et al. 2017)."""

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
# A change this small is below what float32 can attribute: one per cent of it would be rounding noise.
_SMALLEST_CHANGE = 1e-3
# F itself is this rough in half precision, in units of the type's last digit.
_LAST_DIGITS = 4


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """(x_i − x'_i) · ∫₀¹ ∂F/∂x_i(x' + α(x − x')) dα over word embeddings, on the straight line from the baseline x'.

    ``n_steps`` given: Gauss-Legendre quadrature with so many steps, by Captum's IntegratedGradients. ``n_steps`` None:
    the way is cut into stretches, and those are refined on which the scores' sum misses the change of F most, until the
    misses, without regard to sign, add up to at most ``tolerance`` · |F(x) − F(x')|. So the relative completeness error
    is at most ``tolerance``, and no part of the way makes up for another. Clenshaw-Curtis nodes, each one pass, kept
    when more are needed, the two ends among them; ``options["n_steps"]`` of the result says how many it took. At 256
    it stops; ``delta`` says how far off it is. A change of F under 0.001 counts as 0.001.
    """
    return compute_many([runner], options)[0]


def compute_many(runners: Sequence[Runner], options: Mapping[str, Any]) -> list[Attribution]:
    """The same for several decisions of one model: the nodes that all of them want next share passes."""
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
    with torch.no_grad():
        value, baseline_value = runner.value(torch.cat((inputs, baseline))).tolist()
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
    # in the usual case the first round is enough for 5 %, and one stretch is refined once for 1 %
    nodes = first_nodes(options["tolerance"])
    return nodes if options["tolerance"] >= 0.05 else nodes + 4


METHOD = Method(
    id="integrated_gradients",
    label="Integrated gradients",
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
            "How many steps the path from the baseline to the text has.",
            unit="steps",
            minimum=1,
            maximum=10_000,
            none="as many as the tolerance needs",
        ),
        Option(
            "tolerance",
            "float",
            0.01,
            "The relative completeness error that is accepted where n_steps is None.",
            unit="shares of |F(x) − F(baseline)|",
            minimum=0,
            maximum=1,
            open_ends=True,
        ),
        batch_rows(),
    ),
)
