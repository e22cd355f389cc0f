"""From the outputs of a model to its metrics. No model is needed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassbert.errors import OptionError
from glassbert.results import Array
from glassbert.tables import Table
from glassbert.text.entity_labels import OUTSIDE, grouped, type_of
from glassbert.tuning.evaluation_answers import exact_match, token_f1
from glassbert.tuning.evaluation_results import Evaluation

__all__ = ["BINS", "evaluation_of", "of_confusions", "of_scores", "spans_of"]

BINS = 15
#: Resamples of the bootstrap: fewer for tables so large that intervals are narrow anyway.
_MOST_RESAMPLES, _FEWEST_RESAMPLES, _RESAMPLED_ROWS = 1000, 200, 20_000_000
_PERCENT = (2.5, 97.5)
#: Metrics that are a share of rows.
_SHARES = {"accuracy", "subset_accuracy", "exact_match"}

Metrics = dict[str, float]


@dataclass(frozen=True, slots=True)
class _Measured:
    """The metrics of all rows, the same of a sample of rows (with repetition), and other fields of the result."""

    metrics: Metrics
    of_sample: Callable[[Array], Metrics]
    fields: Mapping[str, Any] = field(default_factory=dict)


def evaluation_of(
    table: Table, outputs: Any, label_names: Sequence[str], *, seed: int = 0, truncated: int = 0
) -> Evaluation:
    """Compare the outputs of a model for each row with the labels of a table.

    ``label_names`` are the model's, in the order of its logits; the table's are looked up among them. ``outputs``:

    | kind | outputs |
    | --- | --- |
    | classification, multi_label | logits (row, label) |
    | regression | scores (row,) |
    | tokens | for each row, logits (word, label) |
    | spans | for each row, the answer, "" for none, and its probability |
    | texts | (row, 3): the sum of the losses of masked tokens in nats, how many are right, how many there are |

    Raises OptionError if the two do not fit each other.
    """
    if len(outputs) != len(table):
        raise OptionError(f"{len(outputs):,} outputs for a table of {len(table):,} rows")
    measure = {
        "classification": _classes,
        "multi_label": _several_classes,
        "regression": _scores,
        "tokens": _words,
        "spans": _answers,
        "texts": _masked_words,
    }[table.kind]
    measured = measure(table, outputs, tuple(label_names))
    empty = np.zeros(0)
    fields: dict[str, Any] = {
        **dict.fromkeys(("losses", "precision", "recall", "f1", "support", "truths", "answers", "confidences"), empty),
        **dict.fromkeys(("unit_rows", "expected", "predicted"), empty),
        **dict.fromkeys(("calibration_confidence", "calibration_accuracy", "calibration_count"), empty),
        "confusion": np.zeros((0, 0)),
        "label_names": tuple(label_names) if table.label_names else (),
        **measured.fields,
    }
    return Evaluation(
        kind=table.kind,
        source=table.source,
        rows=np.asarray(table.rows),
        metrics=measured.metrics,
        intervals=_intervals(measured, len(table), seed),
        truncated=truncated,
        **fields,
    )


def _intervals(measured: _Measured, rows: int, seed: int) -> dict[str, tuple[float, float]]:
    """Percentile bootstrap over rows (Efron 1979).

    A share of rows that is 0 or 1 has Wilson's interval (1927): no resampling of them finds another.
    """
    draw = np.random.default_rng(seed)
    count = int(np.clip(_RESAMPLED_ROWS // rows, _FEWEST_RESAMPLES, _MOST_RESAMPLES))
    found = [measured.of_sample(draw.integers(rows, size=rows)) for _ in range(count)]
    intervals = {
        name: (float(low), float(high))
        for name in measured.metrics
        for low, high in [np.percentile([one[name] for one in found], _PERCENT)]
    }
    from scipy.stats import binomtest

    for name in _SHARES & intervals.keys():
        if measured.metrics[name] in (0, 1):
            right = binomtest(round(measured.metrics[name] * rows), rows).proportion_ci(method="wilson")
            intervals[name] = (float(right.low), float(right.high))
    return intervals


def _renumbered(table: Table, label_names: tuple[str, ...]) -> dict[int, int]:
    """The number of a label in the table → in the model."""
    lacking = [name for name in table.label_names if name not in label_names]
    used: set[int] = set()
    if lacking:
        of_rows = ((one,) if isinstance(one, int) else one for one in table.labels)
        used = {int(label) for labels in of_rows for label in labels}
    unknown = [name for name in lacking if table.label_names.index(name) in used]
    if unknown:
        shown = ", ".join(map(repr, unknown[:5]))
        raise OptionError(f"the model has no label {shown}; its labels are {', '.join(map(repr, label_names[:20]))}")
    return {number: label_names.index(name) for number, name in enumerate(table.label_names) if name in label_names}


# --- classes --------------------------------------------------------------------------------------------------------


def _classes(table: Table, outputs: Any, label_names: tuple[str, ...]) -> _Measured:
    logits = _matrix(outputs, len(label_names))
    number = _renumbered(table, label_names)
    truths = np.asarray([number[label] for label in table.labels])
    log_probabilities = _log_softmax(logits)
    losses = -log_probabilities[np.arange(len(truths)), truths]
    answers = logits.argmax(axis=1)
    confidences = np.exp(log_probabilities[np.arange(len(truths)), answers])
    count = len(label_names)
    cells = truths * count + answers
    calibration = _Calibration(confidences, answers == truths)

    def of_sample(rows: Array) -> Metrics:
        confusion = np.bincount(cells[rows], minlength=count * count).reshape(count, count)
        of_classes = {name: float(value) for name, value in of_confusions(confusion).items()}
        return {**of_classes, "ece": calibration.error(rows), "loss": float(losses[rows].mean())}

    fields = _by_class(truths, answers, count)
    everything = np.arange(len(truths))
    metrics = {
        **_by_scikit_learn(truths, answers),
        "ece": calibration.error(everything),
        "loss": float(losses.mean()),
    }
    fields |= {
        "losses": losses,
        "truths": truths,
        "answers": answers,
        "confidences": confidences,
        "unit_rows": np.asarray(table.rows),
        **calibration.fields(),
    }
    return _Measured(metrics, of_sample, fields)


def _by_scikit_learn(truths: Array, answers: Array) -> Metrics:
    from sklearn import metrics

    return {
        "accuracy": float(metrics.accuracy_score(truths, answers)),
        "macro_f1": float(metrics.f1_score(truths, answers, average="macro", zero_division=0)),
        "weighted_f1": float(metrics.f1_score(truths, answers, average="weighted", zero_division=0)),
        "mcc": float(metrics.matthews_corrcoef(truths, answers)),
    }


def _by_class(truths: Array, answers: Array, count: int) -> dict[str, Any]:
    from sklearn import metrics

    labels = np.arange(count)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        truths, answers, labels=labels, zero_division=0
    )
    confusion = metrics.confusion_matrix(truths, answers, labels=labels)
    return {"precision": precision, "recall": recall, "f1": f1, "support": support, "confusion": confusion}


def of_confusions(confusions: Array) -> dict[str, Array]:
    """(…, label, answer) counts → accuracy, macro and weighted F1, and Matthews' coefficient, each (…).

    What scikit-learn computes from labels and answers, a hundred times as fast: the bootstrap asks for it often.
    """
    right = np.diagonal(confusions, axis1=-2, axis2=-1).astype(np.float64)
    there, given = confusions.sum(axis=-1).astype(np.float64), confusions.sum(axis=-2).astype(np.float64)
    total, both = there.sum(axis=-1), there + given
    hits = right.sum(axis=-1)
    f1 = 2 * right / np.maximum(both, 1)
    spread = (total**2 - (given**2).sum(axis=-1)) * (total**2 - (there**2).sum(axis=-1))
    covariance = hits * total - (there * given).sum(axis=-1)
    return {
        "accuracy": hits / total,
        "macro_f1": f1.sum(axis=-1) / (both > 0).sum(axis=-1),
        "weighted_f1": (f1 * there).sum(axis=-1) / total,
        "mcc": np.where(spread > 0, covariance / np.sqrt(np.where(spread > 0, spread, 1)), 0.0),
    }


def _several_classes(table: Table, outputs: Any, label_names: tuple[str, ...]) -> _Measured:
    from sklearn import metrics as scikit

    logits = _matrix(outputs, len(label_names))
    number = _renumbered(table, label_names)
    truths = np.zeros(logits.shape, dtype=np.int64)
    for row, labels in enumerate(table.labels):
        truths[row, [number[label] for label in labels]] = 1
    answers = (logits > 0).astype(np.int64)
    probabilities = np.exp(-np.logaddexp(0, -logits))
    losses = np.logaddexp(0, np.where(truths == 1, -logits, logits)).mean(axis=1)
    hits, whole = truths * answers, (truths == answers).all(axis=1)
    calibration = _Calibration(np.maximum(probabilities, 1 - probabilities), truths == answers)

    def of_sample(rows: Array) -> Metrics:
        right, both = hits[rows].sum(axis=0), (truths[rows] + answers[rows]).sum(axis=0)
        f1 = 2 * right / np.maximum(both, 1)
        return {
            "micro_f1": 2 * float(right.sum()) / max(1, int(both.sum())),
            "macro_f1": float(f1[both > 0].mean()) if both.any() else 0.0,
            "subset_accuracy": float(whole[rows].mean()),
            "ece": calibration.error(rows),
            "loss": float(losses[rows].mean()),
        }

    labels = np.arange(len(label_names))
    precision, recall, f1, support = scikit.precision_recall_fscore_support(
        truths, answers, labels=labels, zero_division=0
    )
    fields = {
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "support": support,
        "losses": losses,
        "truths": truths,
        "answers": answers,
        "confidences": probabilities,
        "unit_rows": np.asarray(table.rows),
        **calibration.fields(),
    }
    return _Measured(of_sample(np.arange(len(truths))), of_sample, fields)


class _Calibration:
    """Confidence against accuracy in bins of equal width; (row,) or (row, decision)."""

    def __init__(self, confidences: Array, right: Array) -> None:
        self._bins = np.minimum((confidences * BINS).astype(np.int64), BINS - 1)
        self._confidences, self._right = confidences, right.astype(np.float64)

    def error(self, rows: Array) -> float:
        """The mean over bins of |accuracy − mean confidence|, weighted by the bins' numbers."""
        bins = self._bins[rows].ravel()
        gaps = (self._right[rows] - self._confidences[rows]).ravel()
        return float(np.abs(np.bincount(bins, weights=gaps, minlength=BINS)).sum() / max(1, len(bins)))

    def fields(self) -> dict[str, Array]:
        bins = self._bins.ravel()
        count = np.bincount(bins, minlength=BINS)
        sums = [
            np.bincount(bins, weights=values.ravel(), minlength=BINS) for values in (self._confidences, self._right)
        ]
        return {
            "calibration_confidence": sums[0] / np.maximum(count, 1),
            "calibration_accuracy": sums[1] / np.maximum(count, 1),
            "calibration_count": count,
        }


