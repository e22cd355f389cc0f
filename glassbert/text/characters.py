"""Characters and words by Unicode's rules (Unicode Standard Annex 29), where a tokenizer's own rules fall short.

A reader's character is a grapheme cluster: a letter with its marks, an emoji with its joiners and variation selectors.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import regex

from glassbert.results import Array

__all__ = ["grapheme_end", "grapheme_start", "unicode_words"]

#: Scripts that put no spaces between words.
_WITHOUT_SPACES = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}\p{Tai_Le}]"
)
_GRAPHEME = regex.compile(r"\X")
_WORD_BOUNDARY = regex.compile(r"\b", regex.WORD)


def grapheme_end(text: str, end: int) -> int:
    """The end of the character that ends at or after ``end``: after its combining marks, joiners and selectors."""
    ends = _grapheme_ends(text)
    place = int(np.searchsorted(ends, end))
    return int(ends[place]) if end > 0 and place < len(ends) else end


def grapheme_start(text: str, start: int) -> int:
    """The start of the character that starts at or before ``start``."""
    ends = _grapheme_ends(text)
    place = int(np.searchsorted(ends, start, side="right"))
    return int(ends[place - 1]) if place else 0


def unicode_words(
    word_ids: Sequence[int | None],
    sequences: Array,
    offsets: Array,
    texts: Sequence[str],
    spelling: str,
) -> list[int | None]:
    """The tokenizer's words, (token,), with two corrections.

    - Vowel signs and other marks belong to the word of their letter, as do joiners and soft hyphens. Byte-level
      tokenizers split between letters and marks, not between marks and punctuation, and would make each mark of Hindi
      or vocalised Arabic a word, and several words of a Persian one.
    - Scripts that put no spaces between words have a word boundary where Unicode sees one and two tokens meet. To a
      tokenizer that splits at spaces alone, a Japanese sentence is a single word. WordPiece splits Han characters and
      byte-level vocabularies letters from other signs: these rules stay.
    """
    corrected: list[int | None] = []
    word = -1
    for place, own in enumerate(word_ids):
        if own is None:
            corrected.append(None)
            continue
        if place and sequences[place] == sequences[place - 1] and word_ids[place - 1] is not None:
            text = texts[sequences[place]]
            begins = own != word_ids[place - 1]
            before, start = int(offsets[place - 1, 1]), int(offsets[place, 0])
            if before <= start and start < len(text):
                begins = _begins(text, before, start, begins, spelling)
        else:
            begins, word = True, word if place and sequences[place] == sequences[place - 1] else -1
        word += begins
        corrected.append(word)
    return corrected


def _begins(text: str, before: int, start: int, own: bool, spelling: str) -> bool:
    """Whether a word begins at ``start``; ``own`` is the tokenizer's answer, ``before`` the previous token's end."""
    if before < start or not start or text.isascii():
        return own
    left, right = text[start - 1], text[start]
    if _joins(left) or _joins(right):
        return start in _word_boundaries(text)
    if own:
        return True
    if spelling in ("WordPiece", "ByteLevel") or left.isspace() or right.isspace():
        return False
    without_spaces = _WITHOUT_SPACES.match(left) or _WITHOUT_SPACES.match(right)
    return bool(without_spaces) and start in _word_boundaries(text)


def _joins(character: str) -> bool:
    """Whether this is a mark or an invisible sign, which Unicode's rules put to what stands before it."""
    category = unicodedata.category(character)
    return category[0] == "M" or category == "Cf"


@lru_cache(maxsize=64)
def _word_boundaries(text: str) -> frozenset[int]:
    return frozenset(match.start() for match in _WORD_BOUNDARY.finditer(text))


@lru_cache(maxsize=64)
def _grapheme_ends(text: str) -> Any:
    return np.asarray([match.end() for match in _GRAPHEME.finditer(text)], dtype=np.int64)
