"""From a user's target to a decision that can be run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from numbers import Integral

import numpy as np
import torch

from glassbert.decision._windows import central_logits, parts, span_scores_in_windows, strongest, token_logits
from glassbert.decision.decision import PAIR_NAMES, Decision
from glassbert.decision.runner import Passes, Runner
from glassbert.decision.spans import best_span, labels_by_type
from glassbert.errors import OptionError, TargetError, TaskHeadError
from glassbert.models.pooling import Pooling
from glassbert.network.model import Model, require_task_head
from glassbert.network.run import batch, run
from glassbert.network.task_heads import sentence_embeddings
from glassbert.pictures.markup import clipped
from glassbert.results import Encoded
from glassbert.targets import (
    AnswerTarget,
    ClassTarget,
    EntityTarget,
    MaskTarget,
    NextSentenceTarget,
    Output,
    SimilarityTarget,
    SpanTarget,
    Target,
    TokenTarget,
)
from glassbert.text.entity_labels import OUTSIDE, grouped, type_of, types_of
from glassbert.text.inputs import encode, mask_positions, with_masks
from glassbert.text.vocabulary import piece_in_place
from glassbert.text.windows import decided_in, most_central

__all__ = ["decide", "pooling_of"]


def decide(
    model: Model,
    encoded: Encoded,
    target: Target | int | str | None,
    output: Output,
    *,
    passes: Passes | None = None,
) -> Runner:
    """Validate the target against the model and resolve what it leaves open.

    ``None`` selects the first that the model supports: the predicted class, the first typed mask, the next sentence of
    a pair, the first entity (the first word if there is none), the answer to a question, the token that looks most
    replaced. Resolving an open target costs one forward pass, counted in ``passes``; the labels of an entity cost one
    as well. Raises TargetError, TaskHeadError, OptionError.
    """
    if output not in ("logit", "probability"):
        raise OptionError(f"output must be one of logit, probability; got {output!r}")
    counted = passes or Passes()
    if target is None:
        target = _default_target(model, encoded, counted)
    wanted = ClassTarget(target) if isinstance(target, int | str | Integral) else target
    if not isinstance(wanted, Target):
        raise TargetError(
            "a target must be a class id or name, ClassTarget, MaskTarget, NextSentenceTarget, TokenTarget, "
            f"EntityTarget, SpanTarget, AnswerTarget or SimilarityTarget; got {target!r}"
        )
    open_decision = Decision(model, encoded, wanted, "", output, ())
    if open_decision.in_windows:
        open_decision = _with_shares(open_decision, counted)
    return Runner(_settled(open_decision, counted), counted)


def _settled(decision: Decision, passes: Passes) -> Decision:
    """The decision with everything that its target left open resolved."""
    match decision.target:
        case ClassTarget() as target:
            return _settle_class(decision, target, passes)
        case MaskTarget() as target:
            return _settle_mask(decision, target, passes)
        case TokenTarget() as target:
            return _settle_token(decision, target, passes)
        case EntityTarget() as target:
            return _settle_entity(decision, target, passes)
        case SpanTarget() as target:
            return _settle_span(decision, target, passes)
        case AnswerTarget() as target:
            return _settle_answer(decision, target, passes)
        case SimilarityTarget() as target:
            return _settle_similarity(decision, target, passes)
        case NextSentenceTarget() as target:
            require_task_head(decision.model, "next_sentence")
            _need_pair(decision.encoded, "the next-sentence target needs two texts: give a second one")
            index = 0 if target.is_next else 1
            return replace(decision, target_label=PAIR_NAMES[index], class_ids=(index,))


def _with_shares(decision: Decision, passes: Passes) -> Decision:
    """The decision about a text in windows with the share of each window. Those of an answer are set with its place."""
    encoded, target = decision.encoded, decision.target
    if decision.output == "probability":
        raise OptionError(
            "what is explained of a text that is read in windows is a logit, the mean of those of its windows; the "
            "probability is no such sum: choose the output logit"
        )
    if isinstance(target, SimilarityTarget):
        raise TargetError("a similarity is of a text that the model reads at once: choose one window, or shorten it")
    if isinstance(target, MaskTarget | TokenTarget):
        if not 0 <= target.position < len(encoded):
            raise TargetError(f"position {target.position}: this input has tokens 0 to {len(encoded) - 1}")
        return _read_in(decision, most_central(encoded, int(target.position)))
    if isinstance(target, EntityTarget):
        _check_entity(encoded, target)
        return _read_in(decision, _window_of(encoded, range(target.start, target.end)))
    if not encoded.window_weights.any() and not isinstance(target, AnswerTarget | SpanTarget):
        require_task_head(decision.model, decision.head)
        with torch.no_grad():
            rows = decision.embeddings
            found = [
                part.runner.logits(rows[:, part.positions])[0] for part in parts(Runner(decision, passes), every=True)
            ]
        return _read_in(decision, strongest(found, independent=decision.is_independent))
    return decision


def _read_in(decision: Decision, number: int) -> Decision:
    """The decision by one of the windows."""
    return replace(decision, encoded=decided_in(decision.encoded, number))


def _window_of(encoded: Encoded, places: Sequence[int]) -> int:
    """The window in which the middle of these tokens is most central. Raises TargetError if it does not show all."""
    number = most_central(encoded, (min(places) + max(places)) // 2)
    if not np.isin(places, encoded.window_positions(number)).all():
        raise TargetError(
            f"tokens {min(places)} to {max(places)} are too far apart: no window of this text shows them all"
        )
    return number


def _default_target(model: Model, encoded: Encoded, passes: Passes) -> Target:
    if "classification" in model.task_heads:
        return ClassTarget()
    masks = mask_positions(model, encoded)
    if "masked_words" in model.task_heads and masks:
        return MaskTarget(masks[0])
    if "next_sentence" in model.task_heads and len(encoded.texts) == 2:
        return NextSentenceTarget()
    if "token_classification" in model.task_heads:
        return _first_entity(model, encoded, passes)
    if "question_answering" in model.task_heads:
        return SpanTarget()
    if "replaced_tokens" in model.task_heads:
        return _most_suspicious(model, encoded, passes)
    if "masked_words" in model.task_heads:
        raise TargetError(
            f"there is nothing to explain yet: type a {model.mask_token} in the text or choose a position to mask "
            "(target=MaskTarget(position))"
        )
    raise TargetError(f"{model.source!r} has no task head whose decision could be explained; choose a classifier")


def _first_entity(model: Model, encoded: Encoded, passes: Passes) -> EntityTarget:
    """The first entity of the text, else its first word. One forward pass, or one per window."""
    passes.add(max(1, len(encoded.windows)))
    best = token_logits(model, encoded, "token_classification").argmax(dim=1).tolist()
    words = np.flatnonzero(encoded.special_tokens_mask == 0).tolist()
    groups = grouped((place, model.labels[best[place]]) for place in words)
    found = (group for group in groups if type_of(model.labels[best[group[0]]]) != OUTSIDE)
    first = next(found, words[:1])
    return EntityTarget(first[0], first[-1] + 1)


def _most_suspicious(model: Model, encoded: Encoded, passes: Passes) -> TokenTarget:
    """The token that looks replaced more than the others. One forward pass, or one per window."""
    passes.add(max(1, len(encoded.windows)))
    logits = token_logits(model, encoded, "replaced_tokens")[:, 0].numpy()
    return TokenTarget(int(np.where(encoded.special_tokens_mask == 0, logits, -np.inf).argmax()))


def _settle_class(decision: Decision, target: ClassTarget, passes: Passes) -> Decision:
    model = decision.model
    require_task_head(model, "classification")
    if model.regression and decision.output == "probability":
        raise OptionError(
            f"{model.source!r} is a regression, whose scores have no probability: choose the output logit"
        )
    label = _best(decision, passes) if target.label is None else _label_id(model, target.label)
    foil = None if target.foil is None else _label_id(model, target.foil)
    return _contrasted(replace(decision, target=ClassTarget(label, foil, target.threshold)), label, foil)


def _settle_token(decision: Decision, target: TokenTarget, passes: Passes) -> Decision:
    model, position = decision.model, int(target.position)
    require_task_head(model, decision.head)
    words = np.flatnonzero(decision.encoded.special_tokens_mask == 0)
    if position not in words:
        raise TargetError(f"token {position} has no label to explain; the words of this text are tokens {_span(words)}")
    if decision.is_independent:  # a discriminator has one label
        label, piece = _label_id(model, target.label or 0), decision.encoded.pieces[position]
        if target.foil is not None:
            raise TargetError("a discriminator has one logit for each token and no other one to compare it with")
        named = replace(decision, target=TokenTarget(position, label), class_ids=(label,))
        return replace(named, target_label=f"“{piece}” {model.labels[label]}")
    label = _best(decision, passes) if target.label is None else _label_id(model, target.label)
    foil = None if target.foil is None else _label_id(model, target.foil)
    return _contrasted(replace(decision, target=TokenTarget(position, label, foil)), label, foil)


def _settle_entity(decision: Decision, target: EntityTarget, passes: Passes) -> Decision:
    model, encoded = decision.model, decision.encoded
    require_task_head(model, decision.head)
    _check_entity(encoded, target)
    runner = Runner(decision, passes)
    with torch.no_grad():
        logits = runner.logits(decision.embeddings).cpu().numpy()
    decision = replace(decision, labels_by_type=labels_by_type(logits[0], model.labels))
    label = int(decision.decided(logits)[0]) if target.label is None else _type_id(model, target.label)
    foil = None if target.foil is None else _type_id(model, target.foil)
    names = types_of(model.labels)
    settled = replace(target, label=names[label], foil=None if foil is None else names[foil])
    return _contrasted(replace(decision, target=settled), label, foil)


def _check_entity(encoded: Encoded, target: EntityTarget) -> None:
    words = np.flatnonzero(encoded.special_tokens_mask == 0)
    places = np.arange(target.start, target.end)
    if not len(places) or not np.isin(places, words).all():
        raise TargetError(
            f"tokens [{target.start}, {target.end}) are no span of words; the words of this text are tokens "
            f"{_span(words)}"
        )


def _type_id(model: Model, label: int | str) -> int:
    """The number of a type, given by its name, or by one of its labels and its id."""
    names = types_of(model.labels)
    if isinstance(label, str) and label in names:
        return names.index(label)
    if isinstance(label, str) and label not in model.labels:
        raise TargetError(f"type {label!r}: this model's types are {', '.join(names)}")
    return names.index(type_of(model.labels[_label_id(model, label)]))


def _settle_span(decision: Decision, target: SpanTarget, passes: Passes) -> Decision:
    model, encoded = decision.model, decision.encoded
    require_task_head(model, "question_answering")
    _need_pair(encoded, "an answer needs a question and a text to find it in: give both")
    none = model.checkpoint.knows_no_answer if target.no_answer is None else bool(target.no_answer)
    decision = replace(decision, target=replace(target, no_answer=none))
    if (target.start is None) != (target.end is None):
        raise TargetError("a span needs its first and its last token: give both, or neither for the best one")
    asked = None if target.start is None or target.end is None else (int(target.start), int(target.end))
    for span in (asked, target.foil):
        if span is not None:
            _check_span(decision, span)
    if asked is None:
        asked = _best_span(decision, passes)
    if decision.in_windows:
        if (0, 0) in (asked, target.foil):
            raise TargetError("“no answer” is decided by every window: choose one window to explain it")
        decision = _read_in(decision, _window_of(encoded, (*asked, *(target.foil or ()))))
    settled = replace(decision, target=SpanTarget(*asked, target.foil, none))
    foil = None if target.foil is None else settled.class_of_span(*target.foil)
    return _contrasted(settled, settled.class_of_span(*asked), foil)


def _best_span(decision: Decision, passes: Passes) -> tuple[int, int]:
    """The first and last token of the best answer. One forward pass, or one per window."""
    runner = Runner(decision, passes)
    with torch.no_grad():
        if not decision.in_windows:
            return best_span(runner.logits(decision.embeddings)[0].cpu().numpy(), decision.possible)[:2]
        rows = decision.embeddings
        each = (part.runner.logits(rows[:, part.positions])[0].cpu().numpy() for part in parts(runner, every=True))
        scores = span_scores_in_windows(decision.encoded, each, decision.encoded.sequence_ids == 1)
    first, length = divmod(int(scores.argmax()), scores.shape[1])
    return first, first + length


def _check_span(decision: Decision, span: tuple[int, int]) -> None:
    first, last = span
    possible = np.flatnonzero(decision.possible)
    inside = first in possible and last in possible and first <= last and (first > 0 or last == 0)
    if not inside:
        context = _span(np.flatnonzero(decision.encoded.sequence_ids == 1))
        none = ", or 0 to 0 for no answer" if 0 in possible else ""
        raise TargetError(f"no answer goes from token {first} to {last}; the text has tokens {context}{none}")


def _settle_mask(decision: Decision, target: MaskTarget, passes: Passes) -> Decision:
    position = int(target.position)
    masked = with_masks(decision.model, decision.encoded, [position])
    decision = replace(decision, encoded=masked, target=replace(target, position=position))
    token = _best(decision, passes) if target.token is None else _piece(decision, position, target.token)
    foil = None if target.foil is None else _piece(decision, position, target.foil)
    return _contrasted(replace(decision, target=MaskTarget(position, token, foil)), token, foil)


def _piece(decision: Decision, position: int, token: int | str) -> int:
    """The id of a word as tokenized there ("he" is "Ġhe" in RoBERTa), else of exactly that vocabulary entry."""
    try:
        return piece_in_place(decision.model, decision.encoded, position, token)
    except TargetError:
        entry = decision.model.tokenizer.get_vocab().get(token)
        if entry is None:
            raise
        return int(entry)


def _settle_answer(decision: Decision, target: AnswerTarget, passes: Passes) -> Decision:
    encoded = decision.encoded
    require_task_head(decision.model, "question_answering")
    _need_pair(encoded, "an answer needs a question and a text to find it in: give both")
    if target.edge not in ("start", "end"):
        raise TargetError(f"the edge of an answer must be one of start, end; got {target.edge!r}")
    context = np.flatnonzero(encoded.sequence_ids == 1)
    for position in (target.position, target.foil):
        if position is not None and position not in context:
            raise TargetError(f"no answer can {target.edge} at token {position}; the text has tokens {_span(context)}")
    place = _best(decision, passes, among=context) if target.position is None else int(target.position)
    foil = None if target.foil is None else int(target.foil)
    if decision.in_windows:
        number = most_central(encoded, place)
        decision = _read_in(decision, number)
        if foil is not None and foil not in encoded.window_positions(number):
            raise TargetError(f"tokens {place} and {foil} are too far apart to be compared: no window shows both")
    return _contrasted(replace(decision, target=AnswerTarget(target.edge, place, foil)), place, foil)


def _settle_similarity(decision: Decision, target: SimilarityTarget, passes: Passes) -> Decision:
    model = decision.model
    if len(decision.encoded.texts) == 2:
        raise TargetError("a similarity is between one text and the other of the target: leave the second text out")
    if decision.output == "probability":
        raise OptionError("a cosine is no probability: choose the output logit")
    pooling = pooling_of(model, target.pooling)
    others = [target.other] if target.foil is None else [target.other, target.foil]
    if target.foil == target.other:
        raise TargetError("the other text and the foil are the same: choose two different ones")
    encoded = [encode(model, other) for other in others]
    passes.add(len(encoded))
    vectors = run(model, batch(model, encoded), lambda forward: sentence_embeddings(forward, pooling)[0].cpu())
    anchors = torch.nn.functional.normalize(vectors, dim=-1)
    settled = replace(decision, target=replace(target, pooling=pooling), anchors=anchors)
    return _contrasted(settled, 0, None if target.foil is None else 1)


def pooling_of(model: Model, asked: Pooling | None = None) -> Pooling:
    """The pooling asked for, else that of the sentence encoder's files. Raises OptionError, TaskHeadError."""
    if asked is not None or model.checkpoint.pooling is not None:
        return asked or model.checkpoint.pooling  # type: ignore[return-value]
    if "classification" in model.task_heads and len(model.labels) == 1:
        raise TaskHeadError(
            f"{model.source!r} reads two texts together and answers with a score, so there are no two embeddings to "
            "compare: explain its score with attribute(model, text, pair)"
        )
    raise OptionError(
        f'{model.checkpoint.no_pooling}: choose one, pooling="mean" or "cls"; a model that was not trained for '
        "it gives cosines that say little"
    )


