"""KernelSHAP: Shapley values by weighted regression on the presence of words (Lundberg & Lee 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import comb
from typing import Any

import numpy as np

from glassbert.attribution._method import Attribution, Method
from glassbert.attribution._options import Option, baseline, seed
from glassbert.attribution._word_features import USUAL_PASSES, word_features
from glassbert.decision import Runner
from glassbert.results import Array


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """φ minimises Σ_z π(z) (F(z) − F(baseline) − φ·z)² over coalitions z of words; Σφ = F(x) − F(baseline) exactly.

    π is the Shapley kernel. ``n_samples``: how many coalitions are evaluated, both ends included; None: 256, or two
    per token if that is more. If that covers all 2ⁿ, φ are the exact Shapley values; otherwise coalitions are chosen
    as in the shap package, see :func:`coalitions`. The pieces of a word share its value equally; kept tokens score 0.

    Captum's KernelShap on the same coalitions gives the same numbers. It is not used because its regression requires
    scikit-learn, which nothing else here needs, and only approximates the sum, by a large weight.
    """
    words = word_features(runner, options["baseline"])
    samples = options["n_samples"] or _usual_samples(runner.decision.length)
    present, weights = coalitions(words.count, samples, options["seed"])
    *values, value, baseline_value = words.values(
        np.vstack((present, np.ones(words.count, dtype=bool), np.zeros(words.count, dtype=bool)))
    )
    shares = constrained_regression(present, np.array(values) - baseline_value, weights, value - baseline_value)
    return Attribution(
        scores=words.scores(shares),
        value=float(value),
        baseline=options["baseline"],
        baseline_value=float(baseline_value),
        options={**options, "n_samples": samples},
    )


def coalitions(words: int, samples: int, seed: int) -> tuple[Array, Array]:
    """(coalition, word) of bool and (coalition,) weights: ``samples`` − 2, none empty or full, or all there are.

    As in the shap package's KernelExplainer: sizes 1 and n − 1, 2 and n − 2 and so on are enumerated, each coalition
    with its exact weight, as long as a size's share of the samples covers it; from the other sizes, coalitions are
    drawn in pairs, each with its complement, and share the weight of those sizes in proportion to how often they were
    drawn.
    """
    budget = samples - 2
    smaller = range(1, words // 2 + 1)
    # the kernel's weight of a size and its mirror; for an even number, the middle size is its own mirror
    size_weight = {size: (words - 1) / (size * (words - size)) * (1 if 2 * size == words else 2) for size in smaller}
    rows: list[Array] = []
    weights: list[float] = []
    left = list(smaller)
    while left:
        needed = comb(words, left[0]) * (1 if 2 * left[0] == words else 2)
        share = size_weight[left[0]] / sum(size_weight[size] for size in left)
        if needed > (budget - len(rows)) * share + 1e-8:
            break
        size = left.pop(0)
        for chosen in combinations(range(words), size):
            row = np.isin(np.arange(words), chosen)
            rows += [row] if 2 * size == words else [row, ~row]
        weights += [size_weight[size] / needed] * needed
    if left:
        drawn = _draw(words, (budget - len(rows)) // 2, {size: size_weight[size] for size in left}, seed)
        total, times = sum(size_weight[size] for size in left), sum(drawn.values())
        for key, count in drawn.items():
            row = np.frombuffer(key, dtype=bool)
            rows += [row, ~row]
            weights += [total * count / times / 2] * 2
    return np.array(rows, dtype=bool).reshape(len(rows), words), np.array(weights)


def _draw(words: int, pairs: int, size_weight: Mapping[int, float], seed: int) -> dict[bytes, int]:
    """Draw random coalitions by size weight up to this many distinct pairs: coalition → how often it was drawn."""
    draw = np.random.default_rng(seed)
    sizes, share = list(size_weight), np.array(list(size_weight.values()))
    drawn: dict[bytes, int] = {}
    for _ in range(8 * pairs):  # enough draws to find them; if few are still missing, the weights are accurate by then
        if len(drawn) == pairs:
            break
        row = np.zeros(words, dtype=bool)
        row[draw.permutation(words)[: draw.choice(sizes, p=share / share.sum())]] = True
        if 2 * row.sum() == words and not row[0]:
            row = ~row  # both have the same size: one key for the pair
        drawn[row.tobytes()] = drawn.get(row.tobytes(), 0) + 1
    return drawn


def constrained_regression(present: Array, gains: Array, weights: Array, total: float) -> Array:
    """(word,) φ with Σφ = total that minimises Σ weights (gains − present·φ)²; the smallest φ if there are many."""
    words = present.shape[1]
    if not words:
        return np.zeros(0)
    # φ = total / n + v with Σv = 0: only what is not constant along a row reaches v
    sizes = present.mean(axis=1, keepdims=True)
    root = np.sqrt(weights)[:, None]
    deviations = root[:, 0] * (gains - sizes[:, 0] * total)
    return np.asarray(total / words + np.linalg.lstsq(root * (present - sizes), deviations, rcond=None)[0])


def _usual_samples(tokens: int) -> int:
    return max(USUAL_PASSES, 2 * tokens)


def _cost(tokens: int, options: Mapping[str, Any]) -> int:
    """As if every token were a word; few words have fewer coalitions."""
    samples: int = options["n_samples"] or _usual_samples(tokens)
    return min(samples, 1 << max(0, tokens - 2))


METHOD = Method(
    id="kernel_shap",
    label="KernelSHAP",
    in_words="Hide many sets of words",
    paper="Lundberg & Lee 2017, arXiv:1705.07874",
    family="perturbation",
    signed=True,
    complete=True,
    meaning="this word's Shapley value, estimated by a regression on random parts of the text; the shares add up",
    cost=_cost,
    compute=compute,
    parameters=(
        baseline("mask"),
        Option(
            "n_samples",
            "int",
            None,
            "Number of coalitions of words that are evaluated, both ends included.",
            unit="coalitions",
            minimum=2,
            maximum=100_000,
            none="256, or two per token if that is more",
        ),
        seed(2**63 - 1),
    ),
)
