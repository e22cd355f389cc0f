"""Rows that belong together or differ. ``where`` is the filter that chose them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from glassbert.analysis.measure_results import about_rows
from glassbert.pictures.markup import clipped
from glassbert.results import Array, Result, counted, tidy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ModelsCompared", "NearDuplicates", "StateMap"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NearDuplicates(Result):
    """Texts that stand in a data set twice, or nearly, in groups.

    Two texts are near duplicates if the cosine of their whitened states is at least ``threshold``, and if they share
    at least ``overlap`` of their words (of all words of both, the share that both have). States are the means over
    tokens of the model's last layer; whitened, they are written in 64 principal components (one for each 20 texts, if
    they are fewer) of variance 1. Texts that differ in case and blanks only are the same without any states. What
    pairs connect is one group, in the order of first rows.

    ``ids`` are places in the source, ``cosines`` those to the nearest text of the group (1: the same text), and
    ``labels`` the cells of the label as they stand. ``looked_at``: how many texts were compared.

    On made-up texts of 6 to 14 words, of which 5 % are copies with at most one word changed, with states that are means
    over words: recall 0.99, and 0.98 of the texts that were found had been copied.
    """

    where: str
    threshold: float
    overlap: float
    looked_at: int
    groups: Array  # (text,)
    ids: Array  # (text,)
    cosines: Array  # (text,)
    same_text: Array  # (text,), 1 if another text of the group is the same
    labels: tuple[str, ...]

    _arrays: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("groups", "ids", "same_text"), "int64"),
        "cosines": "float64",
    }

    @property
    def unlike_labels(self) -> tuple[int, ...]:
        """The groups whose texts have different labels: at least one of these is wrong."""
        found: dict[int, set[str]] = {}
        for group, label in zip(self.groups, self.labels, strict=True):
            if label:
                found.setdefault(int(group), set()).add(label)
        return tuple(group for group, labels in found.items() if len(labels) > 1)

    def _about(self) -> str:
        groups = len(set(self.groups.tolist()))
        return (
            f"of {counted(self.looked_at, 'text')}{about_rows(self.where)}: {counted(len(self.ids), 'text')} in "
            f"{counted(groups, 'group')}, {len(self.unlike_labels):,} with different labels"
        )

    def frame(self) -> pd.DataFrame:
        """One row per text that has a near duplicate."""
        unlike = set(self.unlike_labels)
        return tidy(
            {
                "group": self.groups,
                "id": self.ids,
                "cosine": self.cosines,
                "same_text": self.same_text.astype(bool),
                "label": self.labels,
                "labels_differ": [int(group) in unlike for group in self.groups],
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StateMap(Result):
    """Texts as points: the first two principal components of the model's last states, averaged over tokens.

    Of ``total`` texts that pass the filter, at most as many as were asked for, drawn by a seed. ``explained`` is the
    share of the variance along each of the two axes: what is near on the map need not be near in all of them.
    ``right`` is 1, 0, or −1 without a label; ``labels`` and ``answers`` are indices of ``class_names``, or −1.
    """

    where: str
    total: int
    class_names: tuple[str, ...]
    ids: Array  # (text,)
    x: Array  # (text,)
    y: Array  # (text,)
    labels: Array  # (text,)
    answers: Array  # (text,)
    right: Array  # (text,)
    explained: Array  # (2,)

    _arrays: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("ids", "labels", "answers", "right"), "int64"),
        **dict.fromkeys(("x", "y", "explained"), "float64"),
    }

    def _about(self) -> str:
        return (
            f"of {len(self.ids):,} of {counted(self.total, 'text')}{about_rows(self.where)}, "
            f"{self.explained.sum():.0%} of the variance"
        )

    def frame(self) -> pd.DataFrame:
        """One row per text."""
        names = (*self.class_names, None)  # −1 is the last
        return tidy(
            {
                "id": self.ids,
                "x": self.x,
                "y": self.y,
                "label": [names[one] for one in self.labels],
                "answer": [names[one] for one in self.answers],
                "right": [None if one < 0 else bool(one) for one in self.right],
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModelsCompared(Result):
    """Two models on the same rows: which answers differ, which model is better, and whether the reasons changed.

    ``both_right``, ``only_first``, ``only_second`` and ``neither`` count the ``labelled`` rows by which model is right;
    ``p_value`` is McNemar's (1947), exact: that rows on which only one is right favour neither. ``difference`` is the
    accuracy of the second model less that of the first, with a 95 % bootstrap interval over rows. Of regressions,
    "right" has no meaning: ``difference`` is that of the mean absolute errors, and ``p_value`` that of a paired t-test.

    ``flipped`` are the ids of rows with another answer (of a regression: none), with the answers of both. The reasons
    of a row are the shares of its words; ``correlations`` are Spearman's, for the ``ids`` whose answer and words are
    the same for both models, the lowest first; ``mean_correlation`` is their mean with its 95 % interval.
    """

    where: str
    models: tuple[str, str]
    method: str
    rows: int
    labelled: int
    both_right: int
    only_first: int
    only_second: int
    neither: int
    measure: str
    first: float | None
    second: float | None
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    flipped: Array  # (row,), ids
    first_answers: tuple[str, ...]  # (row,) that flipped
    second_answers: tuple[str, ...]
    right: Array  # (row,) that flipped: 1 the first model, 2 the second, 0 neither or no label
    ids: Array  # (row,) with comparable reasons
    correlations: Array  # (row,)
    mean_correlation: float | None
    correlation_low: float | None
    correlation_high: float | None

    _arrays: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("flipped", "right", "ids"), "int64"),
        "correlations": "float64",
    }

    def _about(self) -> str:
        change = "" if self.difference is None else f", {self.measure} {self.difference:+.4f}"
        return (
            f"of {counted(self.rows, 'row')}{about_rows(self.where)}: {len(self.flipped):,} flipped{change}, "
            f"{clipped(self.models[0], 30)!r} and {clipped(self.models[1], 30)!r}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per row that flipped: the answers of both models, and which of them is right."""
        return tidy(
            {
                "id": self.flipped,
                "first": self.first_answers,
                "second": self.second_answers,
                "right": [("neither", "first", "second")[one] for one in self.right],
            }
        )

    def reasons_frame(self) -> pd.DataFrame:
        """One row per row whose words and answer are the same, those whose reasons changed most first."""
        return tidy({"id": self.ids, "correlation": self.correlations})
