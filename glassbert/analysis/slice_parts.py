"""Parts of a data set that a filter names: bands of numbers, classes, words, and values of columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from glassbert.analysis.filters import Filter, in_quotes, term
from glassbert.analysis.folder import Manifest
from glassbert.analysis.queries import Store
from glassbert.results import Array

__all__ = ["FEWEST_ROWS", "Part", "Searched", "Sums", "groups_of", "places_of", "searched"]

FEWEST_ROWS = 20
_BANDS = 5
#: Values of a column, and columns of numbers: from this share of numbers and so many different ones on.
_MOST_VALUES, _NUMBERS, _DIFFERENT = 100, 0.9, 12
#: A word of more of the rows than this is in all of them, more or less.
_EVERYWHERE = 0.9
_WORD = r"[\p{L}\p{N}_]+"


@dataclass(frozen=True, slots=True)
class Sums:
    """Of several parts: rows, errors summed, and their squares; all that the tests need."""

    count: Array
    total: Array
    squares: Array

    @classmethod
    def of(cls, errors: Array) -> Sums:
        return cls(np.array([len(errors)]), np.array([errors.sum()]), np.array([(errors**2).sum()]))

    @classmethod
    def stacked(cls, several: list[Sums]) -> Sums:
        empty: list[Array] = [np.zeros(0)]
        return cls(
            np.concatenate(empty + [one.count for one in several]).astype(np.int64),
            np.concatenate(empty + [one.total for one in several]),
            np.concatenate(empty + [one.squares for one in several]),
        )

    def at(self, places: list[int]) -> Sums:
        """Those of some of the parts."""
        return Sums(self.count[places], self.total[places], self.squares[places])

    @property
    def variance(self) -> Array:
        mean = self.total / np.maximum(self.count, 1)
        squared = np.maximum(self.squares / np.maximum(self.count, 1) - mean**2, 0)
        unbiased: Array = squared * self.count / np.maximum(self.count - 1, 1)
        return unbiased

    def without(self, part: Sums) -> Sums:
        return Sums(self.count - part.count, self.total - part.total, self.squares - part.squares)


@dataclass(frozen=True, slots=True)
class Part:
    """What a filter chooses: its sums, and the places of its rows; of a word, these are found when they are needed.

    Parts of one group are no pair.
    """

    group: str
    term: str
    sums: Sums
    rows: Array | None = None
    word: str = ""


@dataclass(frozen=True, slots=True)
class Searched:
    """The rows in which weak parts are searched, in the order of their ids."""

    store: Store
    manifest: Manifest
    scored: Filter
    ids: Array
    tokens: Array
    errors: Array  # 1 for a wrong answer; of a regression, the absolute error
    error: str  # the same in SQL

    def part(self, group: str, term: str, places: Array) -> Part:
        """The part that has these rows."""
        return Part(group, term, Sums.of(self.errors[places]), places)


def searched(store: Store, manifest: Manifest, chosen: Filter, number: bool) -> Searched:
    """The rows that pass and have a label; ``number``: a regression."""
    scored = chosen & ("loss IS NOT NULL" if number else '"right" IS NOT NULL')
    error = "loss::DOUBLE" if number else '(NOT "right")::INTEGER::DOUBLE'
    found = store.arrays(
        f"SELECT id, {error} AS error, coalesce(tokens, 0) AS tokens FROM predictions WHERE {scored.sql} ORDER BY id",
        scored.parameters,
    )
    return Searched(store, manifest, scored, found["id"], found["tokens"], found["error"], error)


def groups_of(manifest: Manifest) -> dict[str, Callable[[Searched], Iterator[Part]]]:
    """What the rows are divided by → its parts."""
    return {
        "length": lambda rows: _bands(rows, "length", "tokens", rows.tokens),
        "label": partial(_classes, field="label"),
        "answer": partial(_classes, field="answer"),
        "word": _words,
        **{in_quotes(name): partial(_values, name=name) for name in manifest.meta},
    }


def _bands(rows: Searched, group: str, field: str, values: Array) -> Iterator[Part]:
    """Five bands of about as many rows each, of the rows that have a number."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, _BANDS + 1)[1:-1], method="closest_observation"))
    band = np.searchsorted(edges, values[known], side="right")
    for number in range(len(edges) + 1):
        low = f"{field}>={edges[number - 1]:.12g}" if number else ""
        high = f"{field}<{edges[number]:.12g}" if number < len(edges) else ""
        if low or high:
            yield rows.part(group, f"{low} {high}".strip(), known[band == number])


