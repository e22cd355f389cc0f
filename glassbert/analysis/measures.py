"""Metrics, confusion and calibration of the rows that a filter chose, from counts that one query makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from glassbert.analysis.filters import Filter
from glassbert.analysis.folder import Manifest
from glassbert.analysis.intervals import PERCENT, Bins, add_means, drawn, intervals_of, wilson, wilson_at_the_ends
from glassbert.analysis.measure_results import CalibrationCurve, ClassConfusion, RowMetrics
from glassbert.analysis.queries import Store
from glassbert.errors import OptionError
from glassbert.results import Array
from glassbert.tuning.evaluation_metrics import BINS, of_confusions, of_scores

__all__ = ["calibration_of", "classes_of", "confusion_of", "count_of", "metrics_of"]

#: Rows of a resample of a regression, and how many.
_RESAMPLED_ROWS, _RESAMPLES = 2000, 300


def count_of(store: Store, manifest: Manifest, chosen: Filter) -> int:
    """How many rows pass."""
    if manifest.kind == "classification":
        return int(_cells(store, chosen)["count"].sum())
    found = store.kept_arrays(f"SELECT count(*) AS count FROM predictions WHERE {chosen.sql}", chosen.parameters)
    return int(found["count"][0])


def metrics_of(store: Store, manifest: Manifest, where: str, chosen: Filter, seed: int) -> RowMetrics:
    """See :class:`glassbert.analysis.measure_results.RowMetrics`."""
    measure = {"classification": _classes, "multi_label": _several, "regression": _numbers}[manifest.kind]
    rows = count_of(store, manifest, chosen)
    empty = np.zeros(0)
    found: dict[str, Any] = {
        **dict.fromkeys(("precision", "recall", "f1", "support", "given"), empty),
        "metrics": {},
        "intervals": {},
        "labelled": 0,
        **measure(store, manifest, chosen, np.random.default_rng(seed)),
    }
    return RowMetrics(
        where=where,
        source=str(manifest.table["source"]),
        model=str(manifest.model["name"]),
        kind=manifest.kind,
        rows=rows,
        label_names=manifest.labels if manifest.kind != "regression" else (),
        **found,
    )


def confusion_of(store: Store, manifest: Manifest, where: str, chosen: Filter) -> ClassConfusion:
    """See :class:`glassbert.analysis.measure_results.ClassConfusion`."""
    if manifest.kind != "classification":
        several = manifest.kind == "multi_label"
        raise OptionError(
            "this model decides about each class by itself, so there is no confusion matrix; metrics() has precision "
            "and recall of each class"
            if several
            else "this model predicts a number, so there is no confusion matrix"
        )
    counts = np.zeros((len(manifest.labels),) * 2, dtype=np.int64)
    cells = _measured(store, chosen)
    np.add.at(counts, (cells["label"], cells["answer"]), cells["count"])
    return ClassConfusion(where=where, label_names=manifest.labels, counts=counts)


def calibration_of(store: Store, manifest: Manifest, where: str, chosen: Filter) -> CalibrationCurve:
    """See :class:`glassbert.analysis.measure_results.CalibrationCurve`."""
    if manifest.kind == "regression":
        raise OptionError("this model predicts a number and no probability, so there is no calibration")
    if manifest.kind == "multi_label":
        bins = _decisions(*_matrices(store, manifest, chosen)[:2])
    else:
        bins = _bins(_measured(store, chosen))
    count = np.maximum(bins.count, 1)
    low, high = wilson(bins.right, bins.count)
    return CalibrationCurve(
        where=where,
        ece=bins.ece,
        confidence=bins.confidence / count,
        accuracy=bins.right / count,
        low=low,
        high=high,
        count=bins.count,
    )


# --- one class a text ------------------------------------------------------------------------------------------------


def _cells(store: Store, chosen: Filter) -> Mapping[str, Array]:
    """Counts and sums for each label, answer and bin of the confidence that occur together; −1: there is none."""
    return store.kept_arrays(
        f"""
        SELECT coalesce(label, -1) AS label, coalesce(answer, -1) AS answer,
               coalesce(least(floor(sure * {BINS}), {BINS - 1}), -1)::INTEGER AS bin, count(*) AS count,
               coalesce(sum(sure), 0) AS confidence,
               coalesce(sum((("right")::INTEGER - sure) ** 2), 0) AS squares,
               coalesce(sum(nats), 0) AS loss, coalesce(sum(nats ** 2), 0) AS loss_squares
        FROM (SELECT label, answer, "right", confidence::DOUBLE AS sure, loss::DOUBLE AS nats
              FROM predictions WHERE {chosen.sql})
        GROUP BY ALL ORDER BY ALL
        """,
        chosen.parameters,
    )


def _measured(store: Store, chosen: Filter) -> Mapping[str, Array]:
    """Those of rows with a label and an answer."""
    cells = _cells(store, chosen)
    known = (cells["label"] >= 0) & (cells["answer"] >= 0)
    return {name: values[known] for name, values in cells.items()}


def _bins(cells: Mapping[str, Array]) -> Bins:
    def by_bin(values: Array) -> Array:
        return np.bincount(cells["bin"], weights=values, minlength=BINS)

    count, confidence = by_bin(cells["count"]), by_bin(cells["confidence"])
    right = by_bin(cells["count"] * (cells["label"] == cells["answer"]))
    rows = int(count.sum())
    means = (right - confidence) / max(1, rows)
    covariance = np.diag(by_bin(cells["squares"]) / max(1, rows)) - np.outer(means, means)
    return Bins(count.astype(np.int64), right, confidence, covariance, rows)


def _classes(store: Store, manifest: Manifest, chosen: Filter, draw: np.random.Generator) -> dict[str, Any]:
    return classes_of(_measured(store, chosen), len(manifest.labels), draw)


def classes_of(cells: Mapping[str, Array], classes: int, draw: np.random.Generator) -> dict[str, Any]:
    """The fields of :class:`RowMetrics` from such counts."""
    rows = int(cells["count"].sum())
    if not rows:
        return {}
    places = cells["label"].astype(np.int64) * classes + cells["answer"]
    flat = np.bincount(places, weights=cells["count"], minlength=classes**2).astype(np.int64)
    confusion = flat.reshape(classes, classes)
    used = np.flatnonzero(flat)

    def of_draws(draws: Array) -> dict[str, Array]:
        counts = np.zeros((len(draws), classes**2))
        counts[:, used] = draws
        return of_confusions(counts.reshape(-1, classes, classes))

    metrics = {name: float(value) for name, value in of_confusions(confusion).items()}
    intervals = intervals_of(drawn(draw, flat[used], classes**2, of_draws))
    wilson_at_the_ends(metrics, intervals, ("accuracy",), rows)
    right, support, given = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    add_means(metrics, intervals, _bins(cells), cells["loss"].sum(), cells["loss_squares"].sum(), draw)
    return {
        "labelled": rows,
        "metrics": metrics,
        "intervals": intervals,
        **_by_class(right, support, given),
    }


def _by_class(right: Array, support: Array, given: Array) -> dict[str, Array]:
    return {
        "precision": right / np.maximum(given, 1),
        "recall": right / np.maximum(support, 1),
        "f1": 2 * right / np.maximum(given + support, 1),
        "support": support,
        "given": given,
    }


# --- several classes a text -------------------------------------------------------------------------------------------


def _matrices(store: Store, manifest: Manifest, chosen: Filter) -> tuple[Array, Array, Array, Array]:
    """(row, class) probabilities and truths as booleans, (row, class) answers, (row,) losses."""
    table = store.arrow(
        "SELECT probabilities, labels, answers, loss FROM predictions WHERE "
        + (chosen & "labels IS NOT NULL AND answers IS NOT NULL AND probabilities IS NOT NULL").sql,
        chosen.parameters,
    )
    classes = len(manifest.labels)

    def flags(name: str) -> Array:
        column = table[name].combine_chunks()
        sizes = np.asarray(column.value_lengths())
        found = np.zeros((len(column), classes), dtype=bool)
        found[np.repeat(np.arange(len(column)), sizes), np.asarray(column.flatten())] = True
        return found

    probabilities = np.asarray(table["probabilities"].combine_chunks().flatten()).reshape(-1, classes)
    return probabilities, flags("labels"), flags("answers"), table["loss"].to_numpy().astype(np.float64)


def _decisions(probabilities: Array, truths: Array) -> Bins:
    """As for one class a text; the decisions about the classes of a text belong together."""
    sure = np.maximum(probabilities, 1 - probabilities).astype(np.float64)
    right = (probabilities > 0.5) == truths
    places = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    rows, classes = sure.shape
    own = np.repeat(np.arange(rows) * BINS, classes) + places.ravel()
    gaps = np.bincount(own, weights=(right - sure).ravel(), minlength=rows * BINS).reshape(rows, BINS)
    means = gaps.sum(axis=0) / max(1, rows)
    covariance = gaps.T @ gaps / max(1, rows) - np.outer(means, means)
    flat = places.ravel()
    return Bins(
        np.bincount(flat, minlength=BINS),
        np.bincount(flat, weights=right.ravel(), minlength=BINS),
        np.bincount(flat, weights=sure.ravel(), minlength=BINS),
        covariance,
        rows,
    )


def _several(store: Store, manifest: Manifest, chosen: Filter, draw: np.random.Generator) -> dict[str, Any]:
    probabilities, truths, answers, losses = _matrices(store, manifest, chosen)
    rows, classes = truths.shape
    if not rows:
        return {}
    patterns, counts = np.unique(np.packbits(np.hstack([truths, answers]), axis=1), axis=0, return_counts=True)
    both = np.unpackbits(patterns, axis=1, count=2 * classes).astype(np.float64)
    truth, answer = both[:, :classes], both[:, classes:]
    hits, summed, whole = truth * answer, truth + answer, (truth == answer).all(axis=1)

    def of_draws(draws: Array) -> dict[str, Array]:
        weights = draws.astype(np.float64)
        right, total = weights @ hits, weights @ summed
        f1 = 2 * right / np.maximum(total, 1)
        return {
            "micro_f1": 2 * right.sum(axis=1) / np.maximum(1, total.sum(axis=1)),
            "macro_f1": f1.sum(axis=1) / np.maximum(1, (total > 0).sum(axis=1)),
            "subset_accuracy": weights @ whole / rows,
        }

    metrics = {name: float(value[0]) for name, value in of_draws(counts[None]).items()}
    intervals = intervals_of(drawn(draw, counts, 2 * classes, of_draws))
    wilson_at_the_ends(metrics, intervals, ("subset_accuracy",), rows)
    add_means(metrics, intervals, _decisions(probabilities, truths), losses.sum(), (losses**2).sum(), draw)
    right, support, given = counts @ hits, counts @ truth, counts @ answer
    return {
        "labelled": rows,
        "metrics": metrics,
        "intervals": intervals,
        **_by_class(right, support.astype(np.int64), given.astype(np.int64)),
    }


# --- numbers ----------------------------------------------------------------------------------------------------------


def _numbers(store: Store, _: Manifest, chosen: Filter, draw: np.random.Generator) -> dict[str, Any]:
    columns = store.arrays(
        "SELECT expected::DOUBLE AS expected, predicted::DOUBLE AS predicted FROM predictions WHERE "
        + (chosen & "expected IS NOT NULL AND predicted IS NOT NULL").sql,
        chosen.parameters,
    )
    expected, predicted = columns["expected"], columns["predicted"]
    rows = len(expected)
    if not rows:
        return {}
    metrics = of_scores(expected, predicted)
    size = min(rows, _RESAMPLED_ROWS)
    narrower = np.sqrt(size / rows)
    resampled = []
    for _number in range(_RESAMPLES):
        at = draw.integers(rows, size=size)
        resampled.append(of_scores(expected[at], predicted[at]))
    intervals = {}
    for name, value in metrics.items():
        low, high = np.percentile([one[name] for one in resampled], PERCENT)
        intervals[name] = (value + narrower * float(low - value), value + narrower * float(high - value))
    return {"labelled": rows, "metrics": metrics, "intervals": intervals}
