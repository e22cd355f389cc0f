"""Tables as files for others: CSV that a spreadsheet can open without harm, and Parquet."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_csv", "as_parquet"]

# What a spreadsheet takes for the beginning of a formula, also in full width.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")


def as_csv(table: pd.DataFrame) -> bytes:
    """A table for spreadsheets: UTF-8 with a mark that says so, and no text in it that would be run as a formula.

    Text that begins with =, +, - or @ gets an apostrophe in front, also in the names of columns; numbers stay numbers.
    """
    safe = _plain(table)
    for column in safe.columns:
        if not _is_numeric(safe[column]):
            safe[column] = [_harmless(cell) if isinstance(cell, str) else cell for cell in safe[column]]
    safe.columns = [_harmless(str(name)) for name in safe.columns]
    # every text in quotes: a line break of any kind in one begins no new row
    return str(safe.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)).encode("utf-8-sig")


def as_parquet(table: pd.DataFrame) -> bytes:
    """The same as Parquet, with every text as it is."""
    file = io.BytesIO()
    plain = _plain(table)
    plain.columns = [str(name) for name in plain.columns]
    plain.to_parquet(file, index=False)
    return file.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def _is_numeric(column: pd.Series) -> bool:
    return column.dtype.kind in "biuf"


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """A copy whose cells are numbers or text; a list in a cell is written as JSON."""
    plain = table.copy()
    for column in plain.columns:
        if not _is_numeric(plain[column]):
            plain[column] = [
                cell if cell is None or isinstance(cell, str) else json.dumps(cell, default=str, ensure_ascii=False)
                for cell in plain[column].tolist()
            ]
    return plain
