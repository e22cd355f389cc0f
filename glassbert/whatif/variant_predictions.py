"""What a model predicts about edited texts: the target stays the same while the text changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from glassbert.arguments import checked
from glassbert.decision import Decision, Passes, Runner, decide
from glassbert.errors import OptionError, TargetError
from glassbert.network.batches import batches
from glassbert.network.model import Model
from glassbert.network.task_heads import task_logits
from glassbert.results import Array, Encoded
from glassbert.targets import ClassTarget, MaskTarget, NextSentenceTarget, Output, SimilarityTarget, Target
from glassbert.text.inputs import Text, encode, mask_positions
from glassbert.whatif.edits import Edit, edit_text, words_to_edit
from glassbert.whatif.results import Variants

__all__ = [
    "Variant",
    "as_result",
    "decide_edited",
    "editable",
    "probabilities",
    "require_classes",
    "variant",
    "variant_logits",
    "variants",
]


@checked
def variants(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    edits: Sequence[Edit | Sequence[Edit]],
    target: Target | int | str | None = None,
    output: Output | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Variants:
    """What the model decides about edited texts.

    ``variants(model, "A good film", edits=[Edit(2, replacement="bad")])``: each element of ``edits`` is a variant, one
    :class:`Edit` or several applied together. Every variant is tokenized again, as if it had been typed. Costs one
    forward pass per variant, one for the original, and one if ``target`` is None (the predicted class; without a
    classifier, the first mask in the text; without a mask, the next sentence of a pair). ``output`` None: values are
    probabilities, or the scores of a regression. Raises OptionError for an empty list, TargetError, TaskHeadError and
    the TextErrors.
    """
    start = time.perf_counter()
    if isinstance(edits, Edit) or len(edits) == 0:
        raise OptionError("edits must be a list with at least one edit, or list of edits applied together")
    runner = decide_edited(model, encode(model, text, pair), target, output, cancelled=cancelled)
    decision = runner.decision
    made = [variant(decision, [one] if isinstance(one, Edit) else one) for one in edits]
    logits = variant_logits(runner, [variant(decision, []), *made])
    return as_result(runner, logits[0], made, logits[1:], start)


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
        output = "logit" if model.regression or isinstance(target, SimilarityTarget) else "probability"
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


def require_classes(decision: Decision) -> None:
    """Raise TargetError for a regression, whose prediction is a number that cannot flip."""
    if decision.is_regression:
        raise TargetError(
            f"{decision.model.source!r} is a regression: its prediction is a score, and no class that could change; "
            "compare the scores of edited texts instead"
        )


def editable(decision: Decision) -> list[int]:
    """The first token of every word that may be edited: all but the target mask."""
    target = decision.target
    gap = target.position if isinstance(target, MaskTarget) else None
    return [position for position in words_to_edit(decision.encoded) if position != gap]


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """An edited text as the model reads it; ``gap`` is the target mask's token."""

    edits: tuple[Edit, ...]
    encoded: Encoded
    gap: int = 0


def variant(decision: Decision, edits: Sequence[Edit]) -> Variant:
    """The text after these edits, tokenized again. Raises TargetError, and TextErrors if nothing remains."""
    edited = edit_text(decision.encoded, edits, decision.model.mask_token)
    encoded = encode(decision.model, *edited.texts)
    if not isinstance(decision.target, MaskTarget):
        return Variant(tuple(edits), encoded)
    mask = edited.word(decision.target.position)
    if mask.changed:
        raise TargetError("the target mask cannot be edited: edit another word")
    return Variant(tuple(edits), encoded, mask.token_in(encoded))


def variant_logits(runner: Runner, variants: Sequence[Variant]) -> Array:
    """(variant, class) float32 logits of the decision's head. One pass per variant; similar lengths share a batch."""
    decision = runner.decision
    found: dict[int, Array] = {}
    for chosen in batches(decision.model, [len(one.encoded) for one in variants]):
        runner.passes.add(len(chosen))
        gaps = torch.tensor([variants[index].gap for index in chosen])
        at = gaps if isinstance(decision.target, MaskTarget) else None
        logits = task_logits(decision.model, [variants[index].encoded for index in chosen], decision.head, at)
        found.update(zip(chosen, logits.numpy(), strict=True))
    return np.stack([found[index] for index in range(len(variants))])


def as_result(runner: Runner, original: Array, made: Sequence[Variant], logits: Array, start: float) -> Variants:
    """Variants with their (variant, class) logits, and the original's (class,)."""
    decision = runner.decision
    empty = np.empty(0)
    return Variants(
        encoded=decision.encoded,
        target=decision.target,
        target_label=decision.target_label,
        output=decision.output,
        value=float(_values(decision, original[None])[0]),
        probability=None if decision.is_regression else float(probabilities(decision, original[None])[0]),
        prediction=decision.answers(original[None])[0],
        edits=tuple(tuple((int(e.position), str(e.kind), e.replacement) for e in one.edits) for one in made),
        texts=tuple(one.encoded.texts for one in made),
        values=_values(decision, logits) if len(made) else empty,
        probabilities=probabilities(decision, logits) if len(made) else empty,
        predictions=decision.answers(logits) if len(made) else (),
        forward_passes=runner.passes.count,
        seconds=time.perf_counter() - start,
    )


def probabilities(decision: Decision, logits: Array) -> Array:
    """The probability of the target, (variant,) float64; empty for a regression."""
    if decision.is_regression:
        return np.empty(0)
    return _values(replace(decision, output="probability", class_ids=decision.class_ids[:1]), logits)


def _values(decision: Decision, logits: Array) -> Array:
    """F, (variant,) float64: the logit or probability of the target, or its difference from the foil."""
    found: Array = decision.value(torch.from_numpy(logits)).double().numpy()
    return found
