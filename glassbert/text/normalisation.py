"""What a tokenizer does before it splits words into pieces: normalise characters, then split the text into words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tokenizers.decoders import ByteLevel

from glassbert.results import SPACE

__all__ = ["NORMALISATIONS", "Normalised", "normalise"]

#: Id → what the normaliser did to some characters.
NORMALISATIONS: dict[str, str] = {
    "lower_case": "letters lower-cased",
    "accents": "accents removed",
    "chinese_spaced": "Chinese characters separated, each a word of its own",
    "controls_removed": "invisible control characters removed",
    "white_space": "unusual white space replaced by ordinary spaces",
    "compatibility": "ligatures, full-width forms, fractions and similar replaced by plain characters",
    "decomposed": "syllables or letters decomposed into their parts",
    "combined": "adjacent characters combined or replaced together",
    "removed": "characters removed",
    "replaced": "characters replaced by others",
}


@dataclass(frozen=True, slots=True)
class Normalised:
    """A text after the tokenizer's normaliser, and the words it was split into."""

    text: str
    changes: tuple[tuple[str, int], ...]  # id in NORMALISATIONS, number of characters; the most frequent first
    words: tuple[str, ...]


def normalise(tokenizer: Any, text: str) -> Normalised:
    """Run the tokenizer's own normaliser and word splitter on a text: ``"Café!" → "cafe!", (cafe, !)``.

    Special tokens typed in the text, such as the mask, are exempt from both, as in the tokenizer itself.
    """
    backend = tokenizer.backend_tokenizer
    specials = [token for token in backend.get_added_tokens_decoder().values() if not token.normalized]
    specials.sort(key=lambda token: len(token.content), reverse=True)
    pattern = "|".join(
        (r"\s*" if token.lstrip else "") + re.escape(token.content) + (r"\s*" if token.rstrip else "")
        for token in specials
    )
    parts = re.split(f"({pattern})", text) if pattern else [text]
    byte_level = type(backend.decoder).__name__ == "ByteLevel"  # encodes bytes as other letters
    written: list[str] = []
    words: list[str] = []
    changes: Counter[str] = Counter()
    for number, part in enumerate(parts):
        if number % 2:  # re.split returns the separators at odd indices
            written.append(part)
            words.append(part.strip())
        elif part:
            plain = backend.normalizer.normalize_str(part) if backend.normalizer else part
            changes.update(_changes(backend.normalizer, part, plain))
            written.append(plain)
            cut = backend.pre_tokenizer.pre_tokenize_str(plain) if backend.pre_tokenizer else [(plain, (0, len(plain)))]
            words += [ByteLevel().decode([word]) if byte_level else word for word, _ in cut]
    shown = tuple(word.lstrip("▁ ") or SPACE for word in words)
    return Normalised("".join(written), tuple(changes.most_common()), shown)


def _changes(normaliser: Any, original: str, plain: str) -> Counter[str]:
    """The change to each character on its own; changes that depend on neighbours count as "combined"."""
    found: Counter[str] = Counter()
    if original == plain:
        return found
    alone = {character: normaliser.normalize_str(character) for character in set(original)}
    for character in original:
        found.update(_kinds(character, alone[character]))
    together = "".join(alone[character] for character in original)
    if together != plain:
        found["combined"] += max(1, abs(len(together) - len(plain)))
    return found


def _kinds(character: str, result: str) -> list[str]:
    if result == character:
        return []
    category = unicodedata.category(character)
    if result.strip() == character:
        return ["chinese_spaced"]
    if character.isspace():
        return ["white_space"]
    if not result:
        if category.startswith("M"):
            return ["accents"]
        return ["controls_removed" if category.startswith("C") or character == "\ufffd" else "removed"]
    kinds = []
    if character.lower() != character and result == result.lower():
        kinds.append("lower_case")
    parts = unicodedata.normalize("NFD", character)
    if _has_marks(parts) and not _has_marks(unicodedata.normalize("NFD", result)):
        kinds.append("accents")
    if unicodedata.normalize("NFKC", character) != unicodedata.normalize("NFC", character):
        kinds.append("compatibility")
    elif len(parts) > 1 and result == parts:
        kinds.append("decomposed")
    return kinds or ["replaced"]


def _has_marks(text: str) -> bool:
    return any(unicodedata.category(character) == "Mn" for character in text)
