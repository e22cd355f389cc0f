"""The filter of a data set's rows: a short line of text, compiled to SQL with parameters.

Terms side by side must all hold, ``or`` between them asks for one, ``not`` or ``-`` before one turns it round, and
parentheses group: ``wrong (answer:POSITIVE or confidence>0.9) -word:not``. An empty filter is all rows.

=============================  =======================================================================================
``right``, ``wrong``           the answer is the label, or is another; rows without a label are neither
``labelled``, ``error``        the row has a label; the row has an error
``truncated``                  the text is longer than the model reads
``label:NAME``                 the label of the row; of several labels, one of them
``answer:NAME``                the same of the model's answer
``word:NAME``                  the text or its pair has this word, as a whole, in any case
``text:PART``                  the text or its pair has these characters, in any case
``confidence>0.9``             a number: ``confidence``, ``loss``, ``tokens``, ``logit``, ``expected``, ``predicted``;
                               with ``>``, ``>=``, ``<``, ``<=`` or ``=``
``row:17``, ``id:3,5,8``       the row as a spreadsheet numbers it; the place in the source, from 0; also ``row>17``
``receipt:fails``              one of the row's checks holds, is doubtful or fails; ``receipt:saliency:fails`` of one
                               method
``"country":DE``, ``"age">30`` a column of the source, in quotes: exactly this text, or numbers compared
=============================  =======================================================================================

A name or text with blanks or parentheses stands in double quotes, in which ``\\"`` is a quote and ``\\\\`` a backslash:
``label:"very good"``. A column whose name is no field of the above needs no quotes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from glassbert.analysis.folder import Manifest
from glassbert.arguments import lone_surrogate
from glassbert.errors import OptionError

__all__ = ["NUMBERS", "Filter", "compiled", "in_quotes", "narrowed", "term"]

#: Fields that are compared as numbers.
NUMBERS = ("confidence", "loss", "tokens", "logit", "expected", "predicted")
_FLAGS = {
    "right": 'coalesce("right", false)',
    "wrong": 'coalesce(NOT "right", false)',
    "labelled": "(label IS NOT NULL OR expected IS NOT NULL OR labels IS NOT NULL)",
    "error": "(error IS NOT NULL)",
    "truncated": "truncated",
}
_VERDICTS = ("holds", "doubtful", "fails", "not_applicable")
_MOST_CHARACTERS, _DEEPEST = 4000, 50
_PIECE = re.compile(
    r"""\s*(?:
        (?P<bracket>[()])
      | (?P<minus>-)
      | (?P<name>"(?:[^"\\]|\\.)*"|[^\s()"<>=:-][^\s()"<>=:]*)
        (?:\s*(?P<operator>>=|<=|[:<>=])\s*(?P<value>"(?:[^"\\]|\\.)*"|[^\s()"]+)?)?
    )""",
    re.X | re.S,
)
_WORD_ENDS = r"(?:^|[^\p{L}\p{N}_])", r"(?:$|[^\p{L}\p{N}_])"


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition of SQL on ``predictions``, and its parameters, in order."""

    sql: str
    parameters: tuple[Any, ...]

    @property
    def ids(self) -> str:
        """SQL of the ids that pass, with the same parameters."""
        return f"SELECT id FROM predictions WHERE {self.sql}"

    def __and__(self, sql: str) -> Filter:
        return Filter(f"({self.sql}) AND {sql}", self.parameters)


def term(name: str, value: str, *, column: bool = False) -> str:
    """A term of the grammar with any text in it: ``("label", 'a "b"') → label:"a \\"b\\""``."""
    return f"{in_quotes(name) if column else name}:{in_quotes(value)}"


def narrowed(where: str, *terms: str) -> str:
    """A filter that asks for more: ``("a or b", "wrong") → (a or b) wrong``."""
    return " ".join([f"({where})", *terms] if where.strip() else terms)


