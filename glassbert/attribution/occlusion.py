"""Occlusion: how much the value falls when a token is hidden (Zeiler & Fergus 2014)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from glassbert.attribution._method import Attribution, Method
from glassbert.attribution._options import baseline
from glassbert.attribution._word_features import for_captum
from glassbert.decision import Runner


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """F(x) − F(x with token i → [MASK]), one token at a time, by Captum's FeatureAblation.

    Captum ablates a vector of token presence: its Occlusion, applied to embeddings, would give the same number once
    per dimension. Special tokens and the masked target word are never hidden and score 0.
    """
    decision = runner.decision
    from captum.attr import FeatureAblation

    free = np.flatnonzero(~decision.kept)
    scores = np.zeros(decision.length)

    def values(present: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        tokens = np.ones((len(present), decision.length), dtype=bool)
        tokens[:, free] = present
        return runner.values_replaced(tokens, options["baseline"])

    if len(free):
        losses = FeatureAblation(for_captum(values)).attribute(
            torch.ones(1, len(free)), perturbations_per_eval=len(free)
        )
        scores[free] = losses[0].numpy()
    return Attribution(scores=scores, baseline=options["baseline"], options=options)


METHOD = Method(
    id="occlusion",
    label="Occlusion",
    in_words="Hide one word",
    paper="Zeiler & Fergus 2014, arXiv:1311.2901",
    family="perturbation",
    signed=True,
    complete=False,
    meaning="how much the value falls when this token alone is replaced by the baseline's token",
    cost=lambda tokens, options: tokens,  # one for each but two special ones, and F(x) for Captum and for the result
    compute=compute,
    parameters=(baseline("mask"),),
)
