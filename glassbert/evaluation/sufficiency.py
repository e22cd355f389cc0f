"""Sufficiency: do the tokens that score highest carry the decision alone? (DeYoung et al. 2020)"""

from __future__ import annotations

import numpy as np

from glassbert.evaluation._check import Check, Finding
from glassbert.evaluation._examination import Examination, Subject
from glassbert.evaluation.comprehensiveness import THRESHOLD, compare
from glassbert.results import Array


def run(examination: Examination, subject: Subject) -> Finding:
    """The mean over 1, 5, 10, 20, 50% of p(x) − p(only the top tokens), in probability; less is better.

    Tokens are removed by id, at least one is kept; special tokens stay.
    """
    return compare(examination, subject, examination.only, more_is_better=False, what="the choice of tokens to keep")


def variants(examination: Examination, subject: Subject) -> Array:
    """Only the top tokens of this explanation and of every random ordering."""
    return examination.only(np.concatenate([subject.order[None], examination.orderings]))


CHECK = Check(
    id="sufficiency",
    label="Sufficiency",
    claim="Its words alone suffice",
    group="faithfulness",
    question="Are the highest-scoring tokens alone enough for the prediction?",
    paper="DeYoung et al. 2020, arXiv:1911.03429",
    formula=r"\frac{1}{5} \sum_{k \in \{1, 5, 10, 20, 50\}\,\%} p(x) - p(\mathrm{top}_k)",
    threshold=THRESHOLD,
    run=run,
    variants=variants,
)
