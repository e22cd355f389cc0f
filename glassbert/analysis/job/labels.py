"""What the cells of a label column mean for a model: which of its classes, or which number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glassbert.errors import OptionError, TaskHeadError
from glassbert.network.model import Model
from glassbert.tables.contents import Kind
from glassbert.tables.labels import labels_of
from glassbert.tables.streaming import TableStream

__all__ = ["Labels", "check_labels", "kind_of_model", "names_of_labels"]


def kind_of_model(model: Model) -> Kind:
    """What a sequence classifier decides: one class a text, several, or a number. Raises TaskHeadError."""
    if model.regression:
        if len(model.labels) > 1:
            raise TaskHeadError(f"this model gives {len(model.labels)} scores a text; an analysis is of a single one")
        return "regression"
    if model.multi_label:
        return "multi_label"
    return "classification"


def names_of_labels(model: Model, label_names: Sequence[str] | None) -> tuple[str, ...]:
    """The names of the model's labels, in its order: its own, or those given. Raises OptionError."""
    if label_names is None:
        return tuple(model.labels)
    if len(label_names) != len(model.labels) or len(set(label_names)) != len(label_names):
        raise OptionError(
            f"label_names must be {len(model.labels)} different names, one for each label of the model in its order "
            f"({', '.join(model.labels[:20])}); got {len(label_names)}"
        )
    return tuple(label_names)


@dataclass(frozen=True, slots=True)
class Labels:
    """How cells are read. ``values`` of a list of cells: an index, a tuple of them, a number, or a sentence."""

    kind: Kind
    names: tuple[str, ...]
    class_names: tuple[str, ...] = ()

    def values(self, cells: Sequence[Any]) -> list[Any]:
        if not cells:
            return []
        own = {name.casefold(): name for name in self.names}
        numbered = {str(number): name for number, name in enumerate(self.names)} if self._are_numbered else {}

        def spelled(cell: Any) -> Any:
            if isinstance(cell, list | tuple):
                return [spelled(one) for one in cell]
            if not isinstance(cell, str):
                return numbered.get(str(cell), cell)
            return own.get(cell.strip().casefold(), numbered.get(cell.strip(), cell))

        if self.kind == "regression":
            return labels_of(self.kind, cells, (), ()).values
        return labels_of(self.kind, [spelled(cell) for cell in cells], self.names, self.class_names).values

    @property
    def _are_numbered(self) -> bool:
        return all(name == f"LABEL_{number}" for number, name in enumerate(self.names))


def check_labels(labels: Labels, stream: TableStream, *, asked: bool) -> bool:
    """Whether the labels of this table are the model's. Raises OptionError if they were asked for and none is."""
    if stream.label_column is None:
        return False
    cells = [row.label for row in stream.first if row.damage is None]
    if any(not isinstance(value, str) for value in labels.values(cells)):
        return True
    if not asked:
        return False
    told = ", ".join(dict.fromkeys(str(cell)[:40] for cell in cells[:5]))
    raise OptionError(
        f"no label in column {stream.label_column!r} ({told} …) is one of the model's: {', '.join(labels.names[:20])}. "
        "Name another column with label=, or the model's labels as the table spells them with label_names="
    )
