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

import re
from dataclasses import dataclass
from typing import Any

from glassbert.analysis.filter_terms import FLAGS, NUMBERS, TERMS, Compiling, Piece
from glassbert.analysis.folder import Manifest
from glassbert.arguments import lone_surrogate
from glassbert.errors import OptionError

__all__ = ["Filter", "compiled", "in_quotes", "narrowed", "term"]

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
        return Filter(f"({self.sql}) AND ({sql})", self.parameters)


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
        raise reader.wrong("there is a ) without its (", reader.here)
    return Filter(sql, tuple(reader.parameters))


class _Reader(Compiling):
    """Reads a filter from left to right."""

    def __init__(self, where: str, manifest: Manifest):
        super().__init__(where, manifest)
        self._place, self._depth = 0, 0
        self.next = self._read()

    @property
    def here(self) -> int:
        """Where the next piece stands."""
        return self.next.at if self.next else len(self.where)

    def _read(self) -> Piece | None:
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
            return Piece(start, match["bracket"] or "-")
        value = match["value"]
        return Piece(
            start,
            "term",
            _unquoted(match["name"]),
            match["name"][0] == '"',
            match["operator"] or "",
            None if value is None else _unquoted(value),
        )

    def _step(self) -> Piece:
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
            raise self.wrong(f"it is nested more than {_DEEPEST} deep", self.here)
        try:
            if self.next is None:
                raise self.wrong("a term is missing", self.here)
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
                raise self.wrong("a term is missing before this", self.here)
            return self._term(self._step())
        finally:
            self._depth -= 1

    def _term(self, piece: Piece) -> str:
        if piece.operator and piece.value is None:
            raise self.wrong(f"a value is missing after {piece.operator}", piece.at)
        if not piece.quoted:
            if not piece.operator and piece.name in FLAGS:
                return FLAGS[piece.name]
            if piece.operator and (compile_term := TERMS.get(piece.name)):
                return compile_term(self, piece)
        if piece.operator and piece.name in self.manifest.meta:
            return self.column(piece)
        raise self.wrong(self._unknown(piece), piece.at)

    def _unknown(self, piece: Piece) -> str:
        if not piece.operator and not piece.quoted and (piece.name in TERMS or piece.name in self.manifest.meta):
            return f"{piece.name} needs a value, as in {piece.name}{'>1' if piece.name in NUMBERS else ':…'}"
        if piece.operator:
            columns = ", ".join(map(in_quotes, self.manifest.meta)) or "none"
            return (
                f"there is no field or column {piece.name!r}; fields are {', '.join(TERMS)}; the columns of the "
                f"source are {columns}"
            )
        return (
            f"{piece.name!r} is no term; valid are {', '.join(FLAGS)}, and {', '.join(TERMS)} with a value; "
            f"text of rows is asked for by word:… or text:…"
        )


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.S) if text[0] == '"' else text
