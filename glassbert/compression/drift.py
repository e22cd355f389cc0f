"""Explanation drift: how far two models, or two methods, are from giving the same reasons for the same decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassbert.attribution import attribute
from glassbert.attribution.results import TokenScores
from glassbert.comparison import compare_models
from glassbert.compression.results import Drift
from glassbert.decision import Passes
from glassbert.errors import ComparisonError, TextError
from glassbert.evaluation._examination import Examination, spearman
from glassbert.network.model import Model
from glassbert.results import Array
from glassbert.suites.rates import wilson_intervals
from glassbert.tables import Table
from glassbert.text.inputs import shorten
from glassbert.tuning import Evaluation

__all__ = ["Explained", "Side", "drift_between", "explained_by", "interval_of_mean"]

_RESAMPLES = 1000
Text = tuple[str, str | None]


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """One text with its scores by word, without those of special tokens, and their comprehensiveness."""

    words: tuple[str, ...]
    scores: Array  # (word,)
    comprehensiveness: float


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """A model and a method, with what they say about each text that is compared."""

    model: Model
    method: str
    answers: Evaluation
    explained: Sequence[Explained]


def explained_by(
    model: Model,
    method: str,
    texts: Sequence[Text],
    labels: Sequence[str],
    seed: int,
    step: Callable[[], None],
) -> list[Explained]:
    """What speaks for each of these labels, in this model and by this method. ``step`` is called after each text."""
    found = []
    options: dict[str, Any] = {"seed": seed} if method in _SEEDED else {}
    for (text, pair), label in zip(texts, labels, strict=True):
        shown, beside = shorten(model, text, pair)
        scores = attribute(model, shown, beside, method=method, target=label, **options)
        by_word = scores.by_word()
        own = ~by_word.special
        words = tuple(word for word, mine in zip(by_word.words, own, strict=True) if mine)
        found.append(Explained(words, by_word.scores[own], _comprehensiveness(model, scores)))
        step()
    return found


#: Methods that draw samples.
_SEEDED = {"smoothgrad", "gradient_shap", "shapley_sampling", "kernel_shap", "lime"}


def _comprehensiveness(model: Model, scores: TokenScores) -> float:
    """p(x) less the mean of p without the tokens that score highest (DeYoung et al. 2020); 0 where none can go."""
    examination = Examination(model, scores, n_orderings=1, seed=0, thorough=False, passes=Passes())
    if not len(examination.removable):
        return 0.0
    without = examination.without(examination.subject(scores).order[None])
    examination.compute([without])
    return examination.probability - float(examination.probabilities(without).mean())


def drift_between(first: Side, second: Side, table: Table, rows: Array, seed: int) -> Drift:
    """From the first side to the second; ``rows`` of the table are explained, and all of them decided."""
    decided = [_named(side.answers) for side in (first, second)]
    flipped = np.flatnonzero(decided[0] != decided[1])
    count = len(decided[0])
    low, high = wilson_intervals(np.array([len(flipped)]), np.array([count]))
    pairs = list(zip(first.explained, second.explained, strict=True))
    alike = [number for number, (one, two) in enumerate(pairs) if len(one.scores) == len(two.scores)]
    compared = rows[alike]
    methods = first.model is second.model and first.method != second.method
    correlations = np.asarray([_correlation(*(side.scores for side in pairs[number])) for number in alike])
    mean_low, mean_high = interval_of_mean(correlations, seed)
    return Drift(
        first=first.model.source,
        second=second.model.source,
        methods=(first.method, second.method),
        decided=count,
        flipped=tuple(int(table.rows[place]) for place in flipped),
        flip_low=float(low[0]),
        flip_high=float(high[0]),
        rows=np.asarray(table.rows)[compared],
        texts=tuple(table.texts[row] for row in compared),
        first_decisions=tuple(decided[0][compared].tolist()),
        second_decisions=tuple(decided[1][compared].tolist()),
        correlations=correlations,
        correlation_low=mean_low,
        correlation_high=mean_high,
        first_comprehensiveness=np.asarray([pairs[number][0].comprehensiveness for number in alike]),
        second_comprehensiveness=np.asarray([pairs[number][1].comprehensiveness for number in alike]),
        left_out=len(rows) - len(alike),
        heads=np.empty((0, 0))
        if methods
        else _heads(first.model, second.model, [table.texts[row] for row in compared]),
    )


def _named(answers: Evaluation) -> Array:
    names = np.asarray(answers.label_names, dtype=object)
    named: Array = names[answers.answers]
    return named


def _correlation(first: Array, second: Array) -> float:
    """Spearman's ρ; of equal scores 1, even of equal words."""
    return 1.0 if np.array_equal(first, second) else spearman(first, second)


def interval_of_mean(values: Array, seed: int) -> tuple[float, float]:
    """The 95 % interval of a mean, by a bootstrap over the values; 0 and 0 of none."""
    if not len(values):
        return 0.0, 0.0
    draws = np.random.default_rng(seed).integers(len(values), size=(_RESAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)


#: Texts on which the pattern of heads is compared.
_HEAD_TEXTS = 16


def _heads(first: Model, second: Model, texts: Sequence[str]) -> Array:
    """(layer, head): the mean Jensen–Shannon divergence of attention, in bits; of a removed head −1. Empty for models
    of different shapes."""
    shapes = {(model.layers, model.attention_heads) for model in (first, second)}
    if len(shapes) > 1:
        return np.empty((0, 0))
    found = []
    for text in texts[:_HEAD_TEXTS]:
        try:
            shown = shorten(second, shorten(first, text)[0])[0]
            both = compare_models(first, second, shown, parts=("attention",)).attention
        except (ComparisonError, TextError):
            continue
        if both is not None:
            found.append(both.divergence)
    if not found:
        return np.empty((0, 0))
    mean: Array = np.asarray(np.mean(found, axis=0, dtype=np.float64))
    for layer, head in {*first.removed_heads, *second.removed_heads}:
        mean[layer, head] = -1
    return mean
