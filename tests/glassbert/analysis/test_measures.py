"""Metrics, confusion and calibration against scikit-learn and a plain bootstrap; whether the intervals cover."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn import metrics as scikit

import glassbert as gb
from glassbert.analysis import intervals, measures
from glassbert.tuning.evaluation_metrics import of_confusions, of_scores


def plain_bootstrap(rows, of_rows, resamples=400):
    """Bounds of each metric by resampling rows, as it is written in books."""
    draw = np.random.default_rng(5)
    found = [of_rows(draw.integers(rows, size=rows)) for _ in range(resamples)]
    return {name: np.percentile([one[name] for one in found], (2.5, 97.5)) for name in found[0]}


def assert_alike(intervals, expected, metrics):
    """Bounds that differ by no more than the noise of resampling: a tenth of the width."""
    assert intervals.keys() == expected.keys() == metrics.keys()
    for name, (low, high) in intervals.items():
        assert low < metrics[name] < high or name == "ece", name  # a resample's error is larger
        assert (low, high) == pytest.approx(expected[name], abs=0.15 * (high - low)), name


def ece_of(sure, right):
    bins = np.minimum((sure * 15).astype(int), 14)
    return sum(abs((right - sure)[bins == one].sum()) for one in range(15)) / sure.size


def test_classes(reviews, table):
    chosen = table[table.label.notna() & (table.tokens < 10)]
    found = reviews.metrics("tokens<10")
    truth, answer = chosen.label.to_numpy(int), chosen.answer.to_numpy(int)
    sure, loss = chosen.confidence.to_numpy(float), chosen.loss.to_numpy(float)

    def of_rows(at):
        return {
            "accuracy": scikit.accuracy_score(truth[at], answer[at]),
            "macro_f1": scikit.f1_score(truth[at], answer[at], average="macro"),
            "weighted_f1": scikit.f1_score(truth[at], answer[at], average="weighted"),
            "mcc": scikit.matthews_corrcoef(truth[at], answer[at]),
            "ece": ece_of(sure[at], (truth == answer)[at]),
            "loss": loss[at].mean(),
        }

    def resampled(at):
        counts = np.bincount(truth[at] * 2 + answer[at], minlength=4).reshape(2, 2)
        return {**of_confusions(counts), "ece": ece_of(sure[at], (truth == answer)[at]), "loss": loss[at].mean()}

    assert (found.rows, found.labelled) == (len(chosen), len(chosen))
    assert dict(found.metrics) == pytest.approx(of_rows(np.arange(len(chosen))), rel=1e-6)
    assert_alike(found.intervals, plain_bootstrap(len(chosen), resampled), found.metrics)
    by_class = scikit.precision_recall_fscore_support(truth, answer)
    for values, expected in zip((found.precision, found.recall, found.f1, found.support), by_class, strict=True):
        np.testing.assert_allclose(values, expected)
    assert list(found.given) == list(np.bincount(answer))
    confusion = reviews.confusion("tokens<10")
    np.testing.assert_array_equal(confusion.counts, scikit.confusion_matrix(truth, answer))
    assert confusion.frame()["rows"].sum() == len(chosen)


def test_rows_without_labels_count_but_are_not_measured(reviews):
    assert (reviews.metrics().rows, reviews.metrics().labelled) == (2300, 2298)
    nothing = reviews.metrics("error")
    assert (nothing.rows, nothing.labelled, dict(nothing.metrics)) == (2, 0, {})
    assert len(nothing.frame()) == 0
    assert reviews.confusion("error").counts.sum() == reviews.calibration("error").count.sum() == 0


def test_only_right_answers_have_an_interval(reviews):
    found = reviews.metrics("right")
    wilson = binomtest(found.labelled, found.labelled).proportion_ci(method="wilson")
    assert found.intervals["accuracy"] == pytest.approx((wilson.low, 1))


def test_wilson_is_that_of_scipy():
    totals = np.array([0, 1, 7, 50, 1000])
    low, high = intervals.wilson(np.array([0, 1, 2, 0, 999]), totals)
    for place, (right, total) in enumerate([(1, 1), (2, 7), (0, 50), (999, 1000)], start=1):
        expected = binomtest(right, total).proportion_ci(method="wilson")
        assert (low[place], high[place]) == pytest.approx((expected.low, expected.high))
    assert (low[0], high[0]) == (0, 1)


def test_calibration(reviews, table):
    known = table[table.label.notna()]
    sure, right = known.confidence.to_numpy(float), known.right.to_numpy(bool)
    found = reviews.calibration()
    assert found.ece == pytest.approx(ece_of(sure, right))
    for place in np.flatnonzero(found.count):
        own = np.minimum((sure * 15).astype(int), 14) == place
        assert found.count[place] == own.sum()
        assert (found.accuracy[place], found.confidence[place]) == pytest.approx((right[own].mean(), sure[own].mean()))
        assert found.low[place] <= found.accuracy[place] <= found.high[place]
    assert found.frame()["count"].sum() == len(known)


def test_several_classes(topics):
    table = topics.rows(limit=1000)[0]
    names = list(topics.labels)
    truth, answer = (
        np.array([[name in one for name in names] for one in table[column]]) for column in ("labels", "answers")
    )
    chances = np.stack(pd.read_parquet(topics.folder / "predictions-00000.parquet").probabilities)
    sure, right = np.maximum(chances, 1 - chances), (chances > 0.5) == truth
    loss = table.loss.to_numpy(float)

    def of_rows(at):
        return {
            "micro_f1": scikit.f1_score(truth[at], answer[at], average="micro"),
            "macro_f1": scikit.f1_score(truth[at], answer[at], average="macro"),
            "subset_accuracy": scikit.accuracy_score(truth[at], answer[at]),
            "ece": ece_of(sure[at], right[at]),
            "loss": loss[at].mean(),
        }

    def resampled(at):
        hits, both = (truth & answer)[at].sum(axis=0), truth[at].sum(axis=0) + answer[at].sum(axis=0)
        return {
            "micro_f1": 2 * hits.sum() / both.sum(),
            "macro_f1": (2 * hits / both).mean(),
            "subset_accuracy": (truth == answer).all(axis=1)[at].mean(),
            "ece": ece_of(sure[at], right[at]),
            "loss": loss[at].mean(),
        }

    found = topics.metrics()
    assert dict(found.metrics) == pytest.approx(of_rows(np.arange(len(table))), rel=1e-5)
    assert_alike(found.intervals, plain_bootstrap(len(table), resampled), found.metrics)
    np.testing.assert_allclose(found.recall, scikit.recall_score(truth, answer, average=None))
    assert topics.calibration().ece == pytest.approx(found.metrics["ece"])
    with pytest.raises(gb.OptionError, match="precision and recall of each class"):
        topics.confusion()


def test_numbers(stars):
    table = stars.rows(limit=1000)[0]
    expected, predicted = table.expected.to_numpy(float), table.predicted.to_numpy(float)

    def of_rows(at):
        return of_scores(expected[at], predicted[at])

    found = stars.metrics()
    assert dict(found.metrics) == pytest.approx(of_rows(np.arange(len(table))))
    assert_alike(found.intervals, plain_bootstrap(len(table), of_rows, 200), found.metrics)
    for ask in (stars.confusion, stars.calibration):
        with pytest.raises(gb.OptionError, match="predicts a number"):
            ask()


def test_resamples_of_fewer_rows_are_as_wide(stars, monkeypatch):
    """What is drawn at 300 rows and scaled is as wide as what is drawn at 700."""
    whole = stars.metrics().intervals
    monkeypatch.setattr(measures, "_RESAMPLED_ROWS", 300)
    for name, (low, high) in stars.metrics().intervals.items():
        assert high - low == pytest.approx(whole[name][1] - whole[name][0], rel=0.25), name


def test_intervals_cover_what_they_estimate():
    """Of 400 simulated tables of 300 rows from a known truth, 95 % of the intervals hold it; by chance 91 to 98 %."""
    draw = np.random.default_rng(0)
    chances = np.array([0.42, 0.08, 0.1, 0.4])  # of (label, answer)
    truth = {name: float(value) for name, value in of_confusions(chances.reshape(2, 2) * 1e6).items()}
    sure, nats = 0.8, 0.7
    held = dict.fromkeys((*truth, "loss"), 0)
    for _ in range(400):
        counts = draw.multinomial(300, chances)
        losses = [draw.exponential(nats, size=count) for count in counts]
        right = np.array([1, 0, 0, 1])
        cells = {
            "label": np.array([0, 0, 1, 1]),
            "answer": np.array([0, 1, 0, 1]),
            "bin": np.full(4, 12),
            "count": counts,
            "confidence": counts * sure,
            "squares": counts * (right - sure) ** 2,
            "loss": np.array([one.sum() for one in losses]),
            "loss_squares": np.array([(one**2).sum() for one in losses]),
        }
        found = measures.classes_of(cells, 2, draw)["intervals"]
        for name in held:
            low, high = found[name]
            held[name] += low <= {**truth, "loss": nats}[name] <= high
    assert all(0.91 <= number / 400 <= 0.98 for number in held.values()), held