def in_quotes(text: str) -> str:
    """A name or text of any characters, as the grammar writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def compiled(where: str, manifest: Manifest) -> Filter:
    """The condition. Raises OptionError, which says what is wrong, where, and what is valid."""
    if len(where) > _MOST_CHARACTERS:
        raise OptionError(f"this filter has {len(where):,} characters; at most {_MOST_CHARACTERS:,} are read")
    if found := lone_surrogate(where):
        raise OptionError(f"the filter contains {found}, half of a character: remove it")
    if not where.strip():
        return Filter("true", ())
    reader = _Reader(where, manifest)
    sql = reader.either()
    if reader.next is not None:
        raise reader.wrong("there is a ) without its (")
    return Filter(sql, tuple(reader.parameters))


@dataclass(frozen=True, slots=True)
class _Piece:
    at: int
    kind: str  # "(", ")", "-", or "term"
    name: str = ""
    quoted: bool = False
    operator: str = ""
    value: str | None = None
    value_quoted: bool = False


class _Reader:
    def __init__(self, where: str, manifest: Manifest):
        self.where, self.manifest = where, manifest
        self.parameters: list[Any] = []
        self._place, self._depth, self._at = 0, 0, 0
        self.next = self._read()

    def wrong(self, what: str, at: int | None = None) -> OptionError:
        place = (self.next.at if self.next else len(self.where)) if at is None else at
        seen = self.where[place : place + 30]
        return OptionError(f"filter, at character {place + 1}{f' ({seen!r})' if seen else ' (its end)'}: {what}")

    def _read(self) -> _Piece | None:
        rest = self.where[self._place :]
        if not rest.strip():
            return None
        start = self._place + len(rest) - len(rest.lstrip())
        match = _PIECE.match(self.where, self._place)
        if not match:
            what = "a quote is not closed" if self.where[start] == '"' else "this is no term"
            raise OptionError(f"filter, at character {start + 1} ({self.where[start : start + 30]!r}): {what}")
        self._place = match.end()
        if match["bracket"] or match["minus"]:
            return _Piece(start, match["bracket"] or "-")
        value = match["value"]
        return _Piece(
            start,
            "term",
            _unquoted(match["name"]),
            match["name"][0] == '"',
            match["operator"] or "",
            None if value is None else _unquoted(value),
            bool(value) and value[0] == '"',
        )

    def _step(self) -> _Piece:
        found = self.next
        assert found is not None
        self.next = self._read()
        return found

    def _is_word(self, word: str) -> bool:
        one = self.next
        return one is not None and one.kind == "term" and not one.quoted and not one.operator and one.name == word

    def either(self) -> str:
        found = [self._all()]
        while self._is_word("or"):
            self._step()
            found.append(self._all())
        return found[0] if len(found) == 1 else f"({' OR '.join(found)})"

    def _all(self) -> str:
        found = [self._one()]
        while self.next is not None and self.next.kind != ")" and not self._is_word("or"):
            if self._is_word("and"):
                self._step()
            found.append(self._one())
        return found[0] if len(found) == 1 else f"({' AND '.join(found)})"

    def _one(self) -> str:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.wrong(f"it is nested more than {_DEEPEST} deep")
        try:
            if self.next is None:
                raise self.wrong("a term is missing")
            if self.next.kind == "-" or self._is_word("not"):
                self._step()
                return f"(NOT {self._one()})"
            if self.next.kind == "(":
                opened = self._step()
                inside = self.either()
                if self.next is None or self.next.kind != ")":
                    raise self.wrong("this ( is not closed", opened.at)
                self._step()
                return inside
            if self.next.kind == ")" or self._is_word("or") or self._is_word("and"):
                raise self.wrong("a term is missing before this")
            return self._term(self._step())
        finally:
            self._depth -= 1

    def _term(self, piece: _Piece) -> str:
        if piece.operator and piece.value is None:
            raise self.wrong(f"a value is missing after {piece.operator}", piece.at)
        if not piece.quoted:
            if not piece.operator and piece.name in _FLAGS:
                return _FLAGS[piece.name]
            if piece.operator and (compile_term := _TERMS.get(piece.name)):
                return compile_term(self, piece)
        if piece.operator and piece.name in self.manifest.meta:
            return self._column(piece)
        raise self.wrong(self._unknown(piece), piece.at)

    def _unknown(self, piece: _Piece) -> str:
        if not piece.operator and not piece.quoted and (piece.name in _TERMS or piece.name in self.manifest.meta):
            return f"{piece.name} needs a value, as in {piece.name}{'>1' if piece.name in NUMBERS else ':…'}"
        if piece.operator:
            columns = ", ".join(map(in_quotes, self.manifest.meta)) or "none"
            return (
                f"there is no field or column {piece.name!r}; fields are {', '.join(_TERMS)}; the columns of the "
                f"source are {columns}"
            )
        return (
            f"{piece.name!r} is no term; valid are {', '.join(_FLAGS)}, and {', '.join(_TERMS)} with a value; "
            f"text of rows is asked for by word:… or text:…"
        )

    def _column(self, piece: _Piece) -> str:
        name = f"meta_{self.manifest.meta.index(piece.name)}"
        if piece.operator in (":", "="):
            self.bind(piece.value)
            return f"coalesce({name}, '') = ?"
        self.bind(_number(self, piece))
        return f"coalesce(TRY_CAST({name} AS DOUBLE) {piece.operator} ?, false)"

    def class_of(self, piece: _Piece) -> int:
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

    def bind(self, *values: Any) -> None:
        self.parameters += values


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.S) if text[0] == '"' else text


def _number(reader: _Reader, piece: _Piece) -> float:
    try:
        found = float(str(piece.value))
    except ValueError:
        found = math.nan
    if math.isnan(found):
        raise reader.wrong(f"{piece.value!r} is no number", piece.at)
    return found


def _compared(column: str) -> Callable[[_Reader, _Piece], str]:
    def compile_term(reader: _Reader, piece: _Piece) -> str:
        reader.bind(_number(reader, piece))
        operator = "=" if piece.operator == ":" else piece.operator
        return f"coalesce({column} {operator} ?, false)"

    return compile_term


def _named(column: str, several: str) -> Callable[[_Reader, _Piece], str]:
    def compile_term(reader: _Reader, piece: _Piece) -> str:
        reader.bind(reader.class_of(piece))
        if reader.manifest.kind == "multi_label":
            return f"coalesce(list_contains({several}, ?), false)"
        return f"coalesce({column} = ?, false)"

    return compile_term


def _counted(column: str) -> Callable[[_Reader, _Piece], str]:
    compare = _compared(f'"{column}"')

    def compile_term(reader: _Reader, piece: _Piece) -> str:
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


def _text_of(reader: _Reader, piece: _Piece) -> str:
    if piece.operator not in (":", "=") or not piece.value:
        raise reader.wrong(f'{piece.name} is text: write {piece.name}:NAME or {piece.name}:"two words"', piece.at)
    return piece.value


def _part(reader: _Reader, piece: _Piece) -> str:
    value = _text_of(reader, piece)
    return _in_either(reader, "contains(lower({}), lower(CAST(? AS VARCHAR)))", value)


def _in_either(reader: _Reader, condition: str, parameter: str) -> str:
    """A condition on the text or its pair."""
    columns = ["text"] if reader.manifest.table["pair"] is None else ["text", "pair"]
    reader.bind(*[parameter] * len(columns))
    return f"({' OR '.join(f'coalesce({condition.format(column)}, false)' for column in columns)})"


def _word(reader: _Reader, piece: _Piece) -> str:
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


def _receipt(reader: _Reader, piece: _Piece) -> str:
    method, _, verdict = _text_of(reader, piece).rpartition(":")
    if verdict not in _VERDICTS:
        raise reader.wrong(f"{verdict!r} is no verdict; they are {', '.join(_VERDICTS)}", piece.at)
    if method and method not in reader.manifest.methods:
        have: Sequence[str] = reader.manifest.methods
        raise reader.wrong(f"there is no method {method!r}; there are {', '.join(have) or 'none'}", piece.at)
    reader.bind(verdict, *([method] if method else []))
    return f"id IN (SELECT id FROM receipts WHERE verdict = ?{' AND method = ?' if method else ''})"


_TERMS: dict[str, Callable[[_Reader, _Piece], str]] = {
    "label": _named("label", "labels"),
    "answer": _named("answer", "answers"),
    "word": _word,
    "text": _part,
    **{name: _compared(name) for name in NUMBERS},
    "row": _counted("row"),
    "id": _counted("id"),
    "receipt": _receipt,
}
