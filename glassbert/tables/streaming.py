"""A table row by row, with all its columns, for work that never holds it whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from glassbert.arguments import lone_surrogate
from glassbert.errors import TableError
from glassbert.tables.cells import DamageError, is_missing, text_of
from glassbert.tables.columns import Columns, columns_of
from glassbert.tables.contents import Table
from glassbert.tables.files import Limits
from glassbert.tables.on_board import SETS
from glassbert.tables.records import SAMPLE, Records, records_of

__all__ = ["MOST_META", "StreamedRow", "TableStream", "stream_of"]

#: Other columns that are kept, and how much of each cell.
MOST_META, _META_CHARACTERS = 20, 200
#: There is no limit on what is read row by row; JSON, which is read whole, keeps this one.
_LIMITS = Limits(rows=2**62, size_bytes=2**62)


@dataclass(frozen=True, slots=True)
class StreamedRow:
    """One row of the source: ``row`` counts as a spreadsheet does. A row whose text is damaged has its other cells."""

    row: int
    text: str = ""
    pair: str | None = None
    label: Any = None  # the cell as it stands
    meta: tuple[str | None, ...] = ()
    damage: str | None = None


@dataclass(frozen=True, slots=True)
class TableStream:
    """A source of rows, bad ones included, in order. ``rows`` can be read once."""

    source: str
    fingerprint: str
    text_column: str | None
    pair_column: str | None
    label_column: str | None
    meta_columns: tuple[str, ...]
    class_names: tuple[str, ...]  # of a label column of numbers, where the source tells them
    first: tuple[StreamedRow, ...]  # the rows that the columns were told by
    rest: Iterator[StreamedRow]

    @property
    def rows(self) -> Iterator[StreamedRow]:
        return chain(self.first, self.rest)


def stream_of(
    source: Any,
    text: str | None = None,
    pair: str | None = None,
    label: str | None = None,
    *,
    split: str | None = None,
    labelled: bool | None = None,
) -> TableStream:
    """The rows of what :func:`glassbert.read_table` reads, or of a :class:`glassbert.Table`, in their order.

    ``labelled``: whether there are labels; None: if a column is told to be theirs. Raises TableError, OptionError.
    """
    if isinstance(source, Table):
        return _of_table(source)
    fingerprint = _fingerprint(source, split)
    records = records_of(source, split, _LIMITS)
    sample = list(islice(records.rows, SAMPLE))
    columns = _columns(records, [values for _, values in sample if not isinstance(values, str)], text, pair, label)
    if labelled is False:
        columns = Columns(columns.kind, columns.text, columns.pair)
    used = {columns.text, columns.pair, columns.label}
    meta = [place for place in range(len(records.columns)) if place not in used][:MOST_META]

    def name(place: int | None) -> str | None:
        return None if place is None else _plain(records.columns[place])

    def read(row: int, values: Sequence[Any] | str) -> StreamedRow:
        return _read(row, values, records.columns, columns, meta)

    return TableStream(
        source=_plain(records.name),
        fingerprint=fingerprint,
        text_column=name(columns.text),
        pair_column=name(columns.pair),
        label_column=name(columns.label),
        meta_columns=tuple(_plain(records.columns[place]) for place in meta),
        class_names=() if columns.label is None else records.class_names.get(records.columns[columns.label], ()),
        first=tuple(read(*one) for one in sample),
        rest=(read(*one) for one in records.rows),
    )


def _columns(
    records: Records, sample: Sequence[Sequence[Any]], text: str | None, pair: str | None, label: str | None
) -> Columns:
    """The columns of whole texts and their labels; without labels where no column is surely theirs."""
    if label is None:
        try:
            return columns_of(records.columns, sample, text, pair, None, "classification")
        except TableError:
            return columns_of(records.columns, sample, text, pair, None, "texts")
    return columns_of(records.columns, sample, text, pair, label, "classification")


def _read(
    row: int, values: Sequence[Any] | str, names: Sequence[str], columns: Columns, meta: Sequence[int]
) -> StreamedRow:
    if isinstance(values, str):
        return StreamedRow(row, damage=values)
    place = columns.text
    label = None if columns.label is None else values[columns.label]
    others = tuple(_meta(values[number]) for number in meta)
    try:
        text = text_of(values[place])
        pair = None
        if columns.pair is not None:
            place = columns.pair
            pair = text_of(values[place])
    except DamageError as damage:
        return StreamedRow(row, label=label, meta=others, damage=f"column {_plain(names[place])!r}: {damage}")
    return StreamedRow(row, text, pair, label, others)


def _meta(value: Any) -> str | None:
    if not isinstance(value, list | tuple | dict) and is_missing(value):
        return None
    return _plain(str(value))[:_META_CHARACTERS]


def _plain(text: str) -> str:
    """The same as valid Unicode, without NUL."""
    if lone_surrogate(text):
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "\ufffd")


def _of_table(table: Table) -> TableStream:
    good = (
        StreamedRow(
            row=row,
            text=table.texts[place],
            pair=table.pairs[place] if table.pairs else None,
            label=_cell(table, place),
        )
        for place, row in enumerate(table.rows)
    )
    bad = [
        StreamedRow(one.row, damage=f"{f'column {one.column!r}: ' if one.column else ''}{one.reason}")
        for one in table.bad_rows
    ]
    rows = iter(sorted(chain(good, bad), key=lambda one: one.row))
    return TableStream(
        source=table.source,
        fingerprint=table.fingerprint,
        text_column=table.text_column,
        pair_column=table.pair_column,
        label_column=table.label_column,
        meta_columns=(),
        class_names=(),
        first=tuple(islice(rows, SAMPLE)),
        rest=rows,
    )


def _cell(table: Table, place: int) -> Any:
    """A label as a cell would have it: the names of classes."""
    if table.kind == "classification":
        return table.label_text(place)
    if table.kind == "multi_label":
        return [table.label_names[one] for one in table.labels[place]]
    return table.labels[place] if table.kind == "regression" else None


def _fingerprint(source: Any, split: str | None) -> str:
    """SHA-256 of a file's bytes; of a frame or dataset, of its columns, length and first rows."""
    if isinstance(source, str) and source in SETS:
        source = SETS[source].path(split)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return ""  # what is wrong is said by what reads it
    if isinstance(source, dict) and split in source:
        source = source[split]
    digest = hashlib.sha256()
    names: Any = getattr(source, "column_names", None)
    if names is None:
        names = getattr(source, "columns", ())
    length = len(source) if hasattr(source, "__len__") else -1
    digest.update(repr((list(map(str, names)), length)).encode("utf-8", "replace"))
    rows = source.itertuples(index=False, name=None) if hasattr(source, "itertuples") else source
    for row in islice(iter(rows), SAMPLE):
        digest.update(repr(row).encode("utf-8", "replace"))
    return digest.hexdigest()
