"""Edits of a text, word by word: replace, delete, mask.

An edit names a token of the text and changes the whole word that the token belongs to. It changes the text itself,
which is then tokenized again: a variant is a text like any other and can be opened, linked and shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from glassbert.arguments import check_fields
from glassbert.errors import OptionError, OptionTypeError, TargetError
from glassbert.results import Encoded

__all__ = ["Edit", "EditKind", "edited_texts", "moved_start", "word_at", "words_to_edit"]

EditKind = Literal["replace", "delete", "mask"]
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
    pieces = np.flatnonzero(encoded.word_ids == encoded.word_ids[position])
    which = int(encoded.sequence_ids[position])
    start, end = int(encoded.offsets[pieces, 0].min()), int(encoded.offsets[pieces, 1].max())
    text = encoded.texts[which]
    word = text[start:end]  # some vocabularies count the space before a word as part of it
    return Span(which, start + len(word) - len(word.lstrip()), end - len(word) + len(word.rstrip()))


def words_to_edit(encoded: Encoded) -> list[int]:
    """The first token of every word that is made of letters or digits, in order: punctuation is left in peace."""
    found = []
    for position in np.flatnonzero(encoded.special_tokens_mask == 0).tolist():
        span = word_at(encoded, position)
        first = encoded.word_ids[position] != encoded.word_ids[position - 1]
        if first and any(character.isalnum() for character in encoded.texts[span.text][span.start : span.end]):
            found.append(position)
    return found


def edited_texts(encoded: Encoded, edits: Sequence[Edit], mask_token: str | None = None) -> tuple[str, ...]:
    """The texts after all edits: ``"A good film" [Edit(2, replacement="bad")] → ("A bad film",)``.

    A deleted word takes one space with it. A replacement is capitalised if the word was. Raises TargetError for a token
    that is not a word and for two edits of one word, OptionError for a mask if the model has no mask token.
    """
    return tuple(
        _apply(text, changes, mask_token) for text, changes in zip(encoded.texts, _spans(encoded, edits), strict=True)
    )


def moved_start(encoded: Encoded, edits: Sequence[Edit], position: int, mask_token: str | None = None) -> int:
    """Where the characters of this token's word start after the edits, none of which may be of the word itself."""
    span = word_at(encoded, position)
    changes = _spans(encoded, edits)[span.text]
    if span in changes:
        raise TargetError("the target mask cannot be edited: edit another word")
    earlier = {own: edit for own, edit in changes.items() if own.start < span.start}
    text = encoded.texts[span.text]
    return span.start + len(_apply(text, earlier, mask_token)) - len(text)


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
