"""The answer and how sure: one forward pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from glassbert.arguments import checked
from glassbert.decision import NO_ANSWER, PAIR_NAMES, Decision, Passes, Runner, decide
from glassbert.network.model import Model
from glassbert.pictures.formats import percent, signed
from glassbert.pictures.markup import clipped
from glassbert.results import Array
from glassbert.targets import (
    AnswerTarget,
    ClassTarget,
    EntityTarget,
    MaskTarget,
    NextSentenceTarget,
    SimilarityTarget,
    SpanTarget,
    Target,
    TokenTarget,
)
from glassbert.text.entity_labels import OUTSIDE
from glassbert.text.inputs import Text, encode
from glassbert.text.words import words_of
from glassbert.verdicts.results import DecidedAnswer

__all__ = ["decided_answer"]

_NONE_FOUND = "The model finds no answer in the text"


@checked
def decided_answer(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    target: Target | int | str | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> DecidedAnswer:
    """What the model answers about a text, with its probability, and what is to be explained.

    ``target`` None explains the answer itself: the predicted class, the top word for the first mask, whether the second
    text follows the first, the type of the first entity, the answer to a question; of a
    multi-label classifier the label with the highest logit, of a regression its score. One forward pass, and one to
    find an open target. Raises TargetError, TaskHeadError, TextErrors; StoppedError when ``cancelled()``.
    """
    passes = Passes(cancelled=cancelled)
    runner = decide(model, encode(model, text, pair), target, "logit", passes=passes)
    logits = _logits(runner)
    settled = runner.decision.target
    if target is None and isinstance(settled, NextSentenceTarget):
        # the open target is "B follows A", but the answer may be that it does not
        settled = NextSentenceTarget(is_next=bool(logits.argmax() == 0))
        runner = decide(model, runner.decision.encoded, settled, "logit", passes=passes)
    return _described(runner.decision, logits, passes.count)


def _logits(runner: Runner) -> Array:
    """(class,) float64, as :meth:`Decision.value` takes them; −∞ for tokens that cannot be the end of an answer."""
    decision = runner.decision
    with torch.no_grad():
        logits = runner.logits(decision.embeddings)[0].double().cpu().numpy()
    if isinstance(decision.target, AnswerTarget):
        logits[decision.encoded.sequence_ids != 1] = -np.inf
    return logits


def _described(decision: Decision, logits: Array, passes: int) -> DecidedAnswer:
    best = int(decision.decided(logits[None])[0])
    target = decision.class_ids[0]
    value = float(decision.value(torch.from_numpy(logits)[None])[0])
    answer, probability, wanted = decision.answers(logits[None])[0], None, None
    following, behind = "", None
    explains = True
    if decision.is_independent:
        wanted = float(decision.probability(logits[None])[0])
        probability = wanted if logits[target] > 0 else 1 - wanted
        explains = bool(logits[target] > 0)
    elif not decision.is_regression:
        probability = float(decision.probability(logits[None], best)[0])
        wanted, explains = float(decision.probability(logits[None])[0]), best == target
        second = decision.runner_up(logits)
        if second is not None:
            following, behind = decision.class_name(second), float(decision.probability(logits[None], second)[0])
    found = DecidedAnswer(
        encoded=decision.encoded,
        target=decision.target,
        target_label=decision.target_label,
        value=value,
        answer=answer,
        probability=probability,
        target_probability=wanted,
        next_answer=following,
        next_probability=behind,
        needed=None if decision.threshold == 0.5 else _needed(decision, best),
        explains_answer=explains,
        score_name=_score_name(decision),
        sentence="",
        forward_passes=passes,
    )
    return replace(found, sentence=_sentence(decision, found))


def _needed(decision: Decision, answer: int) -> float:
    """The probability from which on this class is the answer."""
    return decision.threshold if answer == 1 else 1 - decision.threshold


def _sentence(decision: Decision, found: DecidedAnswer) -> str:
    answer, asked = clipped(found.answer, 60), clipped(decision.class_name(decision.class_ids[0]), 60)
    if isinstance(decision.target, SimilarityTarget):
        if decision.target.foil is None:
            return f"The {found.score_name} is {signed(found.value)}."
        return f"The text is {'closer to' if found.value > 0 else 'no closer to'} {_ends(decision.target)}."
    if found.probability is None:
        return f"The model's {found.score_name} is {found.value:.3g}."
    sure = percent(found.probability)
    if isinstance(decision.target, TokenTarget) and decision.is_independent:
        does = "replaced" if found.explains_answer else "original"
        return f"To the model, “{_word(decision)}” looks {does} ({sure})."
    if decision.is_independent:
        return f"The model says “{answer}” ({sure})."
    if found.needed is not None:
        limit = percent(found.needed)
        if found.is_undecided:
            return f"The model is undecided: {answer} ({sure}) is just above its threshold of {limit}."
        return f"The model says {answer} ({sure}, with a threshold of {limit})."
    if found.is_undecided:
        return (
            f"The model is undecided{_place(decision)}: {_quoted(decision, answer)} ({sure}) is just ahead of "
            f"{_quoted(decision, clipped(found.next_answer, 60))} ({percent(found.next_probability or 0.0)})."
        )
    said = _said(decision, answer, sure)
    if not found.explains_answer:
        said = f"{said[:-1]}; {_quoted(decision, asked)} gets {percent(found.target_probability or 0.0)}."
    return said


def _score_name(decision: Decision) -> str:
    """The value by its name where nothing is decided, else ""."""
    if isinstance(decision.target, SimilarityTarget):
        return "cosine of the two texts" if decision.target.foil is None else ""
    if not decision.is_regression:
        return ""
    label = clipped(decision.class_name(decision.class_ids[0]), 60)
    return f"score for “{label}”" if len(decision.model.labels) > 1 else "score"


def _ends(target: SimilarityTarget) -> str:
    return f"“{clipped(target.other, 60)}” than to “{clipped(target.foil or '', 60)}”"


def _said(decision: Decision, answer: str, sure: str) -> str:
    match decision.target:
        case ClassTarget():
            return f"The model says {answer} ({sure})."
        case MaskTarget():
            return f"The model's first choice for the gap is “{answer.removeprefix('␣')}” ({sure})."
        case NextSentenceTarget():
            does = "follows" if answer == PAIR_NAMES[0] else "does not follow"
            return f"The model says that text B {does} text A ({sure})."
        case TokenTarget():
            return f"The model labels “{_word(decision)}” {answer} ({sure})."
        case EntityTarget():
            if answer == OUTSIDE:
                return f"To the model, “{_word(decision)}” is no entity ({sure})."
            return f"The model takes “{_word(decision)}” for {answer} ({sure})."
        case SpanTarget():
            return f"The model answers “{answer}” ({sure})." if answer != NO_ANSWER else f"{_NONE_FOUND} ({sure})."
        case AnswerTarget(edge=edge):
            return f"The model's answer {edge}s at “{answer.removeprefix('␣')}” ({sure})."
        case SimilarityTarget():
            raise ValueError("a similarity has no probability")


def _place(decision: Decision) -> str:
    match decision.target:
        case MaskTarget():
            return " about the gap"
        case TokenTarget() | EntityTarget():
            return f" about “{_word(decision)}”"
        case AnswerTarget(edge=edge):
            return f" about the {edge} of the answer"
        case _:
            return ""


def _quoted(decision: Decision, name: str) -> str:
    """Words of a text in quotation marks, names of classes without."""
    if isinstance(decision.target, MaskTarget | AnswerTarget | SpanTarget | NextSentenceTarget):
        return f"“{name.removeprefix('␣')}”"
    return name


def _word(decision: Decision) -> str:
    if isinstance(decision.target, EntityTarget):
        return clipped(decision.text_of(decision.positions[0], decision.positions[-1]), 40)
    words = words_of(decision.encoded)
    return clipped(words.labels[words.group[decision.position]], 40)
