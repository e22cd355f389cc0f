"""One decision about many edited texts: the question stays the same while the text changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from glassbert.decision import Decision, Passes, Runner, decide
from glassbert.errors import TargetError
from glassbert.network.model import Model
from glassbert.results import Array, Encoded
from glassbert.targets import ClassTarget, MaskTarget, NextSentenceTarget, Output, Target
from glassbert.text.inputs import encode, mask_positions
from glassbert.whatif.edits import Edit, edited_texts, moved_start, words_to_edit

__all__ = [
    "Variant",
    "decide_edited",
    "editable",
    "probabilities",
    "require_classes",
    "values",
    "variant",
    "variant_logits",
]


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """An edited text as the model reads it; ``gap`` is the target mask's token."""

    edits: tuple[Edit, ...]
    encoded: Encoded
    gap: int = 0


def decide_edited(
    model: Model,
    encoded: Encoded,
    target: Target | int | str | None = None,
    output: Output | None = None,
    *,
    cancelled: Callable[[], bool] | None = None,
) -> Runner:
    """The decision about this text. Raises TargetError for one that an edited text cannot be asked.

    ``output`` None: the probability, or the score of a regression, which has none.
    """
    if output is None:
        output = "logit" if model.regression else "probability"
    runner = decide(model, encoded, target, output, passes=Passes(cancelled=cancelled))
    settled = runner.decision.target
    if isinstance(settled, MaskTarget) and settled.position not in mask_positions(model, encoded):
        raise TargetError(
            f"type {model.mask_token} in place of the target word: an edited text is tokenized again, and only a typed "
            "mask can be followed"
        )
    if not isinstance(settled, ClassTarget | MaskTarget | NextSentenceTarget):
        raise TargetError(
            "texts can be edited for a class, a masked word or the next sentence as the target; choose one of these"
        )
    return runner


def editable(decision: Decision) -> list[int]:
    """The first token of every word that may be edited: all but the target mask."""
    target = decision.target
    gap = target.position if isinstance(target, MaskTarget) else None
    return [position for position in words_to_edit(decision.encoded) if position != gap]


def variant(decision: Decision, edits: Sequence[Edit]) -> Variant:
    """The text after these edits, tokenized again. Raises TargetError, and TextErrors if nothing remains."""
    model, before, target = decision.model, decision.encoded, decision.target
    encoded = encode(model, *edited_texts(before, edits, model.mask_token))
    if not isinstance(target, MaskTarget):
        return Variant(tuple(edits), encoded)
    start = moved_start(before, edits, target.position, model.mask_token)
    here = (encoded.sequence_ids == before.sequence_ids[target.position]) & (encoded.offsets[:, 1] > start)
    return Variant(tuple(edits), encoded, int(here.argmax()))


def require_classes(decision: Decision) -> None:
    """Raise TargetError for a regression, whose prediction is a number that cannot flip."""
    if decision.is_regression:
        raise TargetError(
            f"{decision.model.source!r} is a regression: its prediction is a score, and no class that could change; "
            "compare the scores of edited texts instead"
        )


def variant_logits(runner: Runner, variants: Sequence[Variant]) -> Array:
    """(variant, class) float32. One pass a variant, those of similar length together."""
    return runner.logits_of_inputs([one.encoded for one in variants], [one.gap for one in variants])


def values(decision: Decision, logits: Array) -> Array:
    """F, (variant,) float64: the logit or probability of what is asked about, or its difference from the foil."""
    found: Array = decision.value(torch.from_numpy(logits)).double().numpy()
    return found


def probabilities(decision: Decision, logits: Array) -> Array:
    """The probability of the target, (variant,) float64; empty for a regression."""
    if decision.is_regression:
        return np.empty(0)
    return values(replace(decision, output="probability", class_ids=decision.class_ids[:1]), logits)
