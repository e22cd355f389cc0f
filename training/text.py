"""Plain-text helpers: white space, what counts as prose, where sentences end."""

from __future__ import annotations

import re

__all__ = ["OBJECT_END", "OBJECT_START", "collapse_spaces", "is_prose", "split_sentences"]

#: Control characters that mark the object of a templated fact on its way from extraction to tokenisation.
OBJECT_START, OBJECT_END = "\x01", "\x02"

_SPACES = re.compile(r"\s+")

# Lines around an article that are about the article itself.
_BOILERPLATE = re.compile(
    r"redirects here|This article|Find sources|Learn how and when|template message"
    r"|^For (the|other|a|an) .* see |disambiguation\)|^\^|Retrieved|ISBN|doi:|Archived from"
)

# A sentence may end where a full stop and closing quotes are followed by a space and a capital or a digit.
_SENTENCE_END = re.compile(r'[.!?]["”’)]*\s+(?=["“‘(]?[A-Z0-9])')
_ABBREVIATION = re.compile(
    r"\b(Mr|Mrs|Ms|Dr|St|Prof|Gen|Col|Capt|Lt|Sgt|Rev|Hon|Jr|Sr|vs|etc|e\.g|i\.e|cf|No|Fig|Vol|al|c|ca"
    r"|U\.S|U\.K|Inc|Ltd|Co|[A-Z])\.$"
)


def collapse_spaces(text: str) -> str:
    """Every run of white space becomes one space; none is left at the ends."""
    return _SPACES.sub(" ", text).strip()


def is_prose(text: str, *, min_words: int = 8) -> bool:
    """Whether a line reads as running text rather than a heading, a list item, a formula or a caption.

    Prose has at least ``min_words`` words, ends like a sentence, is more than 88 % letters and spaces, and more
    than 45 % of its words begin in lower case (titles and name lists do not).
    """
    words = text.split()
    if len(words) < min_words or text[-1] not in ".!?\"”)'":
        return False
    letter_share = sum(char.isalpha() or char == " " for char in text) / len(text)
    lower_share = sum(word[0].islower() for word in words) / len(words)
    return letter_share > 0.88 and lower_share > 0.45 and not _BOILERPLATE.search(text)


def split_sentences(paragraph: str) -> list[str]:
    """Split a paragraph at full stops, question and exclamation marks.

    A rule, not a model: it keeps titles, initials and common abbreviations together ("Dr. Smith", "J. S. Bach"),
    so it also misses an end after a single capital ("vitamin C. It helps"). Text after the last mark is a sentence.
    """
    sentences, start = [], 0
    for end in _SENTENCE_END.finditer(paragraph):
        # up to and including the mark: an abbreviation does not end a sentence
        if _ABBREVIATION.search(paragraph[start : end.start() + 1]):
            continue
        sentences.append(paragraph[start : end.end()].strip())
        start = end.end()
    rest = paragraph[start:].strip()
    return [*sentences, rest] if rest else sentences
