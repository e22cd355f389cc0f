"""Comprehensiveness: without the tokens that score highest, is the decision gone? (DeYoung et al. 2020)"""

from __future__ import annotations

import numpy as np

from glassbert.evaluation._check import Check, Finding
from glassbert.evaluation._examination import Examination, Subject
from glassbert.evaluation._faithfulness import THRESHOLD, compare
from glassbert.results import Array


def run(examination: Examination, subject: Subject) -> Finding:
    """The mean over 1, 5, 10, 20, 50 % of p(x) − p(x without the top tokens), in probability; more is better.

    Tokens are removed by id, at least one; special tokens stay.
    """
    return compare(examination, subject, examination.without, more_is_better=True, what="removing tokens")


def variants(examination: Examination, subject: Subject) -> Array:
    """The text without the top tokens of this explanation and of every random ordering."""
    return examination.without(np.concatenate([subject.order[None], examination.orderings]))


CHECK = Check(
    id="comprehensiveness",
    label="Comprehensiveness",
    group="faithfulness",
    question="Does removing the highest-scoring tokens undo the prediction?",
    paper="DeYoung et al. 2020, arXiv:1911.03429",
    formula=r"\frac{1}{5} \sum_{k \in \{1, 5, 10, 20, 50\}\,\%} p(x) - p(x \setminus \mathrm{top}_k)",
    threshold=THRESHOLD,
    run=run,
    variants=variants,
)
