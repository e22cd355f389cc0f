"""Predictions of both sides: probabilities of classes, or of the next sentence."""

from __future__ import annotations

from typing import Literal

from glassbert.arguments import checked
from glassbert.comparison._sides import Side, Sides, divergence_bits, require_both
from glassbert.comparison.results import PredictionDifference
from glassbert.errors import ComparisonError
from glassbert.language.classes import classify
from glassbert.language.sentence_pairs import next_of_encoded
from glassbert.results import Array

DecisionHead = Literal["classification", "next_sentence"]


@checked
def compare_predictions(sides: Sides, head: DecisionHead | None = None) -> PredictionDifference:
    """Probabilities of both and their difference, second − first; one forward pass each.

    ``head`` None selects classification if both models have it, otherwise next sentence. Raises ComparisonError if a
    model has no such head, the class names differ, or the second text of a pair is missing.
    """
    if head is None:
        shared = all("classification" in side.model.task_heads for side in sides.both)
        pairs = all("next_sentence" in side.model.task_heads for side in sides.both)
        head = "next_sentence" if pairs and not shared else "classification"
    require_both(sides, head)
    if head == "next_sentence":
        labels: tuple[str, ...] = ("is next", "is not next")
        first, second = (_next(side) for side in sides.both)
        exclusive = True
    else:
        labels = _same_labels(sides)
        first, second = (classify(side.model, side.encoded).probabilities for side in sides.both)
        exclusive = not any(side.model.multi_label for side in sides.both)
    return PredictionDifference(
        first=sides.first.encoded,
        second=sides.second.encoded,
        head=head,
        labels=labels,
        first_probabilities=first,
        second_probabilities=second,
        divergence=float(divergence_bits(first, second)) if exclusive else None,
    )


def _next(side: Side) -> Array:
    if len(side.encoded.texts) != 2:
        raise ComparisonError("next sentence needs two texts on both sides: add a second text to each")
    return next_of_encoded(side.model, side.encoded).probabilities


def _same_labels(sides: Sides) -> tuple[str, ...]:
    first, second = (side.model for side in sides.both)
    if first.labels != second.labels:
        raise ComparisonError(
            f"the classes are not the same: {first.source!r} has {', '.join(first.labels)}, {second.source!r} has "
            f"{', '.join(second.labels)}; choose two models with the same classes"
        )
    return first.labels
