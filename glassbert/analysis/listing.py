"""Rows as people read them: names in the place of numbers, and the columns of the source under their own names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from glassbert.analysis.filters import Filter
from glassbert.analysis.folder import Manifest
from glassbert.analysis.queries import Store
from glassbert.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MOST_ROWS", "RowPage", "read_row", "read_rows"]

#: Columns of every listing, and those of one kind of model.
_COMMON = ("id", "row", "text", "pair")
_OF_KIND = {
    "classification": ("label", "answer", "right", "confidence", "logit", "loss"),
    "multi_label": ("labels", "answers", "right", "confidence", "logit", "loss"),
    "regression": ("expected", "predicted", "loss"),
}
_LAST = ("tokens", "truncated", "label_text", "error")
#: Rows of a listing; so many are fetched by their numbers.
MOST_ROWS, _FEW = 1_000_000, 1000


class RowPage(NamedTuple):
    """Some of the rows that pass a filter, and how many pass it: ``table, total = analysis.rows("wrong")``."""

    table: pd.DataFrame
    total: int

    def frame(self) -> pd.DataFrame:
        """The rows, as of any other result."""
        return self.table


def read_rows(
    store: Store, manifest: Manifest, chosen: Filter, order: str, descending: bool, limit: int, offset: int
) -> pd.DataFrame:
    """A page of the rows. Raises OptionError."""
    if not 0 <= limit <= MOST_ROWS or offset < 0:
        raise OptionError(f"limit must be 0 to {MOST_ROWS:,}, and offset 0 or more; got {limit} and {offset}")
    columns = _columns(manifest)
    if order not in columns:
        raise OptionError(f"order must be one of {', '.join(columns)}; got {order!r}")
    by = f'ORDER BY "{columns[order]}" {"DESC" if descending else "ASC"} NULLS LAST, id'
    # first which rows, then their contents: sorting carries no texts along, and only the files of these are read
    ids = [
        int(one)
        for (one,) in store.rows(
            f"SELECT id FROM predictions WHERE {chosen.sql} {by} LIMIT ? OFFSET ?",
            [*chosen.parameters, limit, offset],
        )
    ]
    # numbers in the SQL itself let whole files be passed over
    few = len(ids) <= _FEW
    wanted = ", ".join(map(str, ids or [-1])) if few else "SELECT unnest(?::BIGINT[])"
    names = ", ".join(f'"{name}"' for name in columns.values())
    found = store.frame(f"SELECT {names} FROM predictions WHERE id IN ({wanted}) {by}", [] if few else [ids])
    found.columns = list(columns)
    return _named(found, manifest)


def _columns(manifest: Manifest) -> dict[str, str]:
    """Name → column of the file, in order; a name that is taken says where it is from."""
    own = (*_COMMON, *_OF_KIND[manifest.kind], *_LAST)
    columns = {name: name for name in own}
    for number, name in enumerate(manifest.meta):
        unlike = name
        while unlike in columns:
            unlike += " (source)"
        columns[unlike] = f"meta_{number}"
    if manifest.table["pair"] is None:
        del columns["pair"]
    return columns


def _named(found: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    from pandas.api.types import is_list_like

    names = dict(enumerate(manifest.labels))
    for column in ("label", "answer"):
        if column in found:
            found[column] = found[column].map(names)
    for column in ("labels", "answers"):
        if column in found:
            found[column] = [  # of a row with an error: None, or what pandas makes of it
                tuple(names[int(label)] for label in one) if is_list_like(one) else None for one in found[column]
            ]
    return found


def read_row(store: Store, manifest: Manifest, number: int) -> dict[str, Any]:
    """One row with its probabilities, attributions and receipts. Raises OptionError."""
    found = read_rows(store, manifest, Filter("id = ?", (number,)), "id", False, 1, 0)
    if not len(found):
        raise OptionError(f"there is no row with the id {number}")
    row: dict[str, Any] = found.to_dict("records")[0]
    [(probabilities,)] = store.rows("SELECT probabilities FROM predictions WHERE id = ?", [number])
    row["probabilities"] = (
        {} if manifest.kind == "regression" else dict(zip(manifest.labels, probabilities or (), strict=False))
    )
    row["attributions"] = store.frame(
        'SELECT method, position, token, word, word_index, segment, "start", "stop", score, share, target '
        "FROM attributions WHERE id = ? ORDER BY method, position",
        [number],
    )
    row["receipts"] = store.frame(
        'SELECT method, "check", number, verdict, beaten_share FROM receipts WHERE id = ? ORDER BY method, "check"',
        [number],
    )
    return row
