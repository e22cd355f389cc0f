"""Partition SHAP: a value divided between the halves of a text, and between their halves, down to words (Owen 1977)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassbert.attribution._method import Attribution, Method
from glassbert.attribution._options import Option, baseline
from glassbert.attribution._word_features import USUAL_PASSES, WordFeatures, word_features
from glassbert.decision import Runner
from glassbert.results import Array

#: (start, end) of neighbouring words → where the second half starts.
Split = Callable[[int, int], int]


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """The Owen values of a tree of halves, as the shap package's PartitionExplainer computes them for the same tree.

    At every node the gain is shared between two parts by Shapley's rule for two, (F(A) − F(∅) + F(AB) − F(B)) / 2 for
    A, and each part shares its own once without and once with the other. At most ``n_samples`` passes are made, both
    ends included (None: 256), the largest gains first; a gain not split by then is shared equally within its part. The
    tree: first the two texts of a pair, then the middle, or the punctuation mark nearest to it in the middle half of a
    part. The pieces of a word share its value equally; kept tokens score 0; the sum is F(x) − F(baseline).

    The shap package is the oracle of the tests and not used here: with numba it would add 210 MB and 2.5 s of import.
    """
    words = word_features(runner, options["baseline"])
    samples = options["n_samples"] or USUAL_PASSES
    value, baseline_value = words.ends()
    split = halves(*_boundaries(words))
    shares = owen_values(words.values, words.count, split, value, baseline_value, samples - 2)
    return Attribution(
        scores=words.scores(shares),
        value=value,
        baseline=options["baseline"],
        baseline_value=baseline_value,
        options={**options, "n_samples": samples},
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Neighbouring words, start to end, given words that are already present; their gain, and its weight."""

    start: int
    end: int
    context: Array  # (word,)
    before: float  # F(context)
    after: float  # F(context and these words)
    weight: float

    @property
    def gain(self) -> float:
        return (self.after - self.before) * self.weight


def owen_values(
    values: Callable[[Array], Array], words: int, split: Split, full: float, empty: float, budget: int
) -> Array:
    """(word,) Owen values with at most ``budget`` evaluations in addition to those of all words and of none."""
    shares = np.zeros(words)
    parts = [_Part(0, words, np.zeros(words, dtype=bool), empty, full, 1.0)] if words else []
    while parts:
        open_parts = sorted((part for part in parts if part.end - part.start > 1), key=lambda part: -abs(part.gain))
        chosen = open_parts[: budget // 2]
        budget -= 2 * len(chosen)
        taken = set(map(id, chosen))
        for part in parts:
            if id(part) not in taken:  # a single word, or no budget left
                shares[part.start : part.end] += part.gain / (part.end - part.start)
        parts = _divided(values, chosen, split)
    return shares


def _divided(values: Callable[[Array], Array], parts: list[_Part], split: Split) -> list[_Part]:
    """Each part's two halves, each without and with the other half; two evaluations per part, all in one batch."""
    if not parts:
        return []
    middles = [split(part.start, part.end) for part in parts]
    present = np.repeat([part.context for part in parts], 2, axis=0)
    for index, (part, middle) in enumerate(zip(parts, middles, strict=True)):
        present[2 * index, part.start : middle] = True
        present[2 * index + 1, middle : part.end] = True
    halves_of = []
    for part, middle, rows, (left, right) in zip(
        parts, middles, present.reshape(len(parts), 2, -1), values(present).reshape(-1, 2), strict=True
    ):
        weight = part.weight / 2
        halves_of += [
            _Part(part.start, middle, part.context, part.before, left, weight),
            _Part(part.start, middle, rows[1], right, part.after, weight),
            _Part(middle, part.end, part.context, part.before, right, weight),
            _Part(middle, part.end, rows[0], left, part.after, weight),
        ]
    return halves_of


def halves(texts_at: int | None, marks: Array) -> Split:
    """Divide at ``texts_at``, else at the mark nearest to the middle within the middle half, else in the middle."""

    def split(start: int, end: int) -> int:
        if texts_at is not None and start < texts_at < end:
            return texts_at
        quarter, middle = (end - start) / 4, (start + end) / 2
        near = marks[(marks >= start + quarter) & (marks <= end - quarter) & (marks > start) & (marks < end)]
        return int(near[np.abs(near - middle).argmin()]) if len(near) else (start + end) // 2

    return split


def _boundaries(words: WordFeatures) -> tuple[int | None, Array]:
    """The first word of the second text, if there are two, and the words that follow a punctuation mark."""
    encoded = words.runner.decision.encoded
    first = np.array([np.flatnonzero(words.token_word == word)[0] for word in range(words.count)], dtype=np.int64)
    second = np.flatnonzero(encoded.sequence_ids[first] == 1)
    is_mark = [all(unicodedata.category(letter)[0] == "P" for letter in encoded.pieces[token]) for token in first]
    return int(second[0]) if len(second) else None, np.flatnonzero(is_mark) + 1


def _cost(tokens: int, options: Mapping[str, Any]) -> int:
    """As if every token were a word; a tree of n words needs at most n² passes unless punctuation makes it deep."""
    words = max(1, tokens - 2)
    samples: int = options["n_samples"] or USUAL_PASSES
    return min(samples, max(2, words * words))


METHOD = Method(
    id="partition_shap",
    label="Partition SHAP",
    in_words="Hide parts of the text",
    paper="Owen 1977; in the shap package of Lundberg & Lee 2017, arXiv:1705.07874",
    family="perturbation",
    signed=True,
    complete=True,
    meaning="what this word adds, with the value split between halves of the text, down to words; the shares add up",
    cost=_cost,
    compute=compute,
    parameters=(
        baseline("mask"),
        Option(
            "n_samples",
            "int",
            None,
            "Maximum number of forward passes, both ends included.",
            unit="passes",
            minimum=2,
            maximum=100_000,
            none="256",
        ),
    ),
)
