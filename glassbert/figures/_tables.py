"""The table of a result that has no picture of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassbert.figures._figure import Figure, Sheet
from glassbert.figures._words import left_out
from glassbert.pictures.formats import short
from glassbert.pictures.palette import Theme
from glassbert.pictures.table_drawings import table_drawing
from glassbert.results import Result


def _table(result: Result, on: Theme, *, top_k: int = 40) -> Sheet:
    """``top_k`` is the number of rows shown, from the first."""
    frame = result.frame()
    columns = [str(name).replace("_", " ") for name in frame.columns]
    shown = list(frame.head(top_k).itertuples(index=False, name=None))
    numbers = [n for n in range(len(columns)) if shown and all(_is_number(row[n]) for row in shown)]
    rows = [[_told(value) for value in row] for row in shown]
    table = table_drawing([name[:1].upper() + name[1:] for name in columns], rows, on=on, right=numbers, width_px=860)
    name = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type(result).__name__).strip()
    encoded = getattr(result, "encoded", None)
    return Sheet(
        name.capitalize(), table, () if encoded is None else encoded.texts, [left_out(len(rows), len(frame), "rows")]
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)


def _told(value: Any) -> str:
    if value is None or (_is_number(value) and value != value):
        return ""
    return short(float(value)) if isinstance(value, float | np.floating) else str(value)


TABLE = Figure(Result, _table)
