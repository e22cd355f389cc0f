"""Align the words of two inputs: two tokenisations of one text, or two texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from glassbert.arguments import checked
from glassbert.network.model import Model
from glassbert.results import Array, Encoded
from glassbert.text.inputs import Text, encode
from glassbert.text.results import LengthHint, WordAlignment
from glassbert.text.words import words_of

__all__ = ["align_words", "same_length_hint"]

# A replacement costs less than a deletion plus an insertion, so changed words are aligned, and more than either of
# them, so equal words a few places apart are still matched. A word is never aligned with punctuation.
_GAP, _REPLACEMENT, _NEVER = 2, 3, 5


@dataclass(frozen=True, slots=True)
class _Word:
    label: str
    start: int  # tokens
    stop: int
    first_character: int
    end_character: int


#: The tokens of a row in the first and in the second input, [start, stop); None: a gap.
_Span = tuple[int, int]
_Row = tuple[_Span | None, _Span | None]


@checked
def align_words(first: Encoded, second: Encoded) -> WordAlignment:
    """Align the words of two inputs, row by row; a word with no counterpart is aligned with a gap.

    One text read by two tokenizers is aligned by characters: words that overlap share a row, so a row may contain
    ``don ' t`` on one side and ``don't`` on the other. Two texts are aligned by words, with minimum edit cost (Wagner &
    Fischer 1974). In pairs, second texts are aligned with second texts. Special tokens before, between and after the
    texts are aligned with each other: one to one, or all in one row if their numbers differ (``[SEP]`` and
    ``</s></s>``). No forward pass.
    """
    same = len(first.texts) == len(second.texts) and all(
        _canonical(a) == _canonical(b) for a, b in zip(first.texts, second.texts, strict=True)
    )
    rows: list[_Row] = []
    parts = (_parts(first), _parts(second))
    for number in range(max(len(parts[0]), len(parts[1]))):
        one, other = (part[number] if number < len(part) else [] for part in parts)
        if number % 2 == 0:
            rows += _specials(one, other)
        else:
            rows += _by_characters(one, other) if same else _by_words(one, other)
    return WordAlignment(
        first=first,
        second=second,
        by="characters" if same else "words",
        first_spans=_filled([row[0] for row in rows]),
        second_spans=_filled([row[1] for row in rows]),
    )


@checked
def same_length_hint(
    model: Model, clean: Text, corrupted: Text, pair: str | None = None, corrupted_pair: str | None = None
) -> LengthHint:
    """Why two texts have different numbers of tokens: the words with more pieces in one text than in the other.

    For :func:`glassbert.trace`, which matches tokens one to one. ``sentence`` explains it in words, ``frame()`` as a
    table. Raises TextErrors.
    """
    first = encode(model, clean, pair)
    second = encode(model, corrupted, corrupted_pair if corrupted_pair is not None else pair)
    return LengthHint(align_words(first, second))


def _canonical(text: str) -> str:
    """Replace the model's own mask token in the text; both spellings are six characters long."""
    return text.replace("<mask>", "[MASK]")


def _parts(encoded: Encoded) -> list[list[_Word]]:
    """Special tokens, words of the first text, special tokens, (words of the second, special tokens)."""
    words = words_of(encoded)
    starts = np.flatnonzero(np.diff(words.group, prepend=-1, append=len(encoded)))
    parts: list[list[_Word]] = [[]]
    for label, start, stop in zip(words.labels, starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        part = 1 + 2 * int(encoded.sequence_ids[start])
        if part < 0:  # a special token: after the previous part
            part = len(parts) - 1 + (len(parts) - 1) % 2
        parts += [[] for _ in range(part + 1 - len(parts))]
        offsets = encoded.offsets[start:stop]
        parts[part].append(_Word(label, start, stop, int(offsets[:, 0].min()), int(offsets[:, 1].max())))
    return parts


def _specials(first: list[_Word], second: list[_Word]) -> list[_Row]:
    if len(first) == len(second):
        return [((a.start, a.stop), (b.start, b.stop)) for a, b in zip(first, second, strict=True)]
    return [(_whole(first), _whole(second))]


def _by_characters(first: list[_Word], second: list[_Word]) -> Iterator[_Row]:
    """One row for each group of words whose characters overlap."""
    marked = [(word, 0) for word in first] + [(word, 1) for word in second]
    marked.sort(key=lambda item: (item[0].first_character, item[0].end_character))
    row: tuple[list[_Word], list[_Word]] = ([], [])
    place, end = (-1, -1), -1
    for word, side in marked:
        before, place = place, (word.first_character, word.end_character)
        if place[0] >= end and place != before and end >= 0:  # a lone space token may have zero width
            yield _whole(row[0]), _whole(row[1])
            row, end = ([], []), -1
        row[side].append(word)
        end = max(end, place[1])
    if end >= 0:
        yield _whole(row[0]), _whole(row[1])


def _by_words(first: list[_Word], second: list[_Word]) -> list[_Row]:
    cost = np.zeros((len(first) + 1, len(second) + 1), dtype=np.int64)
    cost[:, 0] = _GAP * np.arange(len(first) + 1)
    cost[0] = _GAP * np.arange(len(second) + 1)
    ids: dict[str, int] = {}
    numbers = np.asarray([ids.setdefault(word.label, len(ids)) for word in second], dtype=np.int64)
    spoken = np.asarray([_spoken(word) for word in second], dtype=bool)
    for row, word in enumerate(first, start=1):
        swap = np.where(spoken == _spoken(word), _REPLACEMENT, _NEVER)
        beside = cost[row - 1, :-1] + np.where(numbers == ids.get(word.label, -1), 0, swap)
        best = np.minimum(beside, cost[row - 1, 1:] + _GAP)
        # runs of gaps: the minimum over all cells to the left, plus the gap cost of their distance
        steps = _GAP * np.arange(len(second) + 1)
        cost[row] = np.minimum.accumulate(np.append(cost[row, 0], best) - steps) + steps
    return _path(first, second, cost)


def _spoken(word: _Word) -> bool:
    """Whether it contains a letter or a digit: a word never replaces a comma."""
    return any(character.isalnum() for character in word.label)


def _path(first: list[_Word], second: list[_Word], cost: Array) -> list[_Row]:
    rows: list[_Row] = []
    one, other = len(first), len(second)
    while one or other:
        here = cost[one, other]
        if one and other:
            a, b = first[one - 1], second[other - 1]
            swap = _REPLACEMENT if _spoken(a) == _spoken(b) else _NEVER
            if here == cost[one - 1, other - 1] + (0 if a.label == b.label else swap):
                rows.append(((a.start, a.stop), (b.start, b.stop)))
                one, other = one - 1, other - 1
                continue
        if one and here == cost[one - 1, other] + _GAP:
            one -= 1
            rows.append(((first[one].start, first[one].stop), None))
        else:
            other -= 1
            rows.append((None, (second[other].start, second[other].stop)))
    return rows[::-1]


def _whole(words: list[_Word]) -> _Span | None:
    return (min(word.start for word in words), max(word.stop for word in words)) if words else None


def _filled(spans: list[_Span | None]) -> Array:
    """(row, 2); a gap is an empty span at the end of the previous span."""
    filled: list[_Span] = []
    for span in spans:
        end = filled[-1][1] if filled else 0
        filled.append((end, end) if span is None else span)
    return np.asarray(filled, dtype=np.int64)
