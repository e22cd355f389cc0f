"""Edits of a text, word by word: replace, delete, mask.

An edit names a token of the text and changes the whole word that the token belongs to. It changes the text itself,
which is then tokenized again: a variant is a text like any other and can be opened, linked and shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from glassbert.arguments import check_fields
from glassbert.errors import OptionError, OptionTypeError, TargetError
from glassbert.results import Array, Encoded
from glassbert.text.characters import grapheme_end, grapheme_start
from glassbert.text.words import tokens_at

__all__ = [
    "Edit",
    "EditKind",
    "EditedText",
    "EditedWord",
    "edit_text",
    "span_at",
    "stands_alone",
    "word_at",
    "word_text",
    "words_to_edit",
]

EditKind = Literal["replace", "delete", "mask"]
#: Between the parts of a word.
_JOINS = frozenset("'’-‐‑")
#: Full-width scripts and most punctuation stand without a space before them.
_NO_SPACE_BEFORE = frozenset(".,;:!?)]}%…»”’'")


@dataclass(frozen=True, slots=True)
class Edit:
    """One change: the word of this token is replaced by ``replacement``, deleted, or masked.

    ``Edit(5, replacement="bad")``, ``Edit(5, "delete")``, ``Edit(5, "mask")``. A replacement may be several words.
    """

    position: int
    kind: EditKind = "replace"
    replacement: str = ""

    def __post_init__(self) -> None:
        check_fields(self, OptionTypeError)
        if self.kind not in get_args(EditKind):
            raise OptionError(f"the kind of an edit must be one of {', '.join(get_args(EditKind))}; got {self.kind!r}")
        if (self.kind == "replace") != bool(self.replacement.strip()):
            raise OptionError("an edit of kind 'replace' needs a replacement; 'delete' and 'mask' take none")

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"position": int(self.position), "kind": self.kind, "replacement": self.replacement}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Edit:
        """The edit that :meth:`to_dict` wrote."""
        return cls(int(data["position"]), data["kind"], data["replacement"])


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of a word: ``texts[text][start:end]``."""

    text: int
    start: int
    end: int


def word_at(encoded: Encoded, position: int) -> Span:
    """The characters of the word that this token is part of. Raises TargetError for no token or a special one."""
    if not 0 <= position < len(encoded) or encoded.special_tokens_mask[position]:
        words = np.flatnonzero(encoded.special_tokens_mask == 0)
        raise TargetError(
            f"token {position} is not a word of this text; its words are tokens {words[0]} to {words[-1]}"
        )
    return span_at(encoded, position)


def span_at(encoded: Encoded, position: int) -> Span:
    """The same for any token of a text, also a special one that is typed in it."""
    pieces = np.flatnonzero(encoded.word_ids == encoded.word_ids[position])
    which = int(encoded.sequence_ids[position])
    start, end = int(encoded.offsets[pieces, 0].min()), int(encoded.offsets[pieces, 1].max())
    text = encoded.texts[which]
    # a tokenizer that strips accents leaves a combining mark, joiner or variation selector out
    start, end = grapheme_start(text, start), grapheme_end(text, end)
    # some vocabularies count the space before a word as part of it; a sign that carries on a space does so in Unicode
    word = text[start:end]
    if not word.strip():
        return Span(which, start, end)
    return Span(which, start + len(word) - len(word.lstrip()), end - len(word) + len(word.rstrip()))


def word_text(encoded: Encoded, position: int) -> str:
    """The word of this token, as it stands in the text. Raises as :func:`word_at`."""
    span = word_at(encoded, position)
    return encoded.texts[span.text][span.start : span.end]


def words_to_edit(encoded: Encoded) -> list[int]:
    """The first token of every word that is made of letters or digits, in order: punctuation is left in peace."""
    found = []
    for position in np.flatnonzero(encoded.special_tokens_mask == 0).tolist():
        first = encoded.word_ids[position] != encoded.word_ids[position - 1]
        if first and any(character.isalnum() for character in word_text(encoded, position)):
            found.append(position)
    return found


def stands_alone(encoded: Encoded, position: int) -> bool:
    """Whether the word of this token is written as a word of its own: not so the "t" of "don't", nor "well" in
    "well-made". Raises as :func:`word_at`."""
    span = word_at(encoded, position)
    text = encoded.texts[span.text]
    before, after = text[max(0, span.start - 2) : span.start][::-1], text[span.end : span.end + 2]
    return not any(len(side) == 2 and side[0] in _JOINS and side[1].isalnum() for side in (before, after))


@dataclass(frozen=True, slots=True)
class EditedWord:
    """A word of a text, and what became of it: characters [start, end) before the edits, [new_start, new_end) after."""

    position: int  # its first token in the original text
    text: int  # 0, or 1 for the second text
    start: int
    end: int
    new_start: int
    new_end: int
    old: str
    new: str  # "" where it was deleted
    changed: bool

    def token_in(self, edited: Encoded) -> int:
        """The token of the tokenized edited text that covers, or first follows, the word's first character."""
        return int(((edited.sequence_ids == self.text) & (edited.offsets[:, 1] > self.new_start)).argmax())


