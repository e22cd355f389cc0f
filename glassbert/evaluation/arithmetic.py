"""Arithmetic: do the scores add up as the method promises? (Sundararajan et al. 2017, completeness)"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassbert.attribution import explain
from glassbert.evaluation._check import Check, Finding, not_applicable, verdict
from glassbert.evaluation._examination import BROKEN, Examination, Subject
from glassbert.evaluation._rerun import run_cost, settings_of

_HOLDS, _FAILS = 0.05, 0.15
# A change of F this small is below what float32 can attribute.
_SMALLEST_CHANGE = 1e-3


def run(examination: Examination, subject: Subject) -> Finding:
    """|Σ scores − (F(x) − F(baseline))| / |F(x) − F(baseline)| where completeness is promised.

    For a method that hands relevance back (``options["unattributed"]``) it is |Σ scores + Σ unattributed − F(x)| over
    |F(x)|. The thorough receipt also runs a method that takes steps with twice as many.
    """
    scores = subject.scores
    total = float(scores.scores.sum(dtype=np.float64))
    left = scores.options.get("unattributed")
    complete = subject.method.complete if subject.method else scores.delta is not None
    if left is not None:
        rest, promised = float(sum(left.values())), scores.value
        others = ", ".join(left)
        words = f"the scores ({total:.3g}) plus the relevance assigned to {others} ({rest:.3g})"
        goal = f"F(x) = {promised:.3g}"
        details: dict[str, Any] = {"unattributed": {name: float(part) for name, part in left.items()}}
        total += rest
    elif complete and scores.baseline_value is not None:
        promised = scores.value - scores.baseline_value
        words, goal, details = f"the scores ({total:.3g})", f"F(x) − F(baseline) = {promised:.3g}", {}
    else:
        return not_applicable("the scores need not add up to anything: this method does not promise it")
    number = abs(total - promised) / max(abs(promised), _SMALLEST_CHANGE)
    details |= {"sum": total, "promised": promised}
    sentence = f"the sum of {words} differs from {goal} by {number:.1%}"
    if abs(promised) < _SMALLEST_CHANGE:
        sentence += f", where a target below {_SMALLEST_CHANGE} counts as {_SMALLEST_CHANGE}"
    return Finding(number, sentence + _doubled(examination, subject, details), _verdict(number), details)


def _verdict(number: float) -> Any:
    return verdict(number, holds=_HOLDS, fails=_FAILS)


def _doubled(examination: Examination, subject: Subject, details: dict[str, Any]) -> str:
    settings = _twice(subject)
    if settings is None:
        return ""
    steps = settings["n_steps"]
    if not examination.thorough:
        passes = run_cost(examination, subject, settings)
        return f"; skipped: a run with {steps} steps (about {passes} passes), which the thorough receipt includes"
    assert subject.method is not None
    again = explain(examination.runner, subject.method, settings)
    before = subject.scores.scores.astype(np.float64)
    moved = float(np.abs(again.scores - before).sum() / max(float(np.abs(before).sum()), 1e-12))
    details |= {"doubled_steps": steps, "doubled_moved": moved, "doubled_scores": again.scores.tolist()}
    return f"; using {steps} steps instead of {steps // 2} changes the scores by {moved:.1%} of their size"


def _twice(subject: Subject) -> dict[str, Any] | None:
    """The same options with twice the steps; None where the method takes none."""
    scores = subject.scores
    steps = scores.options.get("n_steps")
    if subject.method is None or not steps or BROKEN in scores.options:
        return None
    return {**settings_of(subject), "n_steps": 2 * steps}


def cost(examination: Examination, subject: Subject) -> int:
    settings = _twice(subject) if examination.thorough else None
    return run_cost(examination, subject, settings) if settings else 0


CHECK = Check(
    id="arithmetic",
    label="Arithmetic",
    claim="Adds up",
    group="arithmetic",
    question="Do the scores add up as the method promises?",
    paper="Sundararajan et al. 2017, arXiv:1703.01365",
    formula=r"\frac{\big|\sum_i \varphi_i - (F(x) - F(x'))\big|}{|F(x) - F(x')|}",
    threshold="holds up to an error of 5%, which no chart would show; fails above 15%",
    run=run,
    cost=cost,
)
