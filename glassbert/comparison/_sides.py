"""The two readings that are compared: one text on two models, or two texts on one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from glassbert.arguments import checked
from glassbert.errors import ComparisonError
from glassbert.families import TASKS, Task
from glassbert.network.model import Model
from glassbert.results import Array, Encoded
from glassbert.text.alignment import align_words
from glassbert.text.inputs import Text, encode
from glassbert.text.results import WordAlignment

__all__ = [
    "Side",
    "Sides",
    "class_ids_of_second",
    "divergence_bits",
    "require_both",
    "same_vocabulary",
    "sides_of_models",
    "sides_of_texts",
]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One model reading one input."""

    model: Model
    encoded: Encoded


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Two readings, aligned by word. Make them with :func:`sides_of_models` or :func:`sides_of_texts`."""

    first: Side
    second: Side
    alignment: WordAlignment

    @property
    def both(self) -> tuple[Side, Side]:
        return self.first, self.second

    @property
    def matched(self) -> Array:
        """(word,): the rows of the alignment that both have."""
        rows: Array = np.flatnonzero(self.alignment.matched)
        return rows

    def spans(self, which: Literal[0, 1]) -> Array:
        """(row, 2), the token positions of each row in the first (0) or the second input (1)."""
        return self.alignment.second_spans if which else self.alignment.first_spans


@checked
def sides_of_models(first: Model, second: Model, text: str, pair: str | None = None) -> Sides:
    """One text, or pair, read by two models, aligned by characters. Raises TextErrors."""
    return _sides(Side(first, encode(first, text, pair)), Side(second, encode(second, text, pair)))


@checked
def sides_of_texts(model: Model, first: Text, second: Text) -> Sides:
    """Two texts on one model, aligned by word; a pair comes as ``gb.encode(model, a, b)``. Raises TextErrors."""
    return _sides(Side(model, encode(model, first)), Side(model, encode(model, second)))


def _sides(first: Side, second: Side) -> Sides:
    return Sides(first, second, align_words(first.encoded, second.encoded))


def require_both(sides: Sides, head: Task) -> None:
    """Raise ComparisonError unless both models have this head."""
    for side in sides.both:
        if head not in side.model.task_heads:
            has = ", ".join(TASKS[name] for name in side.model.task_heads) or "none, only the encoder"
            raise ComparisonError(
                f"{side.model.source!r} has no trained head for {TASKS[head]} (its heads: {has}), so there is nothing "
                "to compare: choose two models with this head"
            )


def same_vocabulary(sides: Sides) -> bool:
    """Whether ids mean the same to both."""
    first, second = (side.model for side in sides.both)
    if first.tokenizer is second.tokenizer:
        return True
    sizes = {int(model.network.config.vocab_size) for model in (first, second)}
    return len(sizes) == 1 and first.tokenizer.get_vocab() == second.tokenizer.get_vocab()


def class_ids_of_second(first: tuple[str, ...], second: tuple[str, ...]) -> list[int]:
    """For each class of the first model, the id of the second's class of the same name.

    By id if names repeat: then only the id tells two classes apart.
    """
    if len(set(first)) < len(first) or len(set(second)) < len(second):
        return list(range(len(first)))
    return [second.index(name) for name in first]


def divergence_bits(first: Array, second: Array) -> Array:
    """Jensen–Shannon divergence over the last axis, in bits: 0 for equal distributions, 1 for disjoint ones.

    JS(p, q) = ½ KL(p ‖ m) + ½ KL(q ‖ m) with m = (p + q) / 2 and log₂ (Lin 1991).
    """
    p, q = (np.asarray(values, dtype=np.float64) for values in (first, second))
    middle = (p + q) / 2
    total = np.zeros(p.shape[:-1])
    for part in (p, q):
        ratio = np.divide(part, middle, out=np.ones_like(part), where=part > 0)
        total += (part * np.log2(ratio)).sum(axis=-1) / 2
    divergence: Array = np.clip(total, 0, 1)
    return divergence
