"""Changes of a text that leave its meaning: words swapped over lists, letters swapped in a word."""

from __future__ import annotations

import re
from random import Random

from glassbert.suites.contents import WordList

__all__ = ["misspelt", "swapped"]

_LETTERS = re.compile(r"[^\W\d_]{4,}")


def swapped(text: str, words: WordList, draw: Random, *, by_position: bool = False) -> list[tuple[str, str]]:
    """The text with its words of the list replaced, once for each group of the list, with that group.

    One word of the list that stands in the text, drawn at random, becomes another one wherever it stands; other words
    of the list stay. ``by_position`` replaces all words of one group by those at the same places of the other groups:
    "he … his" by "she … her". A text with words of two groups, or with a word that is in its group twice ("her", for
    "him" and "his"), has no such partner. Case matters for words with a capital; a word of small letters is also found
    at the beginning of a sentence and keeps its capital there. Nothing is returned for a text without any of the words.
    """
    found = _found(text, words)
    if not found:
        return []
    if by_position:
        return _other_forms(text, words, found)
    old = draw.choice(found)
    changed = []
    for group, others in words.groups.items():
        offered = [word for word in others if word != old and word not in found]
        if offered:
            changed.append((_replaced(text, {old: draw.choice(offered)}), group))
    return changed


def _found(text: str, words: WordList) -> list[str]:
    """The words of the list that stand in the text, each once, in order."""
    known = {word for word, _ in words.words}
    lowered = {word for word in known if not _has_capital(word)}
    found = []
    for match in _pattern(sorted(known)).finditer(text):
        word = match[0]
        if word in known:
            found.append(word)
        elif word[:1].lower() + word[1:] in lowered:
            found.append(word[:1].lower() + word[1:])
    return list(dict.fromkeys(found))


def _other_forms(text: str, words: WordList, found: list[str]) -> list[tuple[str, str]]:
    own = [group for group, forms in words.groups.items() if set(found) <= set(forms)]
    if len(own) != 1 or any(words.groups[own[0]].count(word) > 1 for word in found):
        return []
    forms = words.groups[own[0]]
    return [
        (_replaced(text, {word: others[forms.index(word)] for word in found}), group)
        for group, others in words.groups.items()
        if group != own[0]
    ]


def _replaced(text: str, new: dict[str, str]) -> str:
    def other(match: re.Match[str]) -> str:
        word = match[0]
        if word in new:
            return new[word]
        lowered = word[:1].lower() + word[1:]
        if lowered in new and not _has_capital(lowered):
            return new[lowered][:1].upper() + new[lowered][1:]
        return word

    return _pattern(sorted(new)).sub(other, text)


def _pattern(words: list[str]) -> re.Pattern[str]:
    """Any of the words as a whole word, the longest first; the first letter in either case."""
    each = sorted(words, key=len, reverse=True)
    firsts = (f"[{re.escape(one[0])}{re.escape(one[0].upper())}]" if len(one[0].upper()) == 1 else "" for one in each)
    options = (
        f"{first}{re.escape(one[1:])}" if first else re.escape(one) for first, one in zip(firsts, each, strict=True)
    )
    return re.compile(rf"(?<!\w)(?:{'|'.join(options)})(?!\w)")


def _has_capital(word: str) -> bool:
    return any(character.isupper() for character in word)


def misspelt(text: str, count: int, draw: Random) -> str | None:
    """The text with two neighbouring letters swapped in each of ``count`` words of four or more; None without any.

    The first letter of a word stays, and two equal ones are not swapped.
    """
    places = []
    for match in _LETTERS.finditer(text):
        word = match[0]
        swaps = [at for at in range(1, len(word) - 1) if word[at] != word[at + 1]]
        if swaps:
            places.append((match.start(), swaps))
    if not places:
        return None
    letters = list(text)
    for start, swaps in draw.sample(places, min(count, len(places))):
        at = start + draw.choice(swaps)
        letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return "".join(letters)
