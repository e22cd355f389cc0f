"""How good a model is on the rows that a filter chose, ``where``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from glassbert.pictures.markup import clipped
from glassbert.results import Array, Result, counted, read_only, tidy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CalibrationCurve", "ClassConfusion", "ReceiptShares", "RowMetrics", "about_rows"]


def about_rows(where: str) -> str:
    """The end of a line: ``" where wrong"``, or nothing for all rows."""
    return f" where {clipped(where, 60)}" if where.strip() else ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RowMetrics(Result):
    """Metrics over the rows that a filter chose, each with its 95 % interval; none where no row has a label.

    The metrics are those of :class:`glassbert.Evaluation` for the same kind of model, computed from the stored
    predictions. ``intervals`` are percentile bootstraps over rows (Efron 1979), drawn as counts: a sample of rows with
    repetition is a multinomial draw of the cells of the confusion matrix. "ece" and "loss" are means over rows, whose
    resamples are drawn from their normal limit; of regressions, resamples of more than 2,000 rows are drawn at that
    size and their spread scaled by the root of the ratio (Bickel et al. 1997). A share that is 0 or 1 has Wilson's
    interval (1927).

    ``rows`` pass the filter, ``labelled`` of them have a label and an answer: these are measured. Of classes,
    ``precision``, ``recall``, ``f1``, ``support`` (times that a class is the label) and ``given`` (the answer).
    """

    where: str
    source: str
    model: str
    kind: str
    rows: int
    labelled: int
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    label_names: tuple[str, ...]
    precision: Array  # (class,)
    recall: Array  # (class,)
    f1: Array  # (class,)
    support: Array  # (class,)
    given: Array  # (class,)

    _arrays: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("precision", "recall", "f1"), "float64"),
        **dict.fromkeys(("support", "given"), "int64"),
    }

    def _about(self) -> str:
        told = ", ".join(f"{name} {value:.3f}" for name, value in list(self.metrics.items())[:4])
        return (
            f"of {clipped(self.source, 40)!r}{about_rows(self.where)} → {told or 'no labels'}: "
            f"{counted(self.rows, 'row')}, {self.labelled:,} labelled"
        )

    def frame(self) -> pd.DataFrame:
        """One row per metric, with its 95 % interval."""
        bounds = [self.intervals[name] for name in self.metrics]
        return tidy(
            {
                "metric": list(self.metrics),
                "value": list(self.metrics.values()),
                "low": [low for low, _ in bounds],
                "high": [high for _, high in bounds],
            }
        )

    def class_frame(self) -> pd.DataFrame:
        """One row per class: precision, recall, F1, how often it is the label, and how often the answer."""
        classes = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        counts = {"support": self.support, "given": self.given}
        return tidy({"class": self.label_names if len(self.precision) else (), **classes, **counts})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClassConfusion(Result):
    """How often each class is answered for each label, over the rows that a filter chose."""

    where: str
    label_names: tuple[str, ...]
    counts: Array  # (class, class): rows are labels, columns answers

    _arrays: ClassVar[Mapping[str, str]] = {"counts": "int64"}

    def __post_init__(self) -> None:
        Result.__post_init__(self)
        if self.counts.ndim != 2:  # JSON has no shape for an array without rows
            object.__setattr__(self, "counts", read_only(self.counts.reshape(0, 0), "int64"))

    def _about(self) -> str:
        total, right = int(self.counts.sum()), int(np.trace(self.counts))
        return f"of {len(self.counts):,} classes{about_rows(self.where)}: {right:,} of {counted(total, 'row')} right"

    def frame(self) -> pd.DataFrame:
        """One row per pair of label and answer."""
        labels, answers = np.indices(self.counts.shape)
        names = np.asarray(self.label_names, dtype=object)
        return tidy(
            {
                "label": names[labels.ravel()] if len(names) else [],
                "answer": names[answers.ravel()] if len(names) else [],
                "rows": self.counts.ravel(),
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CalibrationCurve(Result):
    """Confidence against accuracy in 15 bins of equal width (Guo et al. 2017), over the rows that a filter chose.

    ``confidence`` and ``accuracy`` are means over a bin's rows, 0 where it has none; ``low`` and ``high`` bound the
    accuracy by Wilson's 95 % interval. ``ece`` is the mean of |accuracy − confidence| over rows. With several classes a
    text, each decision about a class counts, with the probability of what was decided.
    """

    where: str
    ece: float
    confidence: Array  # (bin,)
    accuracy: Array  # (bin,)
    low: Array  # (bin,)
    high: Array  # (bin,)
    count: Array  # (bin,)

    _arrays: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("confidence", "accuracy", "low", "high"), "float64"),
        "count": "int64",
    }

    def _about(self) -> str:
        decisions = counted(int(self.count.sum()), "decision")
        return f"of {decisions}{about_rows(self.where)} → expected calibration error {self.ece:.4f}"

    def frame(self) -> pd.DataFrame:
        """One row per bin that has rows."""
        edges = np.linspace(0, 1, len(self.count) + 1)
        table = tidy(
            {
                "from": edges[:-1],
                "to": edges[1:],
                "confidence": self.confidence,
                "accuracy": self.accuracy,
                "low": self.low,
                "high": self.high,
                "count": self.count,
            }
        )
        return table[table["count"] > 0].reset_index(drop=True)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ReceiptShares(Result):
    """How many of the explanations that were checked hold, by method, check and part of the data.

    ``holds`` of the ``checked`` explanations to which the check applies got the verdict "holds", ``fails`` got
    "fails", the others "doubtful"; ``low`` and ``high`` bound the share that holds by Wilson's 95 % interval. The
    checked texts were drawn at random from the whole data set. ``parts``: what ``by`` divides the data into.
    """

    where: str
    by: str
    methods: tuple[str, ...]
    checks: tuple[str, ...]
    parts: tuple[str, ...]
    checked: Array  # (line,)
    holds: Array  # (line,)
    fails: Array  # (line,)
    low: Array  # (line,)
    high: Array  # (line,)

    _arrays: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("checked", "holds", "fails"), "int64"),
        **dict.fromkeys(("low", "high"), "float64"),
    }

    def _about(self) -> str:
        return f"by {self.by}{about_rows(self.where)}: {int(self.holds.sum()):,} of {int(self.checked.sum()):,} hold"

    def frame(self) -> pd.DataFrame:
        """One row per method, check and part."""
        return tidy(
            {
                "method": self.methods,
                "check": self.checks,
                self.by if self.by != "method" else "rows": self.parts,
                "checked": self.checked,
                "holds": self.holds,
                "fails": self.fails,
                "share": self.holds / np.maximum(1, self.checked),
                "low": self.low,
                "high": self.high,
            }
        )
