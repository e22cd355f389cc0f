"""Words as the features of perturbation methods: each word is present or replaced by the baseline as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from glassbert.decision import Runner
from glassbert.results import Array
from glassbert.text.words import words_of

#: Passes that a sampling method takes by default: one or two seconds for a sentence on a CPU.
USUAL_PASSES = 256


@dataclass(frozen=True, slots=True, eq=False)
class WordFeatures:
    """F as a function of which words are present. The pieces of a word go together; kept tokens are not features."""

    runner: Runner
    baseline: str
    token_word: Array  # (token,), the feature that a token belongs to; −1 if every baseline keeps the token

    @property
    def count(self) -> int:
        return int(self.token_word.max(initial=-1)) + 1

    def values(self, present: Array) -> Array:
        """(variant, word) of bool → F, (variant,) float64. Equal variants are computed once."""
        always = np.ones((len(present), 1), dtype=bool)  # the column that the −1 of kept tokens indexes
        return self.runner.values_replaced(np.hstack((present, always))[:, self.token_word], self.baseline)

    def ends(self) -> tuple[float, float]:
        """F with all words and with none."""
        value, baseline_value = self.values(np.array([[True], [False]]).repeat(self.count, axis=1))
        return float(value), float(baseline_value)

    def scores(self, shares: Array) -> Array:
        """(word,) → (token,): the pieces of a word share its score equally; kept tokens get 0. Keeps the sum."""
        if not self.count:
            return np.zeros(self.runner.decision.length)
        pieces = np.bincount(self.token_word[self.token_word >= 0])
        scores: Array = np.where(self.token_word >= 0, (shares / pieces)[self.token_word], 0.0)
        return scores


def word_features(runner: Runner, baseline: str) -> WordFeatures:
    decision = runner.decision
    group = np.where(decision.kept, -1, words_of(decision.encoded).group)
    token_word = np.full(decision.length, -1)
    token_word[group >= 0] = np.unique(group[group >= 0], return_inverse=True)[1]
    return WordFeatures(runner, baseline, token_word)


def for_captum(values: Callable[[Array], Array]) -> Callable[[Tensor], Tensor]:
    """F as Captum calls it, on a presence matrix: (variant, feature) of 0 and 1 → (variant,)."""
    return lambda present: torch.from_numpy(values(present.numpy() > 0.5))
