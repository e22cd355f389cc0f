"""Decisions about several tokens at once: the type of an entity, and the span that answers a question.

The logits of an entity are those of its tokens, (input, token, label); those of an answer are (input, 2, token), the
start and the end. Here is how they compete: the types of an entity, and the spans that can be an answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassbert.results import Array, Encoded
from glassbert.text.entity_labels import type_of, types_of

__all__ = ["LONGEST_ANSWER", "best_span", "can_answer", "labels_by_type", "lead_of_span", "of_types", "span_scores"]

#: The most tokens of an answer.
LONGEST_ANSWER = 30


def labels_by_type(logits: Array, labels: Sequence[str]) -> Array:
    """(token, label) logits → (token, type): of the labels of each type, the id of the one that scores highest."""
    table = np.empty((len(logits), len(types_of(labels))), dtype=np.int64)
    for column, name in enumerate(types_of(labels)):
        own = np.asarray([number for number, label in enumerate(labels) if type_of(label) == name])
        table[:, column] = own[logits[:, own].argmax(axis=1)]
    return table


def of_types(logits: Array, labels: Sequence[str]) -> Array:
    """(input, token, label) logits → (input, type): the mean over the tokens of the highest logit of the type."""
    names = [type_of(label) for label in labels]
    columns = [
        logits[:, :, [number for number, other in enumerate(names) if other == name]].max(axis=2).mean(axis=1)
        for name in types_of(labels)
    ]
    return np.stack(columns, axis=1)


def can_answer(encoded: Encoded, *, no_answer: bool) -> Array:
    """(token,) bool: those at which an answer starts or ends: of the second text, and the first token, [CLS], where
    that stands for "no answer"."""
    possible: Array = encoded.sequence_ids == 1
    if no_answer:
        possible = possible.copy()
        possible[0] = True
    return possible


def span_scores(start: Array, end: Array, possible: Array, longest: int = LONGEST_ANSWER) -> Array:
    """(token, length): start[first] + end[first + length], the score of every span, −∞ for those that are none.

    ``start`` and ``end`` are (token,) of one input. A span is of tokens that are ``possible``, no longer than
    ``longest``; [CLS] is one by itself.
    """
    tokens = len(start)
    longest = min(longest, tokens)
    last = np.arange(tokens)[:, None] + np.arange(longest)
    inside = last < tokens
    last = np.where(inside, last, 0)
    allowed = inside & possible[:, None] & possible[last]
    allowed[0, 1:] = False
    scores: Array = np.where(allowed, start[:, None] + end[last], -np.inf)
    return scores


def best_span(logits: Array, possible: Array, *, beside: tuple[int, int] | None = None) -> tuple[int, int, float]:
    """The first and last token of the span with the highest score, of (2, token) logits, and that score: of all, or of
    those that share no token with the span ``beside``."""
    scores = span_scores(logits[0], logits[1], possible)
    if beside is not None:
        scores[_overlapping(scores, beside)] = -np.inf
    first, length = divmod(int(scores.argmax()), scores.shape[1])
    return first, first + length, float(scores[first, length])


def lead_of_span(logits: Array, possible: Array, span: tuple[int, int]) -> float:
    """By how much the best span that shares a token with this one leads the best of the others.

    Such spans are the same answer in more or fewer words. Where no other is possible, by how much this span itself
    leads every other one; infinite if there is only this one.
    """
    scores = span_scores(logits[0], logits[1], possible)
    same = _overlapping(scores, span)
    own = float(logits[0, span[0]] + logits[1, span[1]])
    others = float(scores[~same].max(initial=-np.inf))
    if np.isfinite(others):
        return max(own, float(scores[same].max())) - others
    if span[1] - span[0] < scores.shape[1]:
        scores[span[0], span[1] - span[0]] = -np.inf
    return own - float(scores.max())


def _overlapping(scores: Array, span: tuple[int, int]) -> Array:
    """(token, length) bool: which spans share a token with this one."""
    first = np.arange(len(scores))[:, None]
    last = first + np.arange(scores.shape[1])
    overlapping: Array = (first <= span[1]) & (last >= span[0])
    return overlapping
