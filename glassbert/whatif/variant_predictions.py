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
from glassbert.targets import (
    ClassTarget,
    EntityTarget,
    MaskTarget,
    NextSentenceTarget,
    Output,
    SimilarityTarget,
    SpanTarget,
    Target,
)
from glassbert.text.inputs import Text, encode, mask_positions
from glassbert.whatif.edits import Edit, EditedText, edit_text, words_to_edit
from glassbert.whatif.results import Variants

__all__ = [
    "Variant",
    "as_result",
    "decide_edited",
    "require_classes",
    "variant",
    "variant_lead",
    "variant_logits",
    "variants",
    "words_that_may_change",
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
    if not isinstance(settled, ClassTarget | MaskTarget | NextSentenceTarget | EntityTarget | SpanTarget):
        raise TargetError(
            "texts can be edited for a class, a masked word, the next sentence, an entity or an answer as the target; "
            "choose one of these"
        )
    return runner


def require_classes(decision: Decision) -> None:
    """Raise TargetError for a regression, whose prediction is a number that cannot flip."""
    if decision.is_regression:
        raise TargetError(
            f"{decision.model.source!r} is a regression: its prediction is a score, and no class that could change; "
            "compare the scores of edited texts instead"
        )


def words_that_may_change(encoded: Encoded, target: Target) -> list[int]:
    """The first token of every word that a search may change: all but the target mask, the entity, or the answer."""
    match target:
        case MaskTarget(position=position):
            own = range(position, position + 1)
        case EntityTarget(start=start, end=end):
            own = range(start, end)
        case SpanTarget(start=int(start), end=int(last)) if last:
            own = range(start, last + 1)
        case _:
            own = range(0)
    of_target = {int(encoded.word_ids[position]) for position in own}
    return [position for position in words_to_edit(encoded) if int(encoded.word_ids[position]) not in of_target]


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """An edited text, and the same decision about it: the mask, the entity or the answer where it stands now."""

    edits: tuple[Edit, ...]
    decision: Decision
    edited: EditedText

    @property
    def encoded(self) -> Encoded:
        """The edited text as the model reads it."""
        return self.decision.encoded


def variant(decision: Decision, edits: Sequence[Edit]) -> Variant:
    """The text after these edits, tokenized again. Raises TargetError, and TextErrors if nothing remains."""
    edited = edit_text(decision.encoded, edits, decision.model.mask_token)
    encoded = encode(decision.model, *edited.texts)
    own = replace(decision, encoded=encoded)
    match decision.target:
        case MaskTarget() as target:
            mask = edited.word(target.position)
            if mask.changed:
                raise TargetError("the target mask cannot be edited: edit another word")
            own = replace(own, target=replace(target, position=mask.token_in(encoded)))
        case EntityTarget() as target:
            start, last = _moved(edited, encoded, decision.positions)
            assert decision.labels_by_type is not None
            # further tokens of a replaced name have the labels of its last one
            rows = np.minimum(np.arange(last + 1 - start), target.end - target.start - 1)
            own = replace(
                own,
                target=replace(target, start=start, end=last + 1),
                labels_by_type=decision.labels_by_type[rows],
            )
        case SpanTarget() as target:
            spans = [_moved(edited, encoded, _tokens(decision.span(index))) for index in decision.class_ids]
            foil = spans[1] if len(spans) > 1 else None
            own = replace(own, target=SpanTarget(spans[0][0], spans[0][1], foil, target.no_answer))
            own = replace(own, class_ids=tuple(own.class_of_span(*span) for span in spans))
    return Variant(tuple(edits), own, edited)


def _tokens(span: tuple[int, int]) -> range:
    return range(span[0], span[1] + 1)


def _moved(edited: EditedText, encoded: Encoded, tokens: Sequence[int]) -> tuple[int, int]:
    """The first and last token that stand for these in the edited text. Raises TargetError if none is left."""
    found = edited.moved(tokens, encoded)
    if not len(found):
        raise TargetError("the words that the target is about cannot all be deleted: replace them, or edit others")
    return int(found[0]), int(found[-1])


def variant_logits(runner: Runner, variants: Sequence[Variant]) -> list[Array]:
    """The float32 logits of each variant's decision. One pass per variant; similar lengths share a batch."""
    model, head = runner.decision.model, runner.decision.head
    found: dict[int, Array] = {}
    for chosen in batches(model, [len(one.encoded) for one in variants]):
        runner.passes.add(len(chosen))
        decisions = [variants[index].decision for index in chosen]
        masked = isinstance(runner.decision.target, MaskTarget)
        at = torch.cat([one.read_at for one in decisions]) if masked else None
        logits = task_logits(model, [one.encoded for one in decisions], head, at).numpy()
        for index, own, row in zip(chosen, decisions, logits, strict=True):
            match own.target:
                case EntityTarget():
                    row = row[list(own.positions)]
                case SpanTarget():
                    row = row[:, : own.length]
            found[index] = row
    return [found[index] for index in range(len(variants))]


def variant_lead(decision: Decision, one: Variant, logits: Array, original: Array) -> float:
    """The margin of the prediction of the ``original`` logits in this variant: below 0, it has flipped."""
    if not isinstance(decision.target, SpanTarget):
        return float(one.decision.leads(logits[None], original)[0])
    answer = decision.span(int(decision.decided(original[None])[0]))
    left = one.edited.moved(_tokens(answer), one.encoded)
    if not len(left):
        return -np.inf
    return float(one.decision.ahead(logits[None], one.decision.class_of_span(int(left[0]), int(left[-1])))[0])


def as_result(
    runner: Runner, original: Array, made: Sequence[Variant], logits: Sequence[Array], start: float
) -> Variants:
    """Variants with their logits, and those of the original."""
    decision = runner.decision
    empty = np.empty(0)
    each = [(one.decision, row[None]) for one, row in zip(made, logits, strict=True)]
    return Variants(
        encoded=decision.encoded,
        target=decision.target,
        target_label=decision.target_label,
        output=decision.output,
        value=_value(decision, original[None]),
        probability=None if decision.is_regression else float(decision.probability(original[None])[0]),
        prediction=decision.answers(original[None])[0],
        edits=tuple(tuple((int(e.position), str(e.kind), e.replacement) for e in one.edits) for one in made),
        texts=tuple(one.encoded.texts for one in made),
        values=np.asarray([_value(own, row) for own, row in each]),
        probabilities=empty
        if decision.is_regression
        else np.asarray([float(own.probability(row)[0]) for own, row in each]),
        predictions=tuple(own.answers(row)[0] for own, row in each),
        forward_passes=runner.passes.count,
        seconds=time.perf_counter() - start,
    )


def _value(decision: Decision, logits: Array) -> float:
    """F of one input: the logit or probability of the target, or its difference from the foil."""
    return float(decision.value(torch.from_numpy(logits)).double()[0])