# --- numbers --------------------------------------------------------------------------------------------------------


def _scores(table: Table, outputs: Any, _: tuple[str, ...]) -> _Measured:
    predicted = _matrix(outputs, 1)[:, 0]
    expected = np.asarray(table.labels, dtype=np.float64)

    def of_sample(rows: Array) -> Metrics:
        return of_scores(expected[rows], predicted[rows])

    fields = {"expected": expected, "predicted": predicted, "losses": np.abs(predicted - expected)}
    return _Measured(of_sample(np.arange(len(expected))), of_sample, fields)


def of_scores(expected: Array, predicted: Array) -> Metrics:
    """Mean absolute error, root of the mean squared one, both correlations and the share of variance explained."""
    from scipy.stats import rankdata
    from sklearn import metrics

    squares = float(((predicted - expected) ** 2).sum())
    around = float(((expected - expected.mean()) ** 2).sum())
    return {
        "mae": float(metrics.mean_absolute_error(expected, predicted)),
        "rmse": float(np.sqrt(squares / len(expected))),
        "pearson": _correlation(expected, predicted),
        "spearman": _correlation(rankdata(expected), rankdata(predicted)),
        "r2": 1 - squares / around if around > 0 else 0.0,
    }


def _correlation(first: Array, second: Array) -> float:
    first, second = first - first.mean(), second - second.mean()
    size = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / size if size > 0 else 0.0


