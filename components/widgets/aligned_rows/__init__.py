"""A table whose columns are tokens: one row per step from text to numbers; related cells are highlighted together.

A cell may span several columns: a word covers its pieces. Hovering over a cell, or moving to it with the arrow keys,
highlights all cells that share a column with it; a click or Enter on a cell of one column selects that token.

Hooks for tests: ``data-testid`` ``aligned-rows`` (the whole), ``aligned-rows-table`` (role grid, named by ``label``),
``aligned-rows-cell`` (with ``data-row``, ``data-from`` and ``data-to``), ``aligned-rows-readout``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from components.widgets import frontend

__all__ = ["DESELECTED", "Cell", "Row", "aligned_rows", "clicked_column"]

DESELECTED = -1
"""What a click on the selected token returns."""

_mount = frontend.register(Path(__file__).parent)


@dataclass(frozen=True, slots=True)
class Cell:
    """What one step shows in the columns ``start`` to ``end`` (exclusive).

    tone:  0 to 1, strength of the background colour; None: no colour.
    note:  addition to the readout line when the cell is hovered over, plain text.
    kind:  "special" and "unknown" tokens stand out, "faint" is padding, "struck" is removed.
    """

    text: str
    start: int
    end: int
    tone: float | None = None
    note: str = ""
    kind: Literal["text", "special", "unknown", "faint", "struck"] = "text"


@dataclass(frozen=True, slots=True)
class Row:
    """One step: its id, its name, a sentence on what it does, and its cells from left to right."""

    id: str
    label: str
    meaning: str
    cells: Sequence[Cell] = field(default=())


def aligned_rows(
    rows: Sequence[Row],
    *,
    key: str,
    label: str,
    columns: int,
    selected: int | None,
    version: str,
    linked: Literal["column", "text"] = "column",
    reveal: int | None = None,
    on_select: Callable[[], None] | None = None,
) -> int | None:
    """Draw the table and return the column clicked since the last run.

    Hovering a cell highlights what is ``linked`` with it in every row: cells of its columns, or cells of the same text.

    ``reveal`` is a column that is scrolled into sight at first.

    Returns the index, `DESELECTED` for a click on the selected column, None without a click. Raises ValueError for a
    selection or a cell outside the columns.
    """
    if selected is not None and not 0 <= selected < columns:
        raise ValueError(f"selected column {selected}: there are {columns}, counted from 0")
    for row in rows:
        for cell in row.cells:
            if not 0 <= cell.start < cell.end <= columns:
                raise ValueError(f"row {row.id!r}: a cell from {cell.start} to {cell.end} is outside {columns} columns")
    data = {
        "version": version,
        "label": label,
        "columns": columns,
        "selected": selected,
        "linked": linked,
        "reveal": reveal,
        "rows": tuple(  # a tuple, not a list: see `components.widgets.frontend`
            {
                "id": row.id,
                "label": row.label,
                "meaning": row.meaning,
                "cells": [
                    {
                        "text": cell.text,
                        "from": cell.start,
                        "to": cell.end,
                        "tone": None if cell.tone is None else round(float(cell.tone), 4),
                        "note": cell.note,
                        "kind": cell.kind,
                    }
                    for cell in row.cells
                ],
            }
            for row in rows
        ),
    }
    result = _mount(key=key, data=data, on_select_change=on_select or frontend.nothing)
    return clicked_column(result, version, columns)


def clicked_column(result: Mapping[str, Any], version: str, columns: int) -> int | None:
    """The click in a component's result (in a callback: ``session_state[key]``), as `aligned_rows` returns it."""
    event = frontend.read_event(result, version)
    index = event.get("index") if event else None
    return index if isinstance(index, int) and DESELECTED <= index < columns else None
