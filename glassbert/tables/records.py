"""One reader for each form of a table: its columns, and its rows one after the other.

Forms: CSV and TSV, JSON lines, JSON, Parquet, one text a line, pandas frames, and the objects of Hugging Face's
``datasets``, which are known by what they offer, so that the package is not needed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from glassbert.errors import OptionError, TableError
from glassbert.tables.delimited import header_of
from glassbert.tables.files import UNREADABLE, Limits, opened_text, start_of
from glassbert.tables.on_board import SETS

__all__ = ["SAMPLE", "Records", "records_of"]

#: The rows that columns are told by.
SAMPLE = 1000
_IN_WORDS = {
    b"PK\x03\x04": "is an Excel workbook or a zip archive: save it as CSV",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook: save it as CSV",
    b"%PDF": "is a PDF, not a table",
    b"ARROW1": "is an Arrow file: save it as Parquet",
}
#: A row's number and its values in the order of the columns, or in words what is wrong with it.
Row = tuple[int, Sequence[Any] | str]


@dataclass(frozen=True, slots=True)
class Records:
    """A source of rows. ``class_names``: column → the names of its numbered classes, where the source tells them."""

    name: str
    columns: tuple[str, ...]
    rows: Iterator[Row]
    class_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def records_of(source: Any, split: str | None, limits: Limits) -> Records:
    """The rows of a path, frame or dataset, read as they are asked for. Raises TableError, OptionError."""
    if isinstance(source, str) and source in SETS:
        return replace(_of_file(SETS[source].path(split), limits), name=f"{source}, {split}")
    if isinstance(source, str | os.PathLike):
        if split is not None:
            raise OptionError("split= is for the sets on board and for a datasets object with splits, not for a file")
        return _of_file(Path(source), limits)
    if isinstance(source, Mapping) and source and all(hasattr(part, "column_names") for part in source.values()):
        if split not in source:
            have = ", ".join(map(str, source))
            raise OptionError(f"split must be one of {have}; got {split!r}")
        return _of_dataset(source[split], str(split))
    if split is not None:
        raise OptionError("split= is for the sets on board and for a datasets object with splits")
    if hasattr(source, "itertuples") and hasattr(source, "columns"):
        return _of_frame(source)
    if hasattr(source, "column_names") and hasattr(source, "__iter__"):
        return _of_dataset(source, "dataset")
    raise TableError(
        f"a table must be a path, a pandas frame, a datasets object or a set on board, not {type(source).__name__}"
    )


def _of_file(path: Path, limits: Limits) -> Records:
    if not path.exists():
        raise TableError(f"there is no file {path}; the sets on board are {', '.join(SETS)}")
    start = start_of(path, limits)
    for magic, words in _IN_WORDS.items():
        if start.startswith(magic):
            raise TableError(f"{path.name} {words}")
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    suffix = suffixes[-1] if suffixes else ""
    if start.startswith(b"PAR1"):
        return _of_parquet(path)
    if suffix in (".jsonl", ".ndjson"):
        return _of_json_lines(path, limits)
    first = start.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1]
    if suffix == ".json" or (suffix not in (".csv", ".tsv", ".tab", ".txt") and first in (b"{", b"[")):
        return _of_json(path, limits)
    if suffix == ".txt":
        return Records(path.name, ("text",), _lines(path, limits))
    columns, rows = header_of(_text_lines(path, limits))
    return Records(path.name, columns, rows)


def _text_lines(path: Path, limits: Limits) -> Iterator[str]:
    with opened_text(path, limits) as lines:
        yield from lines


def _lines(path: Path, limits: Limits) -> Iterator[Row]:
    """One text a line; blank lines separate them."""
    for number, line in enumerate(_text_lines(path, limits), start=1):
        if line.strip():
            yield number, (line.rstrip("\r\n"),)


# --- JSON ---------------------------------------------------------------------------------------------------------


def _of_json_lines(path: Path, limits: Limits) -> Records:
    return _of_objects(path.name, _json_lines(path, limits))


def _json_lines(path: Path, limits: Limits) -> Iterator[tuple[int, Any]]:
    blank: list[int] = []
    for number, line in enumerate(_text_lines(path, limits), start=1):
        if not line.strip():
            blank.append(number)
            continue
        yield from ((one, "the row is empty") for one in blank)
        blank.clear()
        try:
            content = json.loads(line)
        except (ValueError, RecursionError) as error:
            content = f"not JSON: {error}"
        yield number, content if isinstance(content, Mapping | str) else "not a JSON object with names and values"


def _of_objects(name: str, objects: Iterator[tuple[int, Any]]) -> Records:
    """Rows from objects with names; the columns are all names of the first rows, in order. A string is damage."""
    first = list(islice(objects, SAMPLE))
    columns = tuple(dict.fromkeys(key for _, content in first if isinstance(content, Mapping) for key in content))
    if not columns:
        damage = next((f": row {number}: {content}" for number, content in first if isinstance(content, str)), "")
        raise TableError(f"{name} has no rows with named values{damage}")

    def rows() -> Iterator[Row]:
        for part in (first, objects):
            for number, content in part:
                whole = isinstance(content, Mapping)
                yield number, tuple(content.get(column) for column in columns) if whole else content

    return Records(name, columns, rows())


def _of_json(path: Path, limits: Limits) -> Records:
    with opened_text(path, limits) as stream:
        text = stream.read()
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        lines = text.split("\n", 2)
        if len(lines) > 1 and lines[0].lstrip("\ufeff").lstrip().startswith("{") and lines[0].rstrip().endswith("}"):
            return _of_json_lines(path, limits)
        raise TableError(f"{path.name} is not JSON: {error}") from error
    del text
    if isinstance(content, Mapping):
        lists = {key: value for key, value in content.items() if isinstance(value, list)}
        if lists and len(lists) == len(content) and len({len(value) for value in lists.values()}) == 1:
            by_row = zip(*lists.values(), strict=True)
            if len(lists) > 1 or not isinstance(next(iter(lists.values()))[:1], Mapping):
                return Records(path.name, tuple(map(str, lists)), iter(list(enumerate(by_row, start=1))))
        content = next((value for value in lists.values() if value and isinstance(value[0], Mapping)), content)
    if not isinstance(content, list):
        raise TableError(f"{path.name} must hold a list of objects, or a list for each column")
    return _of_objects(
        path.name,
        (
            (number, one if isinstance(one, Mapping) else "not a JSON object with names and values")
            for number, one in enumerate(content, start=1)
        ),
    )


# --- Parquet, frames, datasets --------------------------------------------------------------------------------------


def _of_parquet(path: Path) -> Records:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise TableError("Parquet files need pyarrow: pip install pyarrow, or save the table as CSV") from error
    try:
        file = parquet.ParquetFile(path)
        columns = tuple(file.schema_arrow.names)
        told = json.loads((file.schema_arrow.metadata or {}).get(b"huggingface", b"{}"))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise TableError(f"{path.name} is damaged or not Parquet: {error}") from error

    def rows() -> Iterator[Row]:
        number = 0
        try:
            for batch in file.iter_batches(batch_size=SAMPLE):
                for values in zip(*(_values(batch.column(at)) for at in range(len(columns))), strict=True):
                    number += 1
                    yield number, values
        except (pyarrow.ArrowException, OSError) as error:
            raise TableError(f"{path.name} is damaged after row {number:,}: {error}") from error

    features = told.get("info", {}).get("features", {}) if isinstance(told, dict) else {}
    return Records(path.name, columns, rows(), _class_names(features))


def _values(column: Any) -> list[Any]:
    """The values of a column; strings whose bytes are not UTF-8 are marked as such."""
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        values = []
        for one in column:
            try:
                values.append(one.as_py())
            except UnicodeDecodeError:
                values.append(UNREADABLE)
    return values


def _of_frame(frame: Any) -> Records:
    rows = enumerate(frame.itertuples(index=False, name=None), start=1)
    return Records("a pandas frame", tuple(map(str, frame.columns)), rows)


def _of_dataset(dataset: Any, name: str) -> Records:
    columns = dataset.column_names
    if not isinstance(columns, list | tuple):
        raise TableError("this datasets object does not tell its columns: resolve them first, or save it as Parquet")
    rows = (
        (number, tuple(row.get(column) for column in columns) if isinstance(row, Mapping) else "not a row of columns")
        for number, row in enumerate(dataset, start=1)
    )
    return Records(name, tuple(map(str, columns)), rows, _class_names(getattr(dataset, "features", None) or {}))


def _class_names(features: Any) -> dict[str, tuple[str, ...]]:
    """Column → the names of its classes, from the features of a dataset, also where a list holds them."""
    found = {}
    for column, feature in features.items() if isinstance(features, Mapping) else ():
        for _ in range(2):
            names = _told(feature, "names")
            if isinstance(names, list | tuple) and names and all(isinstance(one, str) for one in names):
                found[str(column)] = tuple(names)
            feature = _told(feature, "feature")
    return found


def _told(feature: Any, name: str) -> Any:
    return feature.get(name) if isinstance(feature, Mapping) else getattr(feature, name, None)
