"""Words → pieces of a model's vocabulary, as they would be tokenized at a position in a text."""

from __future__ import annotations

from collections.abc import Sequence

from glassbert.errors import TargetError
from glassbert.network.model import Model
from glassbert.pictures.formats import WORD_END, readable
from glassbert.results import SPACE, Encoded
from glassbert.text.inputs import spelling_of, token_name, tokenized

__all__ = ["begins_words", "piece_in_place", "pieces_in_place"]

#: Prefixes of vocabulary strings that continue a word (WordPiece) or begin one (byte-level BPE, Unigram).
_MARKS = ("##", "Ġ", "▁")


def pieces_in_place(model: Model, encoded: Encoded, position: int, word: str | int) -> tuple[int, ...]:
    """The ids of a word's pieces if it were at this position: ``"nurse" → (6821,)``.

    They depend on the preceding text: after a space a RoBERTa word starts with ``Ġ``, after a bracket it does not. Ids
    and vocabulary strings with their mark (``##ing``, ``Ġnurse``, ``▁nurse``, ``nurse</w>``) are used unchanged.
    Raises TargetError for an unknown id, an empty word, or a word with characters that are not in the vocabulary.
    """
    vocabulary = int(model.network.config.vocab_size)
    if not isinstance(word, str):
        if 0 <= word < vocabulary:
            return (int(word),)
        raise TargetError(f"token id {word}: this model's vocabulary has ids 0 to {vocabulary - 1}")
    marked = word.startswith(_MARKS) or word.endswith(WORD_END)
    own = model.tokenizer.get_vocab().get(word) if marked else None
    if own is not None:
        return (int(own),)
    if word.startswith(SPACE) and len(word) > 1:  # as candidates are displayed
        known = [piece for piece in _spelt(model, " ", word[1:].strip()) if piece != model.tokenizer.unk_token_id]
        if len(known) == 1:
            return (int(known[0]),)
    bare = word.strip()
    ids = _spelt(model, _before(encoded, position), bare) if bare else ()
    if not ids:
        raise TargetError(f"the word {word!r} has no character that this model can read: type a word")
    if model.tokenizer.unk_token_id in ids and bare != model.tokenizer.unk_token:
        raise TargetError(f"{word!r} has characters that are not in this model's vocabulary: choose another word")
    return ids


def piece_in_place(model: Model, encoded: Encoded, position: int, word: str | int) -> int:
    """:func:`pieces_in_place` for a word that must be one piece. Raises TargetError otherwise."""
    ids = pieces_in_place(model, encoded, position, word)
    if len(ids) != 1:
        raise TargetError(
            f"{word!r} is {len(ids)} pieces of this model's vocabulary here: choose a word that is a single piece"
        )
    return ids[0]


def begins_words(model: Model, encoded: Encoded, position: int, token_ids: Sequence[int]) -> tuple[bool, ...]:
    """For each id, whether it is a whole word at this position: the tokenizer reads its text there as that one piece.

    Not ``##ing``; in a byte-level vocabulary ``Ġthe`` after a space, and ``the`` at the start of a text or after a
    bracket.
    """
    spelling, before = spelling_of(model.tokenizer), _before(encoded, position)
    special = set(model.tokenizer.all_special_ids)
    found = []
    for token in token_ids:
        surface = readable(token_name(model, token), spelling).removeprefix(SPACE)
        if spelling == "WordPiece" and surface.startswith("##"):
            surface = surface.removeprefix("##")
        whole = bool(surface) and int(token) not in special and _spelt(model, before, surface) == (int(token),)
        found.append(whole)
    return tuple(found)


def _before(encoded: Encoded, position: int) -> str:
    """What precedes the word: " " for white space, "" at the start of its text, else the characters adjacent to it."""
    text = encoded.texts[int(encoded.sequence_ids[position])]
    start, end = (int(place) for place in encoded.offsets[position])
    # some vocabularies count the space before a token as part of it
    start += len(text[start:end]) - len(text[start:end].lstrip())
    before = text[:start]
    if not before:
        return ""
    return " " if before[-1].isspace() else before.split()[-1]


def _spelt(model: Model, before: str, word: str) -> tuple[int, ...]:
    # if the word would share a piece with the adjacent characters, it is tokenized as after a bracket
    for touched in (before, "(") if before.strip() else ():
        raw = tokenized(model, touched + word, add_special_tokens=False, return_offsets_mapping=True)
        spans, edge = raw["offset_mapping"], len(touched)
        if not any(start < edge < end for start, end in spans):
            return tuple(piece for piece, (_, end) in zip(raw["input_ids"], spans, strict=True) if end > edge)
    return tuple(tokenized(model, (before if before.isspace() else "") + word, add_special_tokens=False)["input_ids"])
