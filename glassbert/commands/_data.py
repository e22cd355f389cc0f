"""Tables of labelled texts for commands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassbert.commands._console import Console
from glassbert.commands._tables import plain

if TYPE_CHECKING:
    from glassbert.tables import Table

__all__ = ["read_told"]

#: Bad rows that are told one by one.
_BAD_ROWS = 10


def read_told(source: str, split: str, options: Mapping[str, Any], console: Console) -> Table:
    """Read a table; what cannot be used is told. A name without a file is a set on board, with its own splits."""
    from glassbert.tables import read_table
    from glassbert.tables.on_board import SETS

    path = Path(source)
    on_board = source in SETS and not path.exists()
    read = read_table(source, split=split, **options) if on_board else read_table(path, **options)
    console.note(f"{plain(read.source)}: {len(read):,} rows of kind {read.kind}, {len(read.bad_rows):,} unusable")
    for bad in read.bad_rows[:_BAD_ROWS]:
        console.note(f"  {plain(str(bad), 200)}")
    if len(read.bad_rows) > _BAD_ROWS:
        console.note(f"  and {len(read.bad_rows) - _BAD_ROWS:,} more")
    return read
