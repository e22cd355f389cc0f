"""The largest changes of a comparison, as data that a page can put into words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from glassbert.arguments import checked
from glassbert.comparison.results import (
    AttentionDifference,
    AttributionDifference,
    Changes,
    HiddenSimilarity,
    MaskedWordDifference,
    PredictionDifference,
)
from glassbert.errors import OptionError
from glassbert.results import Array
from glassbert.text.results import WordAlignment

Part = PredictionDifference | MaskedWordDifference | AttentionDifference | HiddenSimilarity | AttributionDifference

# Rounding of float32: what is smaller has not changed.
_NOTHING = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Changes of one kind and what its axes count: "layer", "head", "row", "key_row" or "label"."""

    part: str
    sizes: Array
    axes: tuple[str, ...]
    rows: Array | None = None  # of the alignment, where an axis of words leaves some out
    labels: tuple[str, ...] = ()

    def place(self, index: Sequence[int]) -> dict[str, int]:
        place = dict(zip(self.axes, index, strict=True))
        if self.rows is not None:
            place |= {axis: int(self.rows[place[axis]]) for axis in ("row", "key_row") if axis in place}
        return place


@checked
def largest_changes(alignment: WordAlignment, *parts: Part | None, count: int = 5) -> Changes:
    """The ``count`` largest changes of each part, the largest first; rounding errors are ignored.

    Parts are the results of the ``compare_…`` functions; None is skipped. Sizes of different parts have different units
    and are not ranked against each other. No forward pass. Raises OptionError.
    """
    if count < 1:
        raise OptionError(f"count must be at least 1; got {count}")
    tables = [table for part in parts if part is not None for table in _tables(part)]
    found = [(table, index) for table in tables for index in _largest(table.sizes, count)]
    places = [table.place(index) for table, index in found]
    layers, heads, rows, keys = (
        np.asarray([place.get(axis, -1) for place in places]) for axis in ("layer", "head", "row", "key_row")
    )
    return Changes(
        alignment=alignment,
        parts=tuple(table.part for table, _ in found),
        sizes=np.asarray([table.sizes[index] for table, index in found]),
        layers=layers,
        heads=heads,
        rows=rows,
        key_rows=keys,
        labels=tuple(table.labels[index[0]] if table.labels else "" for table, index in found),
    )


def _tables(part: Part) -> Iterator[_Table]:
    match part:
        case PredictionDifference():
            yield _Table("prediction", part.differences, ("label",), labels=part.labels)
        case MaskedWordDifference():
            yield _Table("masked_word", part.divergence, ("row",), part.rows)
        case AttentionDifference():
            yield _Table("head", part.divergence, ("layer", "head"))
            yield _Table("attention", part.values, ("layer", "head", "row", "key_row"), part.rows)
        case HiddenSimilarity():
            if not part.reason:
                yield _Table("hidden", 1 - part.cosine, ("layer", "row"), part.rows)
            if part.cka.shape[0] == part.cka.shape[1]:
                yield _Table("layer", 1 - part.cka.diagonal(), ("layer",))
        case AttributionDifference():
            yield _Table("attribution", part.differences, ("row",))


def _largest(sizes: Array, count: int) -> list[tuple[int, ...]]:
    flat = np.abs(sizes).ravel()
    some = np.argpartition(-flat, min(count, len(flat)) - 1)[:count]  # all weights of a long text are many to sort
    order = some[np.lexsort((some, -flat[some]))]
    return [tuple(int(axis) for axis in np.unravel_index(i, sizes.shape)) for i in order if flat[i] > _NOTHING]
