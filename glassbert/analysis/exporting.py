"""Answers and rows as files: CSV for spreadsheets, or Parquet."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from glassbert.analysis.filters import Filter
from glassbert.analysis.folder import Manifest
from glassbert.analysis.listing import MOST_ROWS, read_rows
from glassbert.analysis.queries import Store
from glassbert.errors import OptionError
from glassbert.tables.writing import as_csv, as_parquet

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STORED", "stored_frame", "written"]

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")
_DIGITS = 16
#: What is exported as it is stored, beside the answers to questions: kind → the columns of its file.
STORED = {
    "attributions": 'id, method, position, token, word, word_index, segment, "start", "stop", score, share, target',
    "receipts": 'id, method, "check", number, verdict, beaten_share',
}


def stored_frame(store: Store, manifest: Manifest, kind: str, chosen: Filter) -> pd.DataFrame:
    """The rows, attributions or receipts of the rows that a filter chose. Raises OptionError if they are too many."""
    if kind == "rows":
        frame = read_rows(store, manifest, chosen, "id", False, MOST_ROWS, 0)
        if len(frame) == MOST_ROWS:
            raise _too_many(store)
        for column in frame.columns[-len(manifest.meta) :] if manifest.meta else ():
            frame[column] = _as_numbers(frame[column])
        return frame.astype({"right": "boolean"}) if "right" in frame else frame
    selected = f"FROM {kind} WHERE id IN ({chosen.ids})"
    if store.rows(f"SELECT count(*) {selected}", chosen.parameters)[0][0] >= MOST_ROWS:
        raise _too_many(store)
    return store.frame(f"SELECT {STORED[kind]} {selected} ORDER BY ALL", chosen.parameters)


def _as_numbers(column: pd.Series) -> pd.Series:
    """A column of the source as numbers, if that says the same: no leading zeros, nothing that a double rounds."""
    cells = [cell for cell in column if not _is_missing(cell)]
    if not cells or not all(_NUMBER.fullmatch(cell) and len(cell) <= _DIGITS for cell in cells):
        return column
    import pandas as pd

    return pd.to_numeric(column)


def _too_many(store: Store) -> OptionError:
    return OptionError(
        f"a file of {MOST_ROWS:,} rows and more is not made: narrow the filter, or take the Parquet files in "
        f"{store.folder}"
    )


def written(frames: dict[str, Callable[[], pd.DataFrame]], kind: str, form: str) -> bytes:
    """The content of a file of one of these tables; missing cells are empty. Raises OptionError."""
    if kind not in frames:
        raise OptionError(f"kind must be one of {', '.join(frames)}; got {kind!r}")
    if form not in ("csv", "parquet"):
        raise OptionError(f"form must be csv or parquet; got {form!r}")
    frame = frames[kind]().copy()
    for column in frame.columns:
        if frame[column].dtype.kind not in "biuf":
            frame[column] = [None if _is_missing(cell) else cell for cell in frame[column].tolist()]
    return as_csv(frame) if form == "csv" else as_parquet(frame)


def _is_missing(cell: object) -> bool:
    return cell is None or cell != cell