def _best(decision: Decision, passes: Passes, among: np.ndarray[tuple[int], np.dtype[np.int64]] | None = None) -> int:
    """The class that is predicted: that with the highest logit, or by the threshold. One forward pass."""
    runner = Runner(decision, passes)
    with torch.no_grad():
        if decision.in_windows and isinstance(decision.target, AnswerTarget):
            found = central_logits(runner, decision.embeddings)
        else:
            found = runner.logits(decision.embeddings)
    logits = decision.deciding(found.cpu().numpy())[0]
    return int(logits.argmax()) if among is None else int(among[logits[among].argmax()])


def _contrasted(decision: Decision, target: int, foil: int | None) -> Decision:
    """The decision with its class ids and their label: "A rather than B"; of an entity with its words."""
    name: Callable[[int], str] = decision.class_name
    entity = isinstance(decision.target, EntityTarget)
    of = f" for “{clipped(decision.text_of(decision.positions[0], decision.positions[-1]), 60)}”" if entity else ""
    if foil is None:
        return replace(decision, target_label=f"{name(target)}{of}", class_ids=(target,))
    if foil == target:
        raise TargetError(f"target and foil are both {name(target)!r}: choose two different ones")
    return replace(decision, target_label=f"{name(target)} rather than {name(foil)}{of}", class_ids=(target, foil))


def _label_id(model: Model, label: int | str) -> int:
    if not isinstance(label, str):
        if 0 <= label < len(model.labels):
            return int(label)
        raise TargetError(f"class {label}: this model has classes 0 to {len(model.labels) - 1}")
    if model.labels.count(label) > 1:
        ids = ", ".join(str(number) for number, name in enumerate(model.labels) if name == label)
        raise TargetError(f"several classes are named {label!r}: choose one by its id ({ids})")
    if label in model.labels:
        return model.labels.index(label)
    raise TargetError(f"class {label!r}: this model's classes are {', '.join(model.labels)}")


def _need_pair(encoded: Encoded, otherwise: str) -> None:
    if len(encoded.texts) != 2:
        raise TargetError(otherwise)


def _span(positions: np.ndarray[tuple[int], np.dtype[np.int64]]) -> str:
    return f"{positions[0]} to {positions[-1]}"
