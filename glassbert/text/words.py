"""Word pieces → words, and corresponding positions in two tokenisations. Each special token is its own group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassbert.pictures.formats import is_byte
from glassbert.results import SPACE, Array, Encoded, read_only

__all__ = ["Words", "merge_scores", "same_place", "tokens_at", "words_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The words of an input, in order. ``group[token]`` is the index of the token's word in ``labels``."""

    labels: tuple[str, ...]  # (word,)
    group: Array  # (token,)


def words_of(encoded: Encoded) -> Words:
    """Group tokens into words, each special token alone: ``[CLS] un ##do ! [SEP] → [CLS] undo ! [SEP]``."""
    labels: list[str] = []
    group = np.empty(len(encoded), dtype=np.int64)
    previous, covered = -1, 0
    for position, word in enumerate(encoded.word_ids):
        if word < 0 or word != previous:
            labels.append("")
            covered = 0
        start, end = encoded.offsets[position]
        piece = encoded.pieces[position]
        if piece != SPACE:
            if start < covered and (encoded.spelling == "ByteLevel" or is_byte(encoded.tokens[position])):
                # this token has further bytes of a character that is already covered
                piece = encoded.texts[encoded.sequence_ids[position]][covered:end]
            labels[-1] += piece
            covered = max(covered, int(end))
        group[position] = len(labels) - 1
        previous = int(word)
    return Words(tuple(label or SPACE for label in labels), read_only(group, "int64"))


def merge_scores(scores: Array, words: Words) -> Array:
    """(…, token) → (…, word): the sum over the pieces of each word, which preserves the total."""
    return np.add.reduceat(scores, _starts(words), axis=-1)


def _starts(words: Words) -> Array:
    return np.flatnonzero(np.diff(words.group, prepend=-1))


def tokens_at(encoded: Encoded, which: int, start: int, end: int) -> Array:
    """The tokens that cover characters [start, end) of the first (0) or the second text (1)."""
    inside = (encoded.offsets[:, 0] < end) & (encoded.offsets[:, 1] > start)
    tokens: Array = np.flatnonzero((encoded.sequence_ids == which) & inside)
    return tokens


def same_place(encoded: Encoded, position: int, other: Encoded) -> int | None:
    """The token that covers the same characters in ``other``, another model's encoding of the same texts.

    The first token that overlaps. Special tokens around the texts are matched by their place: before the first text,
    between the texts, after the last; where one model has more of them, the last stands for the rest. None if there is
    none.
    """
    sequence = encoded.sequence_ids[position]
    if sequence < 0:
        gap = _gaps(encoded)
        own, there = np.flatnonzero(gap == gap[position]), np.flatnonzero(_gaps(other) == gap[position])
        order = int((own < position).sum())
        return int(there[min(order, len(there) - 1)]) if len(there) else None
    start, end = encoded.offsets[position]
    overlaps = (other.sequence_ids == sequence) & (other.offsets[:, 0] < end) & (other.offsets[:, 1] > start)
    return int(overlaps.argmax()) if overlaps.any() else None


def _gaps(encoded: Encoded) -> Array:
    """(token,): how many texts stand before a special token; −1 for the tokens of the texts."""
    texts_before = np.maximum.accumulate(encoded.sequence_ids) + 1
    return np.where(encoded.sequence_ids < 0, texts_before, -1)
