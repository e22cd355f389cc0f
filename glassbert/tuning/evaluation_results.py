"""How good a model is on a table of labelled texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from glassbert.pictures.markup import clipped, element
from glassbert.pictures.tables import table_html
from glassbert.results import Array, Result, counted, read_only, tidy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Evaluation"]

#: The measure that stands for the whole, by kind of table.
_HEADLINE = {
    "classification": "accuracy",
    "multi_label": "micro_f1",
    "regression": "pearson",
    "tokens": "span_f1",
    "spans": "token_f1",
    "texts": "masked_accuracy",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evaluation(Result):
    """Metrics of a model on a table, each with its 95 % interval, and what they were made from.

    ``metrics`` of classes: "accuracy", "macro_f1" and "weighted_f1" (over the classes that occur as a label or as an
    answer), "mcc" (Matthews 1975), "ece" (the expected calibration error, Guo et al. 2017) and "loss", the mean
    cross-entropy in nats. Of several classes a text: "micro_f1", "macro_f1", "subset_accuracy" (all right), "ece" over
    single decisions, and "loss". Of a regression: "mae", "rmse", "pearson", "spearman", "r2". Of token labels:
    "span_f1", "span_precision", "span_recall" (Tjong Kim Sang and De Meulder 2003), "accuracy" and "loss" by word. Of
    answers: "exact_match" and "token_f1" (Rajpurkar et al. 2016). Of masked words: "masked_accuracy", "loss" in nats
    and "perplexity". A correlation that is not defined, since all numbers are equal, is 0.

    ``intervals`` are percentile bootstraps over rows. A ``row`` is the row of the table's source. A ``unit`` is what
    has one answer: a row, or a word with token labels, whose row is in ``unit_rows``. ``confidences`` are the
    probabilities of the answers; ``calibration_*`` are means over 15 bins of them of equal width, 0 where a bin is
    empty. ``losses`` say how wrong each row is: its cross-entropy, absolute error, or 1 − F1 of its answer.
    ``truncated`` counts texts that are longer than the model reads.
    """

    kind: str
    source: str
    label_names: tuple[str, ...]
    rows: Array  # (row,)
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    losses: Array  # (row,)
    precision: Array  # (class,)
    recall: Array  # (class,)
    f1: Array  # (class,)
    support: Array  # (class,)
    confusion: Array  # (class, class): rows are labels, columns answers
    truths: Array  # (unit,); (row, class) of 0 and 1 with several classes a text
    answers: Array  # as truths
    confidences: Array  # (unit,), as truths with several classes a text: their probabilities
    unit_rows: Array  # (unit,)
    calibration_confidence: Array  # (bin,)
    calibration_accuracy: Array  # (bin,)
    calibration_count: Array  # (bin,)
    expected: Array  # (row,), the labels of a regression
    predicted: Array  # (row,), the scores of a regression
    answer_texts: tuple[str, ...] = ()  # (row,), of questions
    truncated: int = 0

    _arrays: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(
            ("rows", "support", "confusion", "truths", "answers", "unit_rows", "calibration_count"), "int64"
        ),
        **dict.fromkeys(
            (
                *("losses", "precision", "recall", "f1", "confidences", "expected", "predicted"),
                *("calibration_confidence", "calibration_accuracy"),
            ),
            "float64",
        ),
    }

    def __post_init__(self) -> None:
        Result.__post_init__(self)
        if self.confusion.ndim != 2:  # JSON has no shape for an array without rows
            object.__setattr__(self, "confusion", read_only(self.confusion.reshape(0, 0), "int64"))

    @property
    def headline(self) -> str:
        """The metric that stands for the whole: accuracy of classes, F1 of spans, the correlation of a regression."""
        return _HEADLINE[self.kind]

    def wrong(self, most: int = 20) -> list[int]:
        """Indices of rows, the worst first: of classes, wrong answers only, most confident first; else by loss."""
        if self.kind == "classification":
            missed = np.flatnonzero(self.answers != self.truths)
            order = missed[np.argsort(-self.confidences[missed], kind="stable")]
        else:
            order = np.argsort(-self.losses, kind="stable")
            order = order[self.losses[order] > 0]
        return [int(index) for index in order[:most]]

    def _about(self) -> str:
        low, high = self.intervals[self.headline]
        others = ", ".join(
            f"{name} {value:.3f}" for name, value in list(self.metrics.items())[:4] if name != self.headline
        )
        return (
            f"on {clipped(self.source, 40)!r} → {self.headline} {self.metrics[self.headline]:.3f} "
            f"({low:.3f} to {high:.3f}): {counted(len(self.rows), 'row')}, {others}"
        )

    def _picture(self) -> str:
        metrics = [
            (name, round(value, 4), round(self.intervals[name][0], 4), round(self.intervals[name][1], 4))
            for name, value in self.metrics.items()
        ]
        parts = [table_html(["metric", "value", "from", "to"], metrics)]
        if len(self.precision):
            rows = list(self.class_frame().head(20).round(4).itertuples(index=False, name=None))
            left_out = f"20 of {len(self.precision)} classes" if len(self.precision) > 20 else ""
            parts.append(table_html(["class", "precision", "recall", "f1", "texts"], rows, left_out=left_out))
        return element("div", *parts)

    def frame(self) -> pd.DataFrame:
        """One row per metric, with its 95 % interval."""
        low, high = zip(*(self.intervals[name] for name in self.metrics), strict=True)
        return tidy({"metric": list(self.metrics), "value": list(self.metrics.values()), "low": low, "high": high})

    def class_frame(self) -> pd.DataFrame:
        """One row per class: precision, recall, F1, and how often it is the label."""
        classes = {"precision": self.precision, "recall": self.recall, "f1": self.f1, "support": self.support}
        return tidy({"class": self.label_names if len(self.precision) else (), **classes})
