"""``compare_compressed``: what a smaller model costs, and whether it still decides for the same reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle, islice

import numpy as np

from glassbert.arguments import checked
from glassbert.attribution import METHODS
from glassbert.compression.compressing import compression_record
from glassbert.compression.drift import Explained, Side, Text, drift_between, explained_by
from glassbert.compression.measuring import memory_bytes, seconds_of
from glassbert.compression.results import CompressionComparison, Drift
from glassbert.errors import ComparisonError, MethodError, OptionError, StoppedError
from glassbert.network.model import Model, require_task_head
from glassbert.results import Array, Encoded
from glassbert.tables import Table
from glassbert.text.inputs import encode, shorten
from glassbert.tuning import Evaluation, evaluate

__all__ = ["Reference", "compare_compressed", "compared"]

BATCH_SIZES = (1, 32)
_RESAMPLES = 1000
#: Explanations of the drift, and what they are compared with for the yardstick: along a path, and by hiding words.
_WITH_GRADIENTS, _WITHOUT = "integrated_gradients", "occlusion"

Progress = Callable[[str, int, int], None]


@checked
def compare_compressed(
    original: Model,
    compressed: Model,
    table: Table,
    *,
    texts: int = 40,
    method: str | None = None,
    other_training: Model | None = None,
    seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> CompressionComparison:
    """Size, speed, accuracy and explanation drift of a classifier and its compressed version on labelled texts.

        compared = gb.compare_compressed(model, gb.compress(model, "int8"), gb.read_table("test.csv"))
        compared.frame(), compared.drift.frame()  # what it costs; the texts whose reasons moved most

    Both decide every row; ``texts`` of them, drawn by ``seed``, are explained by ``method`` for the class that the
    original model predicts (None: integrated gradients, or occlusion if one of the two models has no gradients). Times
    are measured at 1 and at 32 texts, both models in turn and, on a CPU, in one thread; only their ratio carries over
    to other machines.

    Whether a drift is large is said by a yardstick: that between this method and another one on the original model
    (integrated gradients and occlusion), or between the original model and ``other_training``, the same training with
    another seed. ``progress`` is called with what is being done, how much is done and how much there is. Raises
    TaskHeadError, ComparisonError, OptionError, MethodError, TextErrors, and StoppedError when cancelled.
    """
    reference = Reference(original, table, texts=texts, seed=seed, progress=progress, cancelled=cancelled)
    if other_training is not None:
        reference.require(other_training)
    return compared(reference, compressed, method, other_training)


@dataclass(slots=True)
class Reference:
    """The original model and the texts; what it says about them is computed once, however many models are compared."""

    model: Model
    table: Table
    texts: int = 40
    seed: int = 0
    progress: Progress | None = None
    cancelled: Callable[[], bool] | None = None
    rows: Array = field(init=False)
    _answers: Evaluation | None = field(init=False, default=None)
    _explained: dict[str, list[Explained]] = field(init=False, default_factory=dict)
    _yardstick: dict[str, Drift] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        require_task_head(self.model, "classification")
        if self.table.kind != "classification" or self.model.multi_label or self.model.regression:
            raise ComparisonError(
                "models are compared on texts with one class each: choose a table and a model for that"
            )
        if not len(self.table):
            raise OptionError("the table has no rows: choose one that has")
        if self.texts < 1:
            raise OptionError(f"texts must be at least 1; got {self.texts}")
        if self.seed < 0:
            raise OptionError(f"seed must be 0 or more; got {self.seed}")
        order = np.random.default_rng(self.seed).permutation(len(self.table))
        self.rows = np.sort(order[: self.texts])

    def require(self, other: Model) -> None:
        """Raises ComparisonError unless the other model has the same classes."""
        require_task_head(other, "classification")
        if sorted(other.labels) != sorted(self.model.labels):
            raise ComparisonError(
                f"the classes of {other.source!r} ({', '.join(other.labels)}) are not those of {self.model.source!r} "
                f"({', '.join(self.model.labels)}): compare models with the same classes"
            )

    def check(self) -> None:
        if self.cancelled is not None and self.cancelled():
            raise StoppedError("the comparison was cancelled")

    def report(self, what: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(what, done, total)

    @property
    def chosen(self) -> list[Text]:
        """The texts that are explained."""
        return [self._text(row) for row in self.rows.tolist()]

    def _text(self, row: int) -> Text:
        return self.table.texts[row], self.table.pairs[row] if self.table.pairs else None

    def batch(self, model: Model, size: int) -> list[Encoded]:
        """As many of the texts, tokenized by the model; the first ones again if there are not enough."""
        return [encode(model, *shorten(model, *text)) for text in islice(cycle(self.chosen), size)]

    def answers_of(self, model: Model, what: str) -> Evaluation:
        """What a model decides about every row."""
        if model is self.model and self._answers is not None:
            return self._answers
        found = evaluate(
            model,
            self.table,
            seed=self.seed,
            progress=lambda done, total: self.report(what, done, total),
            cancelled=self.cancelled,
        )
        if model is self.model:
            self._answers = found
        return found

    def side(self, model: Model, method: str, what: str) -> Side:
        """A model and a method, and what they say."""
        answers = self.answers_of(model, f"{what}: answers")
        own = self.answers_of(self.model, "original: answers")
        by_name = {name.casefold(): name for name in model.labels}
        labels = [by_name[own.label_names[own.answers[row]].casefold()] for row in self.rows.tolist()]
        if model is self.model and method in self._explained:
            return Side(model, method, answers, self._explained[method])
        done = 0

        def step() -> None:
            nonlocal done
            done += 1
            self.report(f"{what}: explanations", done, len(labels))
            self.check()

        found = explained_by(model, method, self.chosen, labels, self.seed, step)
        if model is self.model:
            self._explained[method] = found
        return Side(model, method, answers, found)

    def yardstick(self, method: str, other_training: Model | None) -> Drift:
        """The drift without compression."""
        if method not in self._yardstick:
            first = self.side(self.model, method, "original")
            if other_training is not None:
                second = self.side(other_training, method, "other training")
            else:
                second = self.side(self.model, _other_method(self.model, method), "original, other method")
            self._yardstick[method] = drift_between(first, second, self.table, self.rows, self.seed)
        return self._yardstick[method]


def _other_method(model: Model, method: str) -> str:
    if model.checkpoint.int8:
        return "shapley_sampling" if method == _WITHOUT else _WITHOUT
    return _WITHOUT if method == _WITH_GRADIENTS else _WITH_GRADIENTS


def compared(
    reference: Reference, compressed: Model, method: str | None = None, other_training: Model | None = None
) -> CompressionComparison:
    """One compressed model beside the original one. Raises as :func:`compare_compressed`."""
    original, table = reference.model, reference.table
    reference.require(compressed)
    if method is None:
        without = original.checkpoint.int8 or compressed.checkpoint.int8
        method = _WITHOUT if without else _WITH_GRADIENTS
    if method not in METHODS:
        raise MethodError(f"method must be one of {', '.join(METHODS)}; got {method!r}")
    both = original, compressed
    first, second = (
        reference.side(model, method, name) for model, name in zip(both, ("original", "compressed"), strict=True)
    )
    drift = drift_between(first, second, table, reference.rows, reference.seed)
    yardstick = reference.yardstick(method, other_training)
    rounds = []
    for place, size in enumerate(BATCH_SIZES):
        reference.report("speed", place, len(BATCH_SIZES))
        encoded = reference.batch(original, size), reference.batch(compressed, size)
        rounds.append(seconds_of((original, compressed), encoded, reference.check))
    reference.report("speed", len(BATCH_SIZES), len(BATCH_SIZES))
    ratios = [one[:, 0] / one[:, 1] for one in rounds]
    answers = first.answers, second.answers
    right = [np.asarray(one.answers == one.truths, dtype=np.float64) for one in answers]
    draws = np.random.default_rng(reference.seed).integers(len(table), size=(_RESAMPLES, len(table)))
    change = (right[1] - right[0])[draws].mean(axis=1)
    low, high = np.percentile(change, (2.5, 97.5))
    intervals = [one.intervals["accuracy"] for one in answers]
    largest = max(BATCH_SIZES)
    return CompressionComparison(
        source=original.source,
        recipe=_recipe(compressed),
        table=table.source,
        parameters=(original.parameters, compressed.parameters),
        disk_bytes=(original.checkpoint.weight_bytes, compressed.checkpoint.weight_bytes),
        memory_bytes=(
            memory_bytes(original, reference.batch(original, largest)),
            memory_bytes(compressed, reference.batch(compressed, largest)),
        ),
        batch_sizes=BATCH_SIZES,
        seconds=np.asarray([np.median(one, axis=0) for one in rounds]),
        speedup=np.asarray([np.median(one) for one in ratios]),
        speedup_low=np.asarray([np.percentile(one, 25) for one in ratios]),
        speedup_high=np.asarray([np.percentile(one, 75) for one in ratios]),
        accuracy=(answers[0].metrics["accuracy"], answers[1].metrics["accuracy"]),
        accuracy_low=(intervals[0][0], intervals[1][0]),
        accuracy_high=(intervals[0][1], intervals[1][1]),
        difference_low=float(low),
        difference_high=float(high),
        drift=drift,
        yardstick=yardstick,
    )


def _recipe(model: Model) -> str:
    try:
        return compression_record(model).recipe
    except OptionError:
        return "none"
