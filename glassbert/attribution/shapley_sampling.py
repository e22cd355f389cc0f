"""Shapley values: a word's mean contribution over all orders in which words can be added (Castro et al. 2009)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil, factorial
from typing import Any

import numpy as np
import torch

from glassbert.attribution._method import Attribution, Method
from glassbert.attribution._options import Option, baseline, seed
from glassbert.attribution._word_features import USUAL_PASSES, WordFeatures, for_captum, word_features
from glassbert.decision import Runner
from glassbert.results import Array

#: Up to this many words, every coalition is evaluated: 2⁸ are 256.
EXACT_WORDS = 8


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """φ_i: F with the words before i and i, minus F with those before i, averaged over orders; words, not tokens.

    The pieces of a word share its value equally; kept tokens score 0; the sum is F(x) − F(baseline). ``n_samples``
    None: exact with up to 8 words; with more, random orders for about 256 passes, at least two. A number: this many
    random orders, by Captum's ShapleyValueSampling; every second order is the previous one reversed, which cancels much
    of the error (antithetic pairs, Mitchell et al. 2022).
    """
    words = word_features(runner, options["baseline"])
    value, baseline_value = words.ends()
    samples = options["n_samples"]
    if samples is None and words.count <= EXACT_WORDS:
        shares = _exact(words)
    else:
        samples = samples or _usual_samples(runner.decision.length)
        shares = _sampled(words, samples, options["seed"])
    return Attribution(
        scores=words.scores(shares),
        value=value,
        baseline=options["baseline"],
        baseline_value=baseline_value,
        options={**options, "n_samples": samples},
    )


def _exact(words: WordFeatures) -> Array:
    """(word,) from all 2ⁿ coalitions: Σ over S without i of |S|! (n − |S| − 1)! / n! · (F(S ∪ i) − F(S))."""
    count = words.count
    present = np.arange(2**count)[:, None] >> np.arange(count) & 1 == 1  # row S has word i where bit i of S is set
    values = words.values(present)
    weights = np.array([factorial(size) * factorial(count - size - 1) / factorial(count) for size in range(count)])
    shares = np.empty(count)
    for word in range(count):
        without = np.flatnonzero(~present[:, word])
        gains = values[without + 2**word] - values[without]
        shares[word] = weights[present[without].sum(axis=1)] @ gains
    return shares


def _sampled(words: WordFeatures, samples: int, seed: int) -> Array:
    from captum.attr import ShapleyValueSampling

    if not words.count:
        return np.zeros(0)
    explainer = ShapleyValueSampling(for_captum(words.values))
    # orders of our own: Captum draws from torch's global generator, which other threads draw from as well
    explainer.permutation_generator = lambda count, samples: antithetic_orders(count, samples, seed)
    shares: Array = explainer.attribute(
        torch.ones(1, words.count), n_samples=samples, perturbations_per_eval=words.count
    )[0].numpy()
    return shares


def antithetic_orders(count: int, samples: int, seed: int) -> Iterator[list[int]]:
    """Random orders of ``count`` words, each followed by itself reversed."""
    draw = np.random.default_rng(seed)
    order: list[int] = []
    for sample in range(samples):
        order = order[::-1] if sample % 2 else draw.permutation(count).tolist()
        yield order


def _usual_samples(tokens: int) -> int:
    return 2 * ceil(USUAL_PASSES / 2 / max(1, tokens - 2))


def _cost(tokens: int, options: Mapping[str, Any]) -> int:
    """As if every token were a word; words of several pieces reduce it."""
    words = max(0, tokens - 2)
    samples: int | None = options["n_samples"]
    if samples is None and words <= EXACT_WORDS:
        return 2 + (1 << words)
    return 3 + (samples or _usual_samples(tokens)) * words  # Captum evaluates F(baseline) again


METHOD = Method(
    id="shapley_sampling",
    label="Shapley values",
    in_words="Hide words in many orders",
    paper="Castro et al. 2009; antithetic pairs: Mitchell et al. 2022, arXiv:2104.12199",
    family="perturbation",
    signed=True,
    complete=True,
    meaning="what this word adds to the value on average, whichever words are already there; the shares add up",
    cost=_cost,
    compute=compute,
    parameters=(
        baseline("mask"),
        Option(
            "n_samples",
            "int",
            None,
            "Number of random orders of the words that are averaged.",
            unit="orders",
            minimum=2,
            maximum=100_000,
            none="exact up to 8 words, otherwise orders for about 256 passes",
        ),
        seed(2**63 - 1),
    ),
)
