"""Labelled texts: what is found in a table, and how good a model is on one."""

from __future__ import annotations

import numpy as np

from glassbert.figures._figure import Figure, Sheet
from glassbert.figures._words import left_out, shown_label
from glassbert.pictures.bar_drawings import share_rows
from glassbert.pictures.drawing import Drawing, stacked, titled
from glassbert.pictures.grid_drawings import grid_drawing
from glassbert.pictures.line_drawings import line_drawing
from glassbert.pictures.palette import Theme
from glassbert.pictures.table_drawings import table_drawing
from glassbert.tables import DataReport
from glassbert.tuning.evaluation_results import Evaluation

_NUMBERED = 12
_METRICS = {
    "macro_f1": "F1, mean over classes",
    "weighted_f1": "F1, weighted by class",
    "micro_f1": "F1, all decisions",
    "subset_accuracy": "All labels of a text right",
    "mcc": "Matthews correlation",
    "ece": "Expected calibration error",
    "mae": "Mean absolute error",
    "rmse": "Root mean square error",
    "pearson": "Pearson correlation",
    "spearman": "Spearman correlation",
    "r2": "R²",
    "span_f1": "F1 of spans",
    "token_f1": "F1 of words",
}


def _report(result: DataReport, on: Theme, *, top_k: int = 20) -> Sheet:
    """``top_k`` is the number of classes shown, the largest first."""
    findings = [
        [severity.capitalize(), sentence, f"{len(rows):,}" if rows else ""]
        for severity, sentence, rows in result.findings
    ]
    parts = [table_drawing(["", "Finding", "Rows"], findings, on=on, right=[2])] if findings else []
    order = np.argsort(-result.class_counts, kind="stable")[:top_k]
    if len(order):
        total = max(1, int(result.class_counts.sum()))
        classes = share_rows(
            [shown_label(result.label_names[place]) for place in order],
            [int(result.class_counts[place]) / total for place in order],
            on=on,
            notes=[f"({int(result.class_counts[place]):,})" for place in order],
        )
        parts.append(titled(classes, "Classes by size", on))
    notes = [
        f"{result.source}: {result.rows:,} rows.",
        "" if findings else "Nothing was found that needs attention.",
        left_out(len(order), len(result.class_counts), "classes"),
    ]
    return Sheet("Report on labelled texts", stacked(parts, gap=20), notes=notes)


def _evaluation(result: Evaluation, on: Theme, *, top_k: int = 20) -> Sheet:
    """``top_k`` is the number of classes in the confusion matrix, those with the most mistakes, in their own order."""
    rows = [
        [
            _METRICS.get(name, name.replace("_", " ").capitalize()),
            f"{value:.3f}",
            "{:.3f} to {:.3f}".format(*result.intervals[name]),
        ]
        for name, value in result.metrics.items()
    ]
    parts = [table_drawing(["Metric", "Value", "95% interval"], rows, on=on, right=[1, 2])]
    notes = [f"On {result.source}: {len(result.rows):,} rows; intervals by bootstrap over rows."]
    if len(result.confusion):
        parts.append(titled(_confusion(result, on, top_k), "Labels (rows) and answers (columns)", on))
        if top_k < len(result.confusion):
            notes.append(f"The {top_k} of {len(result.confusion):,} classes with the most mistakes.")
    if (result.calibration_count > 0).sum() > 1:
        parts.append(titled(_calibration(result, on), "Accuracy by the probability of the answer", on))
    return Sheet("Evaluation", stacked(parts, gap=20), notes=notes)


def _confusion(result: Evaluation, on: Theme, most: int) -> Drawing:
    """Shares of each row; the numbers are written if they fit."""
    mistakes = result.confusion.sum(axis=0) + result.confusion.sum(axis=1) - 2 * np.diag(result.confusion)
    chosen = np.sort(np.argsort(-mistakes, kind="stable")[:most])
    counts = result.confusion[np.ix_(chosen, chosen)]
    names = [shown_label(result.label_names[place]) for place in chosen]
    numbers = [[f"{count:,}" for count in row] for row in counts.tolist()]
    return grid_drawing(
        counts / np.maximum(result.confusion.sum(axis=1)[chosen, None], 1),
        names,
        names,
        on=on,
        most=1.0,
        texts=numbers if len(chosen) <= _NUMBERED else None,
        told=[
            [f"{name} answered as {other}: {count}" for other, count in zip(names, row, strict=True)]
            for name, row in zip(names, numbers, strict=True)
        ],
        legend="Share of the texts with a label",
    )


def _calibration(result: Evaluation, on: Theme) -> Drawing:
    filled = result.calibration_count > 0
    places = result.calibration_confidence[filled].tolist()
    return line_drawing(
        {"accuracy": result.calibration_accuracy[filled].tolist(), "if perfectly calibrated": places},
        on=on,
        places=places,
        place_names=[f"{place:.0%}" for place in places],
        limits=(0.0, 1.0),
        across="mean probability of the answers in a bin",
        up="share that is right",
    )


FIGURES = (Figure(DataReport, _report), Figure(Evaluation, _evaluation))
