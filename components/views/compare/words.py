"""Both readings one above the other, one column per word, with what a section measures for each word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from components.gateway import inputs
from components.text import shortened
from components.views.compare.sides import Compared
from components.widgets.aligned_rows import Cell, Row, aligned_rows, clicked_column

__all__ = ["Figure", "draw_words"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number for some words: row of the alignment → (its text, its colour strength from 0 to 1)."""

    label: str
    meaning: str
    values: Mapping[int, tuple[str, float]]


def draw_words(compared: Compared, *figures: Figure, key: str) -> None:
    """The aligned words; a click selects one everywhere. Cost: no forward pass."""
    alignment = compared.alignment
    rows = compared.shown(np.arange(len(alignment)))
    columns = {int(row): column for column, row in enumerate(rows)}
    lines = [
        Row("pieces", "first", f"as read by {_reader(compared, 0)}", _cells(compared, 0, columns)),
        Row("second", "second", f"as read by {_reader(compared, 1)}", _cells(compared, 1, columns)),
    ]
    for number, figure in enumerate(figures):
        cells = [
            Cell(told, columns[row], columns[row] + 1, tone=tone)
            for row, (told, tone) in figure.values.items()
            if row in columns
        ]
        lines.append(Row(f"figure_{number}", figure.label, figure.meaning, cells))
    version = compared.version(key, [figure.values for figure in figures])
    aligned_rows(
        lines,
        key=key,
        label="Both sides word by word",
        columns=len(rows),
        selected=compared.place(rows),
        version=version,
        on_select=compared.select(key, version, rows, clicked_column),
    )


def _reader(compared: Compared, side: int) -> str:
    one = compared.sides[side]
    text = f", text {('one', 'two')[side]}" if compared.kind == "texts" else ""
    return f"{one.name}{text}"


def _cells(compared: Compared, side: int, columns: Mapping[int, int]) -> list[Cell]:
    alignment = compared.alignment
    labels = (alignment.first_labels, alignment.second_labels)[side]
    spans = (alignment.first_spans, alignment.second_spans)[side]
    encoded = inputs.encode(compared.texts[side])
    kinds, special = alignment.kinds, alignment.special  # each is worked out for all rows when it is asked for
    cells = []
    for row, column in columns.items():
        start, stop = spans[row]
        if start == stop:
            continue
        pieces = encoded.tokens[start:stop]
        cells.append(
            Cell(
                shortened(labels[row], 24),
                column,
                column + 1,
                tone=None if kinds[row] == "same" else 0.5,
                note=f"{_KINDS[kinds[row]]}{' '.join(pieces)}",
                kind="special" if special[row] else "text",
            )
        )
    return cells


_KINDS = {
    "same": "",
    "replaced": "another word, ",
    "deleted": "not in the second, ",
    "inserted": "not in the first, ",
}
