"""Which words decide, and where a model is weak. ``where`` is the filter that chose the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from glassbert.analysis.measure_results import about_rows
from glassbert.pictures.markup import clipped
from glassbert.results import Array, Result, counted, tidy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GlobalWords", "ShortcutWords", "WeakSlices"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GlobalWords(Result):
    """The words that the answers hang on, for each class that was explained, with 95 % intervals over texts.

    The share of a word in a text is the sum of its tokens' shares, over all of its occurrences: their scores for the
    answer, divided by the sum of the absolute scores of all tokens that are not special. Positive speaks for the
    class, negative against it. ``mean`` is over the ``texts`` that have the word and were given the class, each text
    counting once. ``low`` and ``high`` are percentiles of 500 bootstrap means over these texts (Efron 1979), for words
    of more than 500 texts their normal limit. Words are in lower case. Those of at least ``least`` texts were looked
    at, ``tried`` over all classes; shown are, for each class, those whose mean is surely furthest from 0, by
    |mean| − 1.96 standard errors. ``class_texts``: how many texts were given each class.
    """

    where: str
    method: str
    least: int
    tried: int
    class_names: tuple[str, ...]
    class_texts: Array  # (class,)
    words: tuple[str, ...]
    classes: Array  # (word,), indices of class_names
    mean: Array  # (word,)
    low: Array  # (word,)
    high: Array  # (word,)
    texts: Array  # (word,)

    _arrays: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("class_texts", "classes", "texts"), "int64"),
        **dict.fromkeys(("mean", "low", "high"), "float64"),
    }

    def _about(self) -> str:
        first = f", first {clipped(self.words[0], 30)!r}" if self.words else ""
        return (
            f"by {self.method}{about_rows(self.where)}: {counted(len(self.words), 'word')} of {self.tried:,} in at "
            f"least {self.least} texts{first}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per class and word, the strongest of a class first."""
        return tidy(
            {
                "class": [self.class_names[one] for one in self.classes],
                "word": self.words,
                "mean_share": self.mean,
                "low": self.low,
                "high": self.high,
                "texts": self.texts,
                "of_texts": self.texts / np.maximum(1, self.class_texts[self.classes]),
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ShortcutWords(Result):
    """Words that decide far beyond their evidence: the model may have learned them as shortcuts.

    ``evidence`` is what the labels say of a word: its log-odds with a class, log((a + ½)/(b + ½)) − log((A − a + ½)/
    (B − b + ½)), where a of the A texts of the class and b of the B others have the word (Monroe et al. 2008,
    "Fightin' Words"; of labels only, no model). ``mean`` is what the model makes of it: the word's mean share of the
    explanation where it answers the class. Over all words, one explains the other by a line, fitted robustly (Huber
    1964); evidence counts up to ±4, odds of 55. ``expected`` is the share on that line, and ``z`` how far a word is
    above it, in units of the words' spread around the line (that of a normal distribution with 95 % of them as close)
    and of its standard errors. A word is listed as "beyond_evidence" where
    its p-value, times the number of words tried (Bonferroni), is below 0.01.

    A shortcut that is in the labels too is no contradiction to them. So words that give a class away, and that the
    rest of their texts does not back (see :func:`glassbert.data_report`), are listed as "gives_away" where the model
    leans on them: where ``mean`` is above that of 95 % of the words.

    ``followed`` is, of the ``others``, the texts with the word whose label is another class, how many are answered
    with the class all the same. A listed word is a reason to look, no proof: a word can be right where its labels are
    few or wrong.

    On made-up data of 3,000 rows, a word without meaning in 2 to 5 % of the texts was listed for each of 40 models
    that lean on it, and for none of 40 that do not; 4 other words were listed in all, each as "gives_away".
    """

    where: str
    method: str
    tried: int
    label_names: tuple[str, ...]
    words: tuple[str, ...]
    kinds: tuple[str, ...]
    classes: Array  # (word,)
    texts: Array  # (word,), answered with the class
    mean: Array  # (word,)
    expected: Array  # (word,)
    evidence: Array  # (word,)
    z: Array  # (word,)
    p_value: Array  # (word,), corrected
    followed: Array  # (word,)
    others: Array  # (word,)

    _arrays: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("classes", "texts", "followed", "others"), "int64"),
        **dict.fromkeys(("mean", "expected", "evidence", "z", "p_value"), "float64"),
    }

    def _about(self) -> str:
        shown = ", ".join(repr(clipped(word, 20)) for word in self.words[:3])
        return (
            f"by {self.method}{about_rows(self.where)}: {counted(len(self.words), 'word')} of {self.tried:,} tried"
            + (f": {shown}" if shown else "")
        )

    def frame(self) -> pd.DataFrame:
        """One row per word and class, the furthest beyond its evidence first."""
        return tidy(
            {
                "class": [self.label_names[one] for one in self.classes],
                "word": self.words,
                "kind": self.kinds,
                "mean_share": self.mean,
                "expected_share": self.expected,
                "log_odds": self.evidence,
                "z": self.z,
                "p_value": self.p_value,
                "texts": self.texts,
                "followed": self.followed,
                "other_labels": self.others,
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WeakSlices(Result):
    """Parts of a data set in which the model errs more than in the rest, the most certain first.

    Each is named by ``terms``, a filter: a band of length, a class, a word, a value or band of another column, or a
    pair of these, of at least 20 rows. ``value`` is its error rate with Wilson's 95 % interval (of a regression: the
    mean absolute error with its normal interval); ``overall`` is that of all ``rows`` that have a label. ``p_value`` is
    one-sided, that the part errs no more than the rest: Fisher's exact test (of a regression: Welch's t-test); for a
    pair, the largest of three, against the rest of either part and of all. ``corrected`` are p-values after Benjamini
    and Hochberg (1995) for all that were ``tried``: of the parts below 0.05, about 5 % are there by chance. All single
    parts are tried, and pairs of the 40 parts with the most errors beyond what is usual, 780 at most; a weakness that
    shows in neither part of a pair is not found.

    On made-up data of 3,000 rows, a value and a word of which together the model errs in half of the 200 rows were
    found as a pair in 40 of 40 data sets, first of the list in 31. Where answers are wrong at random, no part had a
    corrected p-value below 0.05, in 40 of 40.
    """

    where: str
    measure: str
    overall: float
    rows: int
    tried: int
    terms: tuple[str, ...]
    count: Array  # (slice,)
    value: Array  # (slice,)
    low: Array  # (slice,)
    high: Array  # (slice,)
    p_value: Array  # (slice,)
    corrected: Array  # (slice,)

    _arrays: ClassVar[Mapping[str, str]] = {
        "count": "int64",
        **dict.fromkeys(("value", "low", "high", "p_value", "corrected"), "float64"),
    }

    def _about(self) -> str:
        weak = int((self.corrected < 0.05).sum())
        return (
            f"of {counted(self.rows, 'row')}{about_rows(self.where)} → {counted(weak, 'weak slice')} of "
            f"{self.tried:,} tried, {self.measure} {self.overall:.3f} over all"
        )

    def frame(self) -> pd.DataFrame:
        """One row per slice, the most certain first."""
        return tidy(
            {
                "slice": self.terms,
                "rows": self.count,
                self.measure: self.value,
                "low": self.low,
                "high": self.high,
                "p_value": self.p_value,
                "corrected": self.corrected,
            }
        )
