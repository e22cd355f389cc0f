"""The terms of a filter, each compiled to SQL: ``label:NAME``, ``confidence>0.9`` and so on."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from glassbert.analysis.folder import Manifest
from glassbert.errors import OptionError
from glassbert.pictures.markup import clipped

__all__ = ["FLAGS", "NUMBERS", "TERMS", "Compiling", "Piece"]

#: Fields that are compared as numbers.
NUMBERS = ("confidence", "loss", "tokens", "logit", "expected", "predicted")
FLAGS = {
    "right": 'coalesce("right", false)',
    "wrong": 'coalesce(NOT "right", false)',
    "labelled": "(label IS NOT NULL OR expected IS NOT NULL OR labels IS NOT NULL)",
    "error": "(error IS NOT NULL)",
    "truncated": "coalesce(truncated, false)",
}
#: A day, or a time of it, as ISO 8601 has them.
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?")
_VERDICTS = ("holds", "doubtful", "fails", "not_applicable")
_WORD_ENDS = r"(?:^|[^\p{L}\p{N}_])", r"(?:$|[^\p{L}\p{N}_])"


@dataclass(frozen=True, slots=True)
class Piece:
    """A term, or a sign between terms, and where it stands."""

    at: int
    kind: str  # "(", ")", "-", or "term"
    name: str = ""
    quoted: bool = False
    operator: str = ""
    value: str | None = None


class Compiling:
    """A filter that is being compiled: its parameters so far, and what goes wrong in it."""

    def __init__(self, where: str, manifest: Manifest):
        self.where, self.manifest = where, manifest
        self.parameters: list[Any] = []

    def bind(self, *values: Any) -> None:
        """Add parameters."""
        self.parameters += values

    def wrong(self, what: str, place: int) -> OptionError:
        """The error that says what is wrong and where."""
        seen = self.where[place : place + 30]
        return OptionError(f"filter, at character {place + 1}{f' ({seen!r})' if seen else ' (its end)'}: {what}")

    def class_of(self, piece: Piece) -> int:
        """The number of the class that a term names."""
        if piece.operator not in (":", "="):
            raise self.wrong(f"{piece.name} is a name: write {piece.name}:NAME", piece.at)
        if self.manifest.kind == "regression":
            raise self.wrong(f"this model predicts a number, so there is no {piece.name}; try predicted>1", piece.at)
        labels = self.manifest.labels
        if piece.value not in labels:
            have = ", ".join(map(repr, labels[:20])) + (", …" if len(labels) > 20 else "")
            raise self.wrong(f"there is no class {piece.value!r}; the model's are {have}", piece.at)
        return labels.index(str(piece.value))

    def column(self, piece: Piece) -> str:
        """A term about a column of the source."""
        name = f"meta_{self.manifest.meta.index(piece.name)}"
        if piece.operator in (":", "="):
            self.bind(piece.value)
            return f"coalesce({name}, '') = ?"
        if _DATE.fullmatch(str(piece.value)):
            self.bind(str(piece.value).replace("T", " "))
            return f"coalesce(TRY_CAST({name} AS TIMESTAMP) {piece.operator} TRY_CAST(? AS TIMESTAMP), false)"
        self.bind(_number(self, piece))
        return f"coalesce(TRY_CAST({name} AS DOUBLE) {piece.operator} ?, false)"


def _number(reader: Compiling, piece: Piece) -> float:
    try:
        found = float(str(piece.value))
    except ValueError:
        found = math.nan
    if math.isnan(found):
        written = str(piece.value)
        share = written.removesuffix("%")
        if written.endswith("%") and re.fullmatch(r"\d+(\.\d+)?", share):
            raise reader.wrong(
                f"a share is written from 0 to 1: {float(share) / 100:g} in place of {written}", piece.at
            )
        dates = ", nor a date such as 2025-06-30" if piece.name not in NUMBERS else ""
        raise reader.wrong(f"{clipped(written, 40)!r} is no number{dates}", piece.at)
    return found


def _compared(column: str) -> Callable[[Compiling, Piece], str]:
    def compile_term(reader: Compiling, piece: Piece) -> str:
        reader.bind(_number(reader, piece))
        operator = "=" if piece.operator == ":" else piece.operator
        return f"coalesce({column} {operator} ?, false)"

    return compile_term


def _named(column: str, several: str) -> Callable[[Compiling, Piece], str]:
    def compile_term(reader: Compiling, piece: Piece) -> str:
        reader.bind(reader.class_of(piece))
        if reader.manifest.kind == "multi_label":
            return f"coalesce(list_contains({several}, ?), false)"
        return f"coalesce({column} = ?, false)"

    return compile_term


def _counted(column: str) -> Callable[[Compiling, Piece], str]:
    compare = _compared(f'"{column}"')

    def compile_term(reader: Compiling, piece: Piece) -> str:
        if piece.operator not in (":", "="):
            return compare(reader, piece)
        try:
            numbers = [int(one) for one in str(piece.value).split(",")]
            if any(abs(one) >= 2**63 for one in numbers):
                raise ValueError
        except ValueError:
            raise reader.wrong(f"{piece.value!r} is no whole number, nor several with commas", piece.at) from None
        reader.bind(*numbers)
        return f'"{column}" IN ({", ".join("?" * len(numbers))})'

    return compile_term


def _text_of(reader: Compiling, piece: Piece) -> str:
    if piece.operator not in (":", "=") or not piece.value:
        raise reader.wrong(f'{piece.name} is text: write {piece.name}:NAME or {piece.name}:"two words"', piece.at)
    return piece.value


def _part(reader: Compiling, piece: Piece) -> str:
    value = _text_of(reader, piece)
    return _in_either(reader, "contains(lower({}), lower(CAST(? AS VARCHAR)))", value)


def _in_either(reader: Compiling, condition: str, parameter: str) -> str:
    """A condition on the text or its pair."""
    columns = ["text"] if reader.manifest.table["pair"] is None else ["text", "pair"]
    reader.bind(*[parameter] * len(columns))
    return f"({' OR '.join(f'coalesce({condition.format(column)}, false)' for column in columns)})"


def _word(reader: Compiling, piece: Piece) -> str:
    value = _text_of(reader, piece)
    before, after = _WORD_ENDS
    # a mark has no letters around it to be told from
    start, stop = (before if _is_letter(value[0]) else ""), (after if _is_letter(value[-1]) else "")
    return _in_either(reader, "regexp_matches({}, ?)", f"(?i){start}{_escaped(value)}{stop}")


def _is_letter(character: str) -> bool:
    return character.isalnum() or character == "_"


def _escaped(text: str) -> str:
    """A text as a regular expression of RE2, which DuckDB has."""
    return "".join(one if one.isalnum() or ord(one) > 127 else f"\\x{{{ord(one):x}}}" for one in text)


def _receipt(reader: Compiling, piece: Piece) -> str:
    method, _, verdict = _text_of(reader, piece).rpartition(":")
    if verdict not in _VERDICTS:
        raise reader.wrong(f"{verdict!r} is no verdict; they are {', '.join(_VERDICTS)}", piece.at)
    if method and method not in reader.manifest.methods:
        have: Sequence[str] = reader.manifest.methods
        raise reader.wrong(f"there is no method {method!r}; there are {', '.join(have) or 'none'}", piece.at)
    reader.bind(verdict, *([method] if method else []))
    return f"id IN (SELECT id FROM receipts WHERE verdict = ?{' AND method = ?' if method else ''})"


TERMS: dict[str, Callable[[Compiling, Piece], str]] = {
    "label": _named("label", "labels"),
    "answer": _named("answer", "answers"),
    "word": _word,
    "text": _part,
    **{name: _compared(name) for name in NUMBERS},
    "row": _counted("row"),
    "id": _counted("id"),
    "receipt": _receipt,
}
