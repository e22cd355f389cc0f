"""Does the text make a difference? F of the text compared with F of the baseline that stands for an empty text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from glassbert.arguments import checked
from glassbert.decision import Decision, Passes, Runner, decide
from glassbert.evaluation._check import verdict
from glassbert.evaluation.results import BaselineGap
from glassbert.network.model import Model
from glassbert.results import Array
from glassbert.targets import Output, Target
from glassbert.text.inputs import Text, encode

__all__ = ["HOLDS", "SMALL", "baseline_gap", "gap_of"]

#: Share of F that the change from the baseline must be, to hold. From half of F on, most of the value is due to words.
HOLDS = 0.5
#: Below a quarter, scores that add up to the change explain too little of F. Of the sixty bundled sentences, the
#: embedded classifier leaves a sixth below it, and there is a gap above: from 0.23 to 0.37.
SMALL = 0.25
THRESHOLD = (
    f"holds if the change is at least {HOLDS:.0%} of F, fails below {SMALL:.0%} or if it goes against the prediction"
)
# F below this counts as this much: float32 resolves no less.
_SMALLEST_VALUE = 1e-3


@checked
def baseline_gap(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    target: Target | int | str | None = None,
    output: Output = "logit",
    baseline: str = "pad",
    cancelled: Callable[[], bool] | None = None,
) -> BaselineGap:
    """How much of F the text accounts for, compared with a baseline: F(x) − F(baseline), as a share of |F(x)|.

    Scores that are complete, such as those of integrated gradients, add up to exactly this change. If the baseline
    already has nearly the same value (a small share), they explain almost nothing of the prediction, however strong
    their colours; if the change goes against the prediction (a negative share), they speak against it. Then use a
    method without this baseline, such as saliency. ``baseline`` is "pad", "mask" or "zero". Two forward passes, and one
    if the target is open. Raises OptionError, TargetError, TaskHeadError, TextErrors; StoppedError when
    ``cancelled()``.
    """
    passes = Passes(cancelled=cancelled)
    return gap_of(decide(model, encode(model, text, pair), target, output, passes=passes), baseline)


def gap_of(runner: Runner, baseline: str = "pad") -> BaselineGap:
    """The same for a decision: two forward passes."""
    decision, before = runner.decision, runner.passes.count
    with torch.no_grad():
        logits = runner.logits(torch.cat((decision.embeddings, decision.baseline_embeddings(baseline))))
        value, baseline_value = decision.value(logits).double().cpu().tolist()
    change = value - baseline_value
    if decision.is_regression:  # a score that the words lower is as well explained as one that they raise
        toward = abs(change)
    else:
        toward = change if _is_ahead(decision, logits[0].double().cpu().numpy()) else -change
    share = toward / max(abs(value), _SMALLEST_VALUE)
    return BaselineGap(
        encoded=decision.encoded,
        target=decision.target,
        target_label=decision.target_label,
        output=decision.output,
        baseline=baseline,
        value=value,
        baseline_value=baseline_value,
        share=share,
        verdict=verdict(share, holds=HOLDS, fails=SMALL),
        threshold=THRESHOLD,
        forward_passes=runner.passes.count - before,
    )


def _is_ahead(decision: Decision, logits: Array) -> bool:
    """Whether the logits of one input favour the target: over its foil, else over all others, by the threshold."""
    if len(decision.class_ids) > 1:
        contrast = replace(decision, output="logit").value(torch.from_numpy(logits)[None])
        return bool(contrast[0] >= 0)
    target = decision.class_ids[0]
    if decision.is_independent:
        return bool(logits[target] > 0)
    return bool(decision.ahead(logits[None], target)[0] >= 0)
