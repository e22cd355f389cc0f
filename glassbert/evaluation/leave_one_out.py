"""Agreement with leave-one-out: do the scores rank tokens as removing each one does? (Li et al. 2016)"""

from __future__ import annotations

import numpy as np

from glassbert.evaluation._check import Check, Finding, not_applicable, verdict
from glassbert.evaluation._examination import Examination, Subject, is_signed, kendall
from glassbert.results import Array

_HOLDS, _FAILS = 0.4, 0.15
# Changes of F below this are float32's rounding.
_SMALLEST_CHANGE = 1e-5


def run(examination: Examination, subject: Subject) -> Finding:
    """Kendall's τ-b between the scores and F(x) − F(x without token i), in the scores' own units.

    Scores without a sign are compared with the magnitude of the change.
    """
    tokens = len(examination.removable)
    if tokens < 3:
        return not_applicable(f"removable tokens: {tokens}, too few to compare two orders")
    changes = examination.value - examination.values(examination.one_left_out)
    wanted = changes if is_signed(subject.scores) else np.abs(changes)
    details = {"positions": examination.removable.tolist(), "changes": changes.tolist()}
    if np.ptp(wanted) < _SMALLEST_CHANGE:
        return not_applicable("removing any single token changes nothing, so there is no order to agree with")
    if np.ptp(subject.evidence) == 0:
        return Finding(0.0, "all scores are equal, so they define no order", "fails", details)
    number = kendall(subject.evidence, wanted)
    pairs = tokens * (tokens - 1) // 2
    sentence = (
        f"ranks {(1 + number) / 2:.0%} of the {pairs} pairs of tokens as leave-one-out does (Kendall's τ = "
        f"{number:.2f}); chance is 50%"
    )
    return Finding(number, sentence, verdict(number, holds=_HOLDS, fails=_FAILS), details)


def variants(examination: Examination, _subject: Subject) -> Array:
    """The text without each token in turn."""
    return examination.one_left_out


CHECK = Check(
    id="leave_one_out",
    label="Agreement with leave-one-out",
    claim="Matches deleting words one by one",
    group="agreement",
    question="Do the scores rank the tokens as removing each one does?",
    paper="Li et al. 2016, arXiv:1612.08220",
    formula=r"\tau_b\big(\text{score}_i,\; F(x) - F(x \setminus i)\big)",
    threshold="holds from τ = 0.4 (70% of the pairs in the same order), fails below 0.15, which chance often reaches",
    run=run,
    variants=variants,
)
