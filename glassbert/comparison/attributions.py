"""How much each word contributed to the same decision on both sides."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from glassbert.arguments import checked
from glassbert.attribution import attribute
from glassbert.comparison._sides import Sides, same_vocabulary
from glassbert.comparison.results import AttributionDifference
from glassbert.decision import decide
from glassbert.errors import ComparisonError, TaskHeadError
from glassbert.results import Array
from glassbert.targets import (
    AnswerTarget,
    ClassTarget,
    EntityTarget,
    MaskTarget,
    Output,
    SpanTarget,
    Target,
    TokenTarget,
)
from glassbert.text.entity_labels import types_of


@checked
def compare_attributions(
    sides: Sides,
    *,
    method: str = "integrated_gradients",
    target: Target | int | str | None = None,
    output: Output = "logit",
    **options: Any,
) -> AttributionDifference:
    """One score per word on both sides for the same target, and their difference, second − first.

    ``method``, ``target``, ``output`` and ``options`` as in :func:`glassbert.attribute`; what the target leaves open is
    determined by the first side, and positions refer to the first side. On the second side the target is the class of
    the same name, or the same word at the aligned position. Raises ComparisonError if the second side has no such head,
    class or position, and what ``attribute`` raises.
    """
    asked = decide(sides.first.model, sides.first.encoded, target, output)
    try:  # before the work begins
        facing = decide(sides.second.model, sides.second.encoded, _facing(sides, asked.decision.target), output)
    except TaskHeadError as error:
        raise ComparisonError(
            f"the target on the first side is {asked.decision.target_label!r}, but {error}"
        ) from error
    first, second = (
        attribute(side.model, side.encoded, method=method, target=runner.decision.target, output=output, **options)
        for side, runner in zip(sides.both, (asked, facing), strict=True)
    )
    return AttributionDifference(
        alignment=sides.alignment,
        method=method,
        target=first.target,
        target_label=first.target_label,
        output=output,
        first_scores=_by_row(sides, 0, first.scores),
        second_scores=_by_row(sides, 1, second.scores),
        first_value=first.value,
        second_value=second.value,
    )


def _by_row(sides: Sides, which: Literal[0, 1], scores: Array) -> Array:
    return np.asarray([scores[start:stop].sum(dtype=np.float64) for start, stop in sides.spans(which)])


def _facing(sides: Sides, target: Target) -> Target:
    """The same target in the words and places of the second side."""
    match target:
        case ClassTarget(label, foil, threshold):
            return ClassTarget(_label(sides, label), _label(sides, foil), threshold)
        case TokenTarget(position, label, foil):
            return TokenTarget(_position(sides, position), _label(sides, label), _label(sides, foil))
        case EntityTarget(start, end, label, foil):
            for name in (label, foil):
                _check_type(sides, name)
            return EntityTarget(_position(sides, start), _position(sides, end - 1) + 1, label, foil)
        case SpanTarget(int(start), int(last), foil, none):
            other = None if foil is None else (_end_of_answer(sides, foil[0]), _end_of_answer(sides, foil[1]))
            return SpanTarget(_end_of_answer(sides, start), _end_of_answer(sides, last), other, none)
        case MaskTarget(position, token, foil):
            return MaskTarget(_position(sides, position), _token(sides, token), _token(sides, foil))
        case AnswerTarget(edge, place, foil):
            places = [None if position is None else _position(sides, position) for position in (place, foil)]
            return AnswerTarget(edge, *places)
    return target


def _label(sides: Sides, label: int | str | None) -> int | str | None:
    """The class of the same name; by id where names repeat, since a name would find the first of them."""
    if label is None:
        return None
    first, second = (side.model for side in sides.both)
    name = first.labels[int(label)]
    if first.labels.count(name) > 1 or second.labels.count(name) > 1:
        if first.labels == second.labels:
            return int(label)
        raise ComparisonError(
            f"several classes are named {name!r}, and the two models do not number them alike: choose another class"
        )
    if second.labels and name not in second.labels:  # without any, the missing head is the better message
        raise ComparisonError(
            f"{second.source!r} has no class {name!r}; its classes are {', '.join(second.labels)}: choose a class that "
            "both have"
        )
    return name


def _check_type(sides: Sides, name: int | str | None) -> None:
    """Raise ComparisonError if the second model has no such type of entities."""
    model = sides.second.model
    if name is not None and model.labels and name not in types_of(model.labels):
        raise ComparisonError(
            f"{model.source!r} has no type {name!r}; its types are {', '.join(types_of(model.labels))}: choose a type "
            "that both have"
        )


def _end_of_answer(sides: Sides, position: int) -> int:
    """[CLS], for no answer, is the first token of every text."""
    return position and _position(sides, position)


def _position(sides: Sides, position: int) -> int:
    spans, other = sides.spans(0), sides.spans(1)
    row = int(np.flatnonzero((spans[:, 0] <= position) & (position < spans[:, 1]))[0])
    start, stop = int(other[row, 0]), int(other[row, 1])
    if start == stop:
        raise ComparisonError(
            f"the word at token {position}, {sides.alignment.first_labels[row]!r}, has no counterpart on the second "
            "side: choose a word that both have"
        )
    return min(start + position - int(spans[row, 0]), stop - 1)


def _token(sides: Sides, token: int | str | None) -> int | str | None:
    if token is None or same_vocabulary(sides):
        return token
    word: str = sides.first.model.tokenizer.decode([int(token)]).strip()
    return word
