"""Two answers compared as SQuAD does (Rajpurkar et al. 2016): in lower case, without punctuation and articles."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

__all__ = ["exact_match", "token_f1"]

_PUNCTUATION = str.maketrans("", "", string.punctuation)


def exact_match(given: str, references: Sequence[str]) -> bool:
    """Whether the words of an answer are those of a reference."""
    return any(_normalised(given) == _normalised(reference) for reference in references)


def token_f1(given: str, references: Sequence[str]) -> float:
    """The harmonic mean of the precision and recall of an answer's words, with the reference that fits best."""
    return max(_f1(_normalised(given), _normalised(reference)) for reference in references)


def _normalised(text: str) -> list[str]:
    """The words that count: ``"The Eiffel Tower." → ["eiffel", "tower"]``."""
    return re.sub(r"\b(a|an|the)\b", " ", text.lower().translate(_PUNCTUATION)).split()


def _f1(given: Sequence[str], reference: Sequence[str]) -> float:
    if not given or not reference:
        return float(given == reference)
    common = (Counter(given) & Counter(reference)).total()
    return 2 * common / (len(given) + len(reference))
