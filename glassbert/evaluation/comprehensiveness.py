"""Comprehensiveness: without the tokens that score highest, is the decision gone? (DeYoung et al. 2020)

:func:`compare` sets such a measure beside the same measure of random orderings, here and for sufficiency.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from glassbert.evaluation._check import Check, Finding, not_applicable, verdict
from glassbert.evaluation._examination import SHARES, Examination, Subject
from glassbert.results import Array

_HOLDS, _FAILS = 0.95, 0.80
THRESHOLD = (
    "holds if it beats at least 95 of 100 random orderings, fails below 80; a tie counts half. One random explanation "
    "in twenty holds by chance alone"
)
# Smaller moves of a probability are rounding: there is nothing to be faithful to.
_SMALLEST_MOVE = 1e-6
_PERCENTILES = (5, 25, 50, 75, 95)
_TOO_FEW = (
    "there is nothing to remove: every token of this input must stay",
    "only one token can be removed, and one token has no order",
)


def run(examination: Examination, subject: Subject) -> Finding:
    """The mean over 1, 5, 10, 20, 50% of p(x) − p(x without the top tokens), in probability; more is better.

    Tokens are removed by id, at least one; special tokens stay.
    """
    return compare(examination, subject, examination.without, more_is_better=True, what="removing tokens")


def variants(examination: Examination, subject: Subject) -> Array:
    """The text without the top tokens of this explanation and of every random ordering."""
    return examination.without(np.concatenate([subject.order[None], examination.orderings]))


def compare(
    examination: Examination, subject: Subject, parts: Callable[[Array], Array], *, more_is_better: bool, what: str
) -> Finding:
    """The mean over shares of p(x) − p(part), against the same for random orderings.

    ``parts`` makes the parts of an order, (order, share, token). ``what`` completes "… never changes p".
    """
    tokens = len(examination.removable)
    if tokens < 2:
        return not_applicable(_TOO_FEW[tokens])
    whole = examination.probability
    own = whole - examination.probabilities(parts(subject.order[None])[0])  # (share,)
    random = whole - examination.probabilities(parts(examination.orderings))  # (ordering, share)
    number, numbers = float(own.mean()), random.mean(axis=1)
    details = {
        "shares": list(SHARES),
        "tokens": list(examination.sizes),
        "curve": own.tolist(),
        "probability": whole,
        "percentiles": list(_PERCENTILES),
        "random_curves": np.percentile(random, _PERCENTILES, axis=0).tolist(),  # [percentile][share]
        "random_mean": float(numbers.mean()),
        "orderings": len(numbers),
    }
    if max(float(np.ptp(numbers)), abs(number - float(numbers[0]))) < _SMALLEST_MOVE:
        measured = "score" if examination.runner.decision.is_regression else "probability"
        return not_applicable(f"{what} never changes the {measured}, so no order is better than another")
    gain = number - numbers if more_is_better else numbers - number
    beaten = int((gain > _SMALLEST_MOVE).sum())
    ties = int((np.abs(gain) <= _SMALLEST_MOVE).sum())
    share = (beaten + ties / 2) / len(numbers)
    details |= {"beaten": beaten, "ties": ties, "beaten_share": share}
    also = f" and ties with {ties}" if ties else ""
    sentence = f"beats {beaten} of {len(numbers)} random orderings of the same tokens{also}"
    if np.ptp(subject.evidence) == 0:
        sentence += "; all scores are equal, so the order is that of the text"
    if tokens == 2:
        sentence += "; with only two tokens there are two orders, so this proves nothing"
        return Finding(number, sentence, "not_applicable", details)
    return Finding(number, sentence, verdict(share, holds=_HOLDS, fails=_FAILS), details)


CHECK = Check(
    id="comprehensiveness",
    label="Comprehensiveness",
    claim="Removing its words changes the answer",
    group="faithfulness",
    question="Does removing the highest-scoring tokens undo the prediction?",
    paper="DeYoung et al. 2020, arXiv:1911.03429",
    formula=r"\frac{1}{5} \sum_{k \in \{1, 5, 10, 20, 50\}\,\%} p(x) - p(x \setminus \mathrm{top}_k)",
    threshold=THRESHOLD,
    run=run,
    variants=variants,
)
