"""What compression did to a model, and what that changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from glassbert.models.files import megabytes
from glassbert.pictures.markup import clipped
from glassbert.results import Array, Result, counted, read_only, tidy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CHANGED_BITS", "Compression", "CompressionComparison", "CompressionCurve", "Drift"]

#: Mean Jensen–Shannon divergence of a head's rows from which its pattern counts as changed.
CHANGED_BITS = 0.05


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Compression(Result):
    """What was done to a model, step by step, and its size before and after.

    ``steps`` are the names of the recipes and ``done`` a sentence for each. ``parameters_*`` count trained values, and
    ``bytes_*`` are the size of the weights on disk. ``stock``: transformers alone reads the folder, to the same logits.
    """

    source: str
    recipe: str
    steps: tuple[str, ...]
    done: tuple[str, ...]
    parameters_before: int
    parameters_after: int
    bytes_before: int
    bytes_after: int
    stock: bool
    seconds: float = 0.0

    @property
    def smaller(self) -> float:
        """How many times smaller the weights are on disk."""
        return self.bytes_before / self.bytes_after

    @property
    def smaller_than_float32(self) -> float:
        """The same in comparison with all weights in float32, in which many models are stored."""
        return 4 * self.parameters_before / self.bytes_after

    def _about(self) -> str:
        sizes = f"{megabytes(self.bytes_before)} → {megabytes(self.bytes_after)}"
        return f"of {clipped(self.source, 40)!r} by {clipped(self.recipe, 60)}: {sizes}, {self.smaller:.2f} × smaller"

    def frame(self) -> pd.DataFrame:
        """One row per step: its name and what it did."""
        return tidy({"step": self.steps, "done": self.done})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Drift(Result):
    """How far the second side is from giving the first one's answers, for the first one's reasons.

    Sides are two models with one method, or two methods on one model. ``flipped`` are rows, of ``decided``, that they
    decide differently. The other numbers are about the rows that were explained, each for the class that the first
    model predicts: ``correlations``, Spearman's ρ of the scores by word, without special tokens, and what
    comprehensiveness the scores have on their own side. ``heads`` is the mean Jensen–Shannon divergence of attention in
    bits, −1 for removed heads; empty where heads do not correspond. ``left_out`` counts texts that the two tokenizers
    cut into different words. Intervals are 95 %: Wilson's for ``flip_*``, a bootstrap over rows for ``correlation_*``.
    """

    first: str
    second: str
    methods: tuple[str, str]
    decided: int
    flipped: tuple[int, ...]
    flip_low: float
    flip_high: float
    rows: Array  # (row,), of the table's source
    texts: tuple[str, ...]
    first_decisions: tuple[str, ...]
    second_decisions: tuple[str, ...]
    correlations: Array  # (row,)
    correlation_low: float
    correlation_high: float
    first_comprehensiveness: Array  # (row,)
    second_comprehensiveness: Array  # (row,)
    left_out: int
    heads: Array  # (layer, head), in bits

    _arrays: ClassVar[Mapping[str, str]] = {
        "rows": "int64",
        **dict.fromkeys(("correlations", "first_comprehensiveness", "second_comprehensiveness", "heads"), "float64"),
    }

    def __post_init__(self) -> None:
        Result.__post_init__(self)
        if self.heads.ndim != 2:  # JSON has no shape for an array without rows
            object.__setattr__(self, "heads", read_only(self.heads.reshape(0, 0), "float64"))

    @property
    def flip_rate(self) -> float:
        """The share of decisions that differ."""
        return len(self.flipped) / self.decided

    @property
    def correlation(self) -> float:
        """The mean rank correlation of the scores by word; 1: the same order everywhere."""
        return float(self.correlations.mean()) if len(self.correlations) else 0.0

    @property
    def comprehensiveness_change(self) -> float:
        """Second − first, the mean: below 0, the words that score highest carry less of the answer than before."""
        both = self.second_comprehensiveness, self.first_comprehensiveness
        return float(both[0].mean() - both[1].mean()) if len(both[0]) else 0.0

    @property
    def changed_heads(self) -> tuple[tuple[int, int], ...]:
        """(layer, head) whose attention differs by more than 0.05 bits on average."""
        return tuple((int(layer), int(head)) for layer, head in np.argwhere(self.heads > CHANGED_BITS))

    def moved(self, most: int = 10) -> list[int]:
        """Places of the explained texts, those with the least similar scores first."""
        return [int(place) for place in np.argsort(self.correlations, kind="stable")[:most]]

    def _about(self) -> str:
        sides = " and ".join(self.methods) if self.methods[0] != self.methods[1] else self.methods[0]
        return (
            f"from {clipped(self.first, 30)!r} to {clipped(self.second, 30)!r} by {sides}: {len(self.flipped)} of "
            f"{counted(self.decided, 'decision')} flipped, correlation {self.correlation:.3f} on "
            f"{counted(len(self.texts), 'text')}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per explained text, the least similar first."""
        order = self.moved(len(self.texts))
        return tidy(
            {
                "row": self.rows[order],
                "text": [self.texts[place] for place in order],
                "first": [self.first_decisions[place] for place in order],
                "second": [self.second_decisions[place] for place in order],
                "correlation": self.correlations[order],
                "first_comprehensiveness": self.first_comprehensiveness[order],
                "second_comprehensiveness": self.second_comprehensiveness[order],
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CompressionComparison(Result):
    """A compressed model beside the original one: sizes, speed, accuracy, and whether it decides for the same reasons.

    Pairs are (original, compressed). ``memory_bytes`` are the weights and the most states that are alive at once in a
    pass of the largest batch. ``seconds`` are medians over rounds in which both ran in turn, and ``speedup`` the median
    of the ratios of a round, original / compressed, with its quartiles. ``accuracy`` and ``difference`` (compressed −
    original) have 95 % intervals of a bootstrap over rows, for the difference over the same rows of both.
    ``yardstick`` is the drift that there is without any compression: between two methods on the original model, or
    between two trainings.
    """

    source: str
    recipe: str
    table: str
    parameters: tuple[int, int]
    disk_bytes: tuple[int, int]
    memory_bytes: tuple[int, int]
    batch_sizes: tuple[int, ...]
    seconds: Array  # (batch size, model)
    speedup: Array  # (batch size,)
    speedup_low: Array  # (batch size,)
    speedup_high: Array  # (batch size,)
    accuracy: tuple[float, float]
    accuracy_low: tuple[float, float]
    accuracy_high: tuple[float, float]
    difference_low: float
    difference_high: float
    drift: Drift
    yardstick: Drift

    _arrays: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("seconds", "speedup", "speedup_low", "speedup_high"), "float64"
    )

    @property
    def smaller(self) -> float:
        """How many times smaller the weights are on disk."""
        return self.disk_bytes[0] / self.disk_bytes[1]

    @property
    def difference(self) -> float:
        """The accuracy of the compressed model less that of the original one."""
        return self.accuracy[1] - self.accuracy[0]

    @property
    def within_yardstick(self) -> bool:
        """Whether the scores differ no more than those of the yardstick do."""
        return self.drift.correlation >= self.yardstick.correlation

    def _about(self) -> str:
        faster = ", ".join(
            f"{ratio:.2f} × as fast at {counted(size, 'text')}"
            for size, ratio in zip(self.batch_sizes, self.speedup, strict=True)
        )
        return (
            f"of {clipped(self.source, 30)!r} by {clipped(self.recipe, 30)}: {self.smaller:.2f} × smaller, {faster}, "
            f"accuracy {self.difference:+.3f}, {self.drift.flip_rate:.1%} flipped, correlation "
            f"{self.drift.correlation:.3f}"
        )

    def row(self) -> dict[str, object]:
        """Its numbers by name, as in the table of a curve."""
        found: dict[str, object] = {
            "recipe": self.recipe,
            "parameters": self.parameters[1],
            "disk_bytes": self.disk_bytes[1],
            "memory_bytes": self.memory_bytes[1],
            "smaller": self.smaller,
        }
        found |= {f"speedup_{size}": float(ratio) for size, ratio in zip(self.batch_sizes, self.speedup, strict=True)}
        return found | {
            "accuracy": self.accuracy[1],
            "accuracy_low": self.accuracy_low[1],
            "accuracy_high": self.accuracy_high[1],
            "difference": self.difference,
            "difference_low": self.difference_low,
            "difference_high": self.difference_high,
            "flip_rate": self.drift.flip_rate,
            "correlation": self.drift.correlation,
            "comprehensiveness_change": self.drift.comprehensiveness_change,
            "changed_heads": len(self.drift.changed_heads),
            "yardstick_correlation": self.yardstick.correlation,
            "within_yardstick": self.within_yardstick,
        }

    def frame(self) -> pd.DataFrame:
        """One row per measure: of the original model, of the compressed one, and how they relate."""
        rows: list[tuple[str, float, float, float]] = [
            ("parameters", *self.parameters, self.parameters[0] / self.parameters[1]),
            ("disk_bytes", *self.disk_bytes, self.smaller),
            ("memory_bytes", *self.memory_bytes, self.memory_bytes[0] / self.memory_bytes[1]),
            *(
                (f"seconds_{size}", float(both[0]), float(both[1]), float(ratio))
                for size, both, ratio in zip(self.batch_sizes, self.seconds, self.speedup, strict=True)
            ),
            ("accuracy", *self.accuracy, self.difference),
        ]
        names, original, compressed, relation = zip(*rows, strict=True)
        return tidy({"measure": names, "original": original, "compressed": compressed, "ratio": relation})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CompressionCurve(Result):
    """Several recipes for one model, each compared with it: size against accuracy against drift.

    ``folders`` are the names of the models' folders in ``out``, () if they were not kept. ``failed`` maps a recipe that
    this model does not allow to the reason. Not ``complete``: cancelled, the recipes until then.
    """

    source: str
    table: str
    comparisons: tuple[CompressionComparison, ...]
    failed: dict[str, str]
    folders: tuple[str, ...] = ()
    complete: bool = True

    def _about(self) -> str:
        rest = "" if self.complete else ", cancelled"
        return f"of {clipped(self.source, 40)!r}: {counted(len(self.comparisons), 'recipe')}{rest}"

    def frame(self) -> pd.DataFrame:
        """One row per recipe."""
        rows = [one.row() for one in self.comparisons]
        return tidy({name: [row[name] for row in rows] for name in (rows[0] if rows else {})})