# --- words, answers, masked words -------------------------------------------------------------------------------------


def spans_of(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """The named spans of one sentence, (first word, end, type): ``["B-PER", "I-PER", "O"] → {(0, 2, "PER")}``."""
    groups = grouped(((place, tag), tag) for place, tag in enumerate(tags))
    return {
        (group[0][0], group[-1][0] + 1, type_of(group[0][1])) for group in groups if type_of(group[0][1]) != OUTSIDE
    }


def _words(table: Table, outputs: Any, label_names: tuple[str, ...]) -> _Measured:
    number = _renumbered(table, label_names)
    truths, answers, losses, confidences, sums = [], [], [], [], []
    for labels, row in zip(table.labels, outputs, strict=True):
        logits = _matrix(row, len(label_names))
        if len(logits) != len(labels):
            raise OptionError(f"{len(logits)} words in the outputs, but {len(labels)} in the table")
        truth, answer = np.asarray([number[label] for label in labels]), logits.argmax(axis=1)
        log_probabilities = _log_softmax(logits)
        loss = -log_probabilities[np.arange(len(truth)), truth]
        there, found = (spans_of([label_names[one] for one in tags]) for tags in (truth, answer))
        numbers = (len(there & found), len(found), len(there), (truth == answer).sum(), loss.sum(), len(truth))
        truths.append(truth)
        answers.append(answer)
        losses.append(loss.mean())
        confidences.append(np.exp(log_probabilities[np.arange(len(truth)), answer]))
        sums.append(numbers)
    by_row = np.asarray(sums, dtype=np.float64)

    def of_sample(rows: Array) -> Metrics:
        right, found, there, words_right, loss, words = by_row[rows].sum(axis=0).tolist()
        return {
            "span_f1": 2 * right / (found + there) if found + there else 0.0,
            "span_precision": right / found if found else 0.0,
            "span_recall": right / there if there else 0.0,
            "accuracy": words_right / words,
            "loss": loss / words,
        }

    truth, answer = np.concatenate(truths), np.concatenate(answers)
    calibration = _Calibration(np.concatenate(confidences), truth == answer)
    fields = {
        **_by_class(truth, answer, len(label_names)),
        "losses": losses,
        "truths": truth,
        "answers": answer,
        "confidences": np.concatenate(confidences),
        "unit_rows": np.repeat(table.rows, [len(one) for one in truths]),
        **calibration.fields(),
    }
    return _Measured(of_sample(np.arange(len(table))), of_sample, fields)


def _answers(table: Table, outputs: Any, _: tuple[str, ...]) -> _Measured:
    given = [str(text) for text, _ in outputs]
    references = [[text for _, text in label] or [""] for label in table.labels]
    exact = np.asarray([exact_match(*both) for both in zip(given, references, strict=True)], dtype=np.float64)
    f1 = np.asarray([token_f1(*both) for both in zip(given, references, strict=True)])

    def of_sample(rows: Array) -> Metrics:
        return {"exact_match": float(exact[rows].mean()), "token_f1": float(f1[rows].mean())}

    confidences = np.asarray([probability for _, probability in outputs], dtype=np.float64)
    fields = {
        "losses": 1 - f1,
        "confidences": confidences,
        "unit_rows": np.asarray(table.rows),
        "answer_texts": tuple(given),
        **_Calibration(confidences, exact).fields(),
    }
    return _Measured(of_sample(np.arange(len(table))), of_sample, fields)


def _masked_words(table: Table, outputs: Any, _: tuple[str, ...]) -> _Measured:
    sums = _matrix(outputs, 3)

    def of_sample(rows: Array) -> Metrics:
        loss, right, masked = sums[rows].sum(axis=0)
        mean = float(loss) / max(float(masked), 1.0)
        return {"masked_accuracy": float(right) / max(float(masked), 1.0), "loss": mean, "perplexity": np.exp(mean)}

    losses = sums[:, 0] / np.maximum(sums[:, 2], 1)
    return _Measured(of_sample(np.arange(len(table))), of_sample, {"losses": losses, "label_names": ()})


def _matrix(outputs: Any, columns: int) -> Array:
    """(row, column) in double precision. Raises OptionError for another shape or what is not finite."""
    matrix = np.asarray(outputs, dtype=np.float64)
    if matrix.ndim == 1 and columns == 1:
        matrix = matrix[:, None]
    if matrix.ndim != 2 or matrix.shape[1] != columns:
        raise OptionError(f"outputs must have {columns} columns; their shape is {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise OptionError("the model's outputs are not finite numbers: its training has diverged")
    return matrix


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result
