"""How much of a text a model's vocabulary covers: of a script that it hardly knows, only letters are left."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from glassbert.arguments import checked
from glassbert.network.model import Model
from glassbert.pictures.formats import WORD_END, readable
from glassbert.results import SPACE, Encoded
from glassbert.text.inputs import Text, encode, spelling_of
from glassbert.text.results import VocabularyCoverage

__all__ = ["vocabulary_coverage"]

# A vocabulary knows the words of a script if this share of its entries are written in it. English ones have less than
# 2% in any script but Latin; Chinese ones, whose words are single characters, a third; a multilingual one 4% in Arabic,
# whose texts it reads in longer pieces.
_KNOWN_SCRIPT = 0.1
# Letters, the marks that stand alone, and pictures such as emoji.
_LETTERS = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "So"))
# Rare in sentences, and what code and formulas are held together by.
_SIGNS = frozenset("()[]{}<>=+*/\\|_^~#&@$%`")
# Scripts with an upper and a lower case: a single letter is hardly ever a word.
_LETTERED = frozenset(("LATIN", "GREEK", "CYRILLIC"))
_scripts: WeakKeyDictionary[Any, Counter[str]] = WeakKeyDictionary()


@checked
def vocabulary_coverage(model: Model, text: Text, pair: str | None = None) -> VocabularyCoverage:
    """Count the tokens of a text that are unknown, or only a letter (or a byte of one) of a script that the vocabulary
    hardly has, and the symbols: other single characters, of which code is made.

    In such a text the model sees letters where it has learned words, and what it computes means little. A text in
    another language of a known script shows by its words, more of which are split into pieces. No forward pass. Raises
    TextErrors.
    """
    encoded = encode(model, text, pair)
    gaps = np.asarray(encoded.tokens) == model.mask_token
    ordinary = np.flatnonzero((encoded.special_tokens_mask == 0) & ~gaps).tolist()
    unknown_token = model.tokenizer.unk_token
    unknown = single = 0
    symbols: list[str] = []
    for position in ordinary:
        if encoded.tokens[position] == unknown_token:
            unknown += 1
        elif _is_foreign_letter(model, encoded, position):
            single += 1
        elif len(written := _covered(encoded, position)) == 1 and _is_symbol(written):
            symbols.append(written)
    pieces = Counter(int(encoded.word_ids[position]) for position in ordinary)
    lettered = {
        int(encoded.word_ids[position]) for position in ordinary if any(map(str.isalpha, _covered(encoded, position)))
    }
    return VocabularyCoverage(
        encoded=encoded,
        tokens=len(ordinary),
        unknown=unknown,
        letters=single,
        symbols=len(symbols),
        signs=len({symbol for symbol in symbols if symbol in _SIGNS}),
        words=len(lettered),
        split=sum(pieces[word] > 1 for word in lettered),
    )


def _is_foreign_letter(model: Model, encoded: Encoded, position: int) -> bool:
    covered = _covered(encoded, position)
    base = [character for character in covered if not unicodedata.category(character).startswith("M")]
    if len(base) > 1 or not covered or unicodedata.category(covered[0]) not in _LETTERS:
        return False
    return _share(model, _script(covered[0])) < _KNOWN_SCRIPT


def _covered(encoded: Encoded, position: int) -> str:
    start, end = (int(place) for place in encoded.offsets[position])
    return unicodedata.normalize("NFC", encoded.texts[encoded.sequence_ids[position]][start:end].strip())


def _is_symbol(character: str) -> bool:
    """Not so a character of a script whose words are single characters."""
    return not character.isalpha() or _script(character) in _LETTERED


def _share(model: Model, script: str) -> float:
    """The share of the vocabulary's entries with letters that are written in this script."""
    if model.network not in _scripts:
        spelling = spelling_of(model.tokenizer)
        found: Counter[str] = Counter()
        for entry in model.tokenizer.get_vocab():
            written = readable(entry, spelling).removeprefix("##").removeprefix(SPACE).removesuffix(WORD_END)
            letter = next((character for character in written if character.isalpha()), None)
            if letter is not None:
                found[_script(letter)] += 1
        _scripts[model.network] = found
    counts = _scripts[model.network]
    return counts[script] / max(counts.total(), 1)


def _script(character: str) -> str:
    """``"é" → "LATIN"``, ``"字" → "CJK"``, as the names of characters begin; "" for a character without a name."""
    return unicodedata.name(character, "").partition(" ")[0]
