"""``read_table``: from a source of rows to a table, with every row that cannot be used named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any, get_args

from glassbert.arguments import checked
from glassbert.errors import OptionError, TableError
from glassbert.tables.cells import DamageError, text_of
from glassbert.tables.columns import Columns, columns_of
from glassbert.tables.contents import BadRow, Kind, Table
from glassbert.tables.files import Limits
from glassbert.tables.labels import answers_of, kind_of, labels_of, tags_of
from glassbert.tables.records import SAMPLE, Records, records_of

__all__ = ["MOST_BYTES", "MOST_ROWS", "read_table"]

MOST_ROWS, MOST_BYTES = 1_000_000, 200_000_000
_HALVES = re.compile("[\ud800-\udfff]")


@checked
def read_table(
    source: Any,
    text: str | None = None,
    pair: str | None = None,
    label: str | None = None,
    *,
    kind: Kind | None = None,
    label_names: Sequence[str] | None = None,
    split: str | None = None,
    max_rows: int = MOST_ROWS,
    max_bytes: int = MOST_BYTES,
) -> Table:
    """Read labelled texts: ``read_table("train.csv", text="review", label="stars")``.

    ``source`` is a file (CSV, TSV, JSON lines, JSON, Parquet, or one text a line, ``.txt``; each may be gzipped), a
    pandas frame, a dataset of Hugging Face's ``datasets``, or the id of a set on board: "banking", "contracts" or
    "medicine" (a path of the same name is given as a Path). ``split`` names a part of a set on board, "train", "dev"
    or "test", or of a dataset that has splits. Encoding, delimiter and quotation marks are detected. A file of
    delimited values begins with the names of its columns.

    ``text``, ``pair`` and ``label`` name the columns of the text, the second text and the label. What is left out is
    found by its name (text, sentence, review …; label, class, category …), then by content; if that is not clear, the
    error names the columns. ``kind`` says what the labels are, and is else told by them: strings, or whole numbers of
    which there are few, are classes (at most 200); other numbers a regression; lists several classes a text; a column
    of words with one of tags, labels of tokens; a question, a context and answers, spans; without labels there are
    just texts. ``label_names`` are the only valid labels, in order: for data to evaluate on, those of the training
    table. Numbers stand for them by their place.

    No row is dropped silently: those that cannot be used are in ``bad_rows``, each with its column and the reason.
    Files are read row by row, JSON excepted. Raises TableError if nothing can be read, for more than ``max_rows`` rows
    or ``max_bytes`` bytes (as decompressed), and OptionError.
    """
    if kind is not None and kind not in get_args(Kind):
        raise OptionError(f"kind must be one of {', '.join(get_args(Kind))}; got {kind!r}")
    for option, value in {"max_rows": max_rows, "max_bytes": max_bytes}.items():
        if value < 1:
            raise OptionError(f"{option} must be 1 or more; got {value}")
    known = tuple(label_names or ())
    if len(set(known)) < len(known):
        raise OptionError("label_names must be different from each other")
    limits = Limits(max_rows, max_bytes)
    records = _nameable(records_of(source, split, limits))
    first = list(islice(records.rows, SAMPLE))
    sample = [values for _, values in first if not isinstance(values, str)]
    columns = columns_of(records.columns, sample, text, pair, label, kind)
    read = _Read(records, columns)
    for number, (row, values) in enumerate(chain(first, records.rows), start=1):
        if number > max_rows:
            raise limits.too_many(records.name)
        read.add(row, values)
    return _table(read, columns.kind or kind, known)


def _nameable(records: Records) -> Records:
    """The same, with names that can be written and shown: bytes of another encoding are marked."""

    name, *columns = (_HALVES.sub("\ufffd", one) for one in (records.name, *records.columns))
    return replace(records, name=name, columns=tuple(columns))


class _Read:
    """The cells of the chosen columns, row by row, without the rows whose text cannot be used."""

    def __init__(self, records: Records, columns: Columns) -> None:
        self.records, self.columns = records, columns
        self.rows: list[int] = []
        self.texts: list[Any] = []
        self.pairs: list[str] = []
        self.labels: list[Any] = []
        self.bad: list[BadRow] = []
        self._same: dict[str, str] = {}

    def name(self, place: int | None) -> str | None:
        return None if place is None else self.records.columns[place]

    def add(self, row: int, values: Sequence[Any] | str) -> None:
        if isinstance(values, str):
            self.bad.append(BadRow(row, "", values))
            return
        columns = self.columns
        place = columns.text
        try:
            text = values[place] if columns.kind == "tokens" else text_of(values[place])
            pair = ""
            if columns.pair is not None:
                place = columns.pair
                pair = text_of(values[place], whole=columns.kind == "spans")
            label = None if columns.label is None else values[columns.label]
            if columns.kind == "spans":
                place = columns.label if columns.label is not None else place
                label = answers_of(label, None if columns.starts is None else values[columns.starts], pair)
        except DamageError as damage:
            self.bad.append(BadRow(row, self.records.columns[place], str(damage)))
            return
        self.rows.append(row)
        self.texts.append(text)
        if columns.pair is not None:
            self.pairs.append(self._same.setdefault(pair, pair) if columns.kind == "spans" else pair)
        if columns.label is not None:
            self.labels.append(self._same.setdefault(label, label) if isinstance(label, str) else label)


def _table(read: _Read, kind: Kind | None, known: tuple[str, ...]) -> Table:
    columns, name = read.columns, read.name
    class_names = read.records.class_names.get(name(columns.label) or "", ())
    words: list[Any] = []
    names: tuple[str, ...] = ()
    values: list[Any] = read.labels
    if columns.label is None:
        settled: Kind = "texts"
    elif kind == "tokens":
        settled = kind
        words, found = tags_of(read.texts, read.labels, known, class_names)
        values, names = found.values, found.names
    elif kind == "spans":
        settled = kind
    else:
        settled = kind or kind_of(read.labels, named=bool(known or class_names))
        found = labels_of(settled, read.labels, known, class_names)
        values, names = found.values, found.names
    bad = list(read.bad)
    good = []
    for place, row in enumerate(read.rows):
        if words and isinstance(words[place], str):
            bad.append(BadRow(row, name(columns.text) or "", words[place]))
        elif values and isinstance(values[place], str):
            bad.append(BadRow(row, name(columns.label) or "", values[place]))
        else:
            good.append(place)
    bad.sort(key=lambda one: one.row)
    if not good:
        first = f"; the first: {bad[0]}" if bad else ""
        raise TableError(f"{read.records.name} has no row that can be used ({len(bad):,} cannot{first})")
    texts = [" ".join(row) if not isinstance(row, str) else row for row in words] if words else read.texts

    def kept(items: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(items[place] for place in good) if items else ()

    return Table(
        kind=settled,
        texts=kept(texts),
        pairs=kept(read.pairs),
        labels=kept(values),
        label_names=names,
        words=kept(words),
        rows=kept(read.rows),
        bad_rows=tuple(bad),
        source=read.records.name,
        columns=read.records.columns,
        text_column=name(columns.text),
        pair_column=name(columns.pair),
        label_column=name(columns.label),
    )
