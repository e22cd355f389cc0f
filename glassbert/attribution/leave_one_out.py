"""Leave-one-out: how much the value falls when a token is removed (Li et al. 2016)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from glassbert.attribution._method import Attribution, Method
from glassbert.decision import Runner


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """F(x) − F(x without token i), one token at a time; later tokens move up. Captum has no such method.

    Tokens are removed by id, never by tokenizing a shorter text. Tokens that the decision requires score 0:
    special tokens, the masked target word, the labelled token, the answer's edge.
    """
    decision = runner.decision
    removable = np.flatnonzero(decision.removable)
    present = np.ones((len(removable) + 1, decision.length), dtype=bool)
    present[np.arange(len(removable)), removable] = False
    *without, value = runner.values_without(present)
    scores = np.zeros(decision.length)
    scores[removable] = value - np.array(without)
    return Attribution(scores=scores, value=float(value), options=options)


METHOD = Method(
    id="leave_one_out",
    label="Leave-one-out",
    in_words="Leave out one word",
    paper="Li et al. 2016, arXiv:1612.08220",
    family="perturbation",
    signed=True,
    complete=False,
    meaning="how much the value falls when this token alone is removed from the text",
    cost=lambda tokens, options: max(1, tokens - 1),  # one for each but two special ones, and F(x)
    compute=compute,
)