def _classes(rows: Searched, *, field: str) -> Iterator[Part]:
    manifest, scored = rows.manifest, rows.scored
    if manifest.kind == "regression":
        return
    column = f"unnest({field}s)" if manifest.kind == "multi_label" else field
    found = rows.store.arrays(
        f"SELECT id, {column} AS own FROM predictions WHERE {scored.sql} ORDER BY id", scored.parameters
    )
    own, places = np.ma.filled(found["own"], -1), np.searchsorted(rows.ids, found["id"])
    for number, name in enumerate(manifest.labels):
        # of one group: a label and another answer are an error by definition
        yield rows.part("class", term(field, name), places[own == number])


def _spoken(rows: Searched) -> str:
    """SQL of each text's different words, as the term ``word:`` finds them, with its error."""
    text = "text" if rows.manifest.table["pair"] is None else "concat_ws(' ', text, pair)"
    return f"""
        SELECT id, {rows.error} AS error, unnest(list_distinct(regexp_extract_all(lower({text}), '{_WORD}'))) AS word
        FROM predictions WHERE {rows.scored.sql}
    """


def _words(rows: Searched) -> Iterator[Part]:
    """The words of at least 20 rows."""
    found = rows.store.rows(
        f"""
        SELECT word, count(*), sum(error), sum(error ** 2) FROM ({_spoken(rows)}) GROUP BY word
        HAVING count(*) BETWEEN {FEWEST_ROWS} AND ? ORDER BY word
        """,
        [*rows.scored.parameters, int(_EVERYWHERE * len(rows.ids))],
    )
    for word, *sums in found:
        yield Part(f"word {word}", term("word", word), Sums(*(np.array([one]) for one in sums)), word=word)


def places_of(rows: Searched, parts: list[Part]) -> list[Array]:
    """The rows of each part."""
    words = [part.word for part in parts if part.rows is None]
    lists = rows.store.arrow(
        f"SELECT word, list(id) AS ids FROM ({_spoken(rows)}) "
        "WHERE word IN (SELECT unnest(?::VARCHAR[])) GROUP BY word",
        [*rows.scored.parameters, words],
    )
    ids = lists["ids"].combine_chunks()
    ends = np.cumsum(np.asarray(ids.value_lengths()))
    found = np.split(np.searchsorted(rows.ids, np.asarray(ids.flatten())), ends)[: len(lists)]
    of_word = dict(zip(lists["word"].to_pylist(), found, strict=True))
    return [of_word[part.word] if part.rows is None else part.rows for part in parts]


def _values(rows: Searched, *, name: str) -> Iterator[Part]:
    """The values of a column of the source that at least 20 rows have; bands of one of numbers."""
    store, scored = rows.store, rows.scored
    column = f"meta_{rows.manifest.meta.index(name)}"
    [(numbers, known, different)] = store.rows(
        f"SELECT count(TRY_CAST({column} AS DOUBLE)), count({column}), count(DISTINCT {column}) "
        f"FROM predictions WHERE {scored.sql}",
        scored.parameters,
    )
    if known and numbers >= _NUMBERS * known and different > _DIFFERENT:
        found = store.arrays(
            f"SELECT coalesce(TRY_CAST({column} AS DOUBLE), 'nan'::DOUBLE) AS value FROM predictions "
            f"WHERE {scored.sql} ORDER BY id",
            scored.parameters,
        )
        yield from _bands(rows, name, in_quotes(name), found["value"])
        return
    values = store.rows(
        f"SELECT {column}, list(id ORDER BY id) FROM predictions WHERE {(scored & f'{column} IS NOT NULL').sql} "
        f"GROUP BY {column} HAVING count(*) >= {FEWEST_ROWS} ORDER BY count(*) DESC, {column} LIMIT {_MOST_VALUES}",
        scored.parameters,
    )
    for value, own in values:
        yield rows.part(name, term(name, value, column=True), np.searchsorted(rows.ids, np.asarray(own)))
