"""Predictions of both sides: probabilities of classes, or of the next sentence."""

from __future__ import annotations

from typing import Literal

from glassbert.arguments import checked
from glassbert.comparison._sides import Side, Sides, class_ids_of_second, divergence_bits, require_both
from glassbert.comparison.results import PredictionDifference
from glassbert.errors import ComparisonError
from glassbert.language.classes import classify
from glassbert.language.sentence_pairs import next_of_encoded
from glassbert.results import Array

DecisionHead = Literal["classification", "next_sentence"]


@checked
def compare_predictions(sides: Sides, head: DecisionHead | None = None) -> PredictionDifference:
    """Probabilities of both and their difference, second − first; one forward pass each.

    ``head`` None selects classification if both models have it, otherwise next sentence. Classes are matched by name,
    and two regressions are compared by their scores. Raises ComparisonError if a model has no such head, the class
    names differ, one is a regression and the other not, or the second text of a pair is missing.
    """
    if head is None:
        shared = all("classification" in side.model.task_heads for side in sides.both)
        pairs = all("next_sentence" in side.model.task_heads for side in sides.both)
        head = "next_sentence" if pairs and not shared else "classification"
    require_both(sides, head)
    if head == "next_sentence":
        labels: tuple[str, ...] = ("is next", "is not next")
        first, second = (_next(side) for side in sides.both)
        exclusive, scores = True, False
    else:
        labels, order = _same_labels(sides)
        one, other = (classify(side.model, side.encoded) for side in sides.both)
        if one.regression != other.regression:
            raise ComparisonError(
                "one of these models is a regression and the other a classifier: choose two of the same kind"
            )
        scores = one.regression
        first, second = (one.logits, other.logits) if scores else (one.probabilities, other.probabilities)
        second = second[order]
        exclusive = not scores and not any(side.model.multi_label for side in sides.both)
    return PredictionDifference(
        first=sides.first.encoded,
        second=sides.second.encoded,
        head=head,
        labels=labels,
        first_probabilities=first,
        second_probabilities=second,
        divergence=float(divergence_bits(first, second)) if exclusive else None,
        regression=scores,
    )


def _next(side: Side) -> Array:
    if len(side.encoded.texts) != 2:
        raise ComparisonError("next sentence needs two texts on both sides: add a second text to each")
    return next_of_encoded(side.model, side.encoded).probabilities


def _same_labels(sides: Sides) -> tuple[tuple[str, ...], list[int]]:
    """The classes of the first model, and for each the id of the same class in the second.

    By name, since two models may number them differently; by id where names repeat and tell nothing apart.
    """
    first, second = (side.model for side in sides.both)
    if sorted(first.labels) != sorted(second.labels) or (
        len(set(first.labels)) < len(first.labels) and first.labels != second.labels
    ):
        raise ComparisonError(
            f"the classes are not the same: {first.source!r} has {', '.join(first.labels)}, {second.source!r} has "
            f"{', '.join(second.labels)}; choose two models with the same classes"
        )
    names = first.labels
    if len(set(names)) < len(names):
        names = tuple(f"{name} ({number})" for number, name in enumerate(names))
    return names, class_ids_of_second(first.labels, second.labels)