@dataclass(frozen=True, eq=False)
class EditedText:
    """A text after all its edits, and where its words went. Create one with :func:`edit_text`."""

    original: Encoded
    texts: tuple[str, ...]  # one or two, as of the original
    changes: Sequence[Mapping[Span, Edit]]  # of each text
    mask_token: str | None

    @cached_property
    def words(self) -> tuple[EditedWord, ...]:
        """Every word of the original, in order, punctuation included."""
        words = self.original.word_ids
        return tuple(
            self.word(position)
            for position in np.flatnonzero(self.original.special_tokens_mask == 0).tolist()
            if words[position] != words[position - 1]
        )

    def word(self, position: int) -> EditedWord:
        """The word of this token of the original. Raises TargetError for no token or a special one."""
        span = word_at(self.original, position)
        before, after, changes = self.original.texts[span.text], self.texts[span.text], self.changes[span.text]
        # edits of this and later words leave its start in place; what the others then add or remove moves it
        later = {own: edit for own, edit in changes.items() if own.start >= span.start}
        start = span.start + len(after) - len(_apply(before, later, self.mask_token))
        end = start + self._new_length(span)
        old, new = before[span.start : span.end], after[start:end]
        return EditedWord(position, span.text, span.start, span.end, start, end, old, new, span in changes)

    def moved(self, tokens: Sequence[int], edited: Encoded) -> Array:
        """The tokens of the tokenized edited text that stand for these of the original; none for a deleted word.

        A word that was changed has all the tokens of what replaces it, any of its own tokens being among those asked.
        """
        found: list[int] = []
        for token in tokens:
            if self.original.special_tokens_mask[token]:
                found.append(token)  # [CLS]: only the tokens after it move
                continue
            word = self.word(token)
            own = (self.original.word_ids == self.original.word_ids[token]).nonzero()[0]
            new = tokens_at(edited, word.text, word.new_start, word.new_end)
            same = not word.changed and len(new) == len(own)
            found += [int(new[own.tolist().index(token)])] if same else new.tolist()
        return np.unique(np.asarray(found, dtype=np.int64))

    def _new_length(self, span: Span) -> int:
        edit = self.changes[span.text].get(span)
        if edit is None:
            return span.end - span.start
        return {"delete": 0, "mask": len(self.mask_token or "")}.get(edit.kind, len(edit.replacement.strip()))


def edit_text(encoded: Encoded, edits: Sequence[Edit], mask_token: str | None = None) -> EditedText:
    """The text after all edits: of ``"A good film"`` and ``Edit(2, replacement="bad")``, ``"A bad film"``.

    A deleted word takes one space with it. A replacement is capitalised if the word was. Raises TargetError for a token
    that is not a word and for two edits of one word, OptionError for a mask if the model has no mask token.
    """
    changes = _spans(encoded, edits)
    texts = tuple(_apply(text, own, mask_token) for text, own in zip(encoded.texts, changes, strict=True))
    return EditedText(encoded, texts, changes, mask_token)


def _spans(encoded: Encoded, edits: Sequence[Edit]) -> list[dict[Span, Edit]]:
    """The edits of each text by the characters they change."""
    by_text: list[dict[Span, Edit]] = [{} for _ in encoded.texts]
    for edit in edits:
        span = word_at(encoded, int(edit.position))
        if span in by_text[span.text]:
            raise TargetError("two edits change the same word: combine them into one")
        by_text[span.text][span] = edit
    return by_text


def _apply(text: str, changes: Mapping[Span, Edit], mask_token: str | None) -> str:
    # from the end, so that what comes before keeps its place
    for span, edit in sorted(changes.items(), key=lambda item: -item[0].start):
        text = _changed(text, span, edit, mask_token)
    return text


def _changed(text: str, span: Span, edit: Edit, mask_token: str | None) -> str:
    before, word, after = text[: span.start], text[span.start : span.end], text[span.end :]
    if edit.kind == "mask":
        if mask_token is None:
            raise OptionError("this model has no mask token: replace or delete the word instead")
        return before + mask_token + after
    if edit.kind == "replace":
        replacement = edit.replacement.strip()
        if word[:1].isupper() and not word[1:2].isupper() and replacement[:1].islower():
            replacement = replacement[:1].upper() + replacement[1:]
        return before + replacement + after
    closed = not after.strip() or after[0].isspace() or after[0] in _NO_SPACE_BEFORE
    if before.endswith(" ") and closed:
        return before[:-1] + after
    return before + (after.removeprefix(" ") if not before.strip() else after)
