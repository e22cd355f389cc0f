"""What a table of labelled texts holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from glassbert.arguments import checked
from glassbert.errors import OptionError
from glassbert.pictures.markup import clipped
from glassbert.results import counted, tidy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BadRow", "Kind", "Table"]

Kind = Literal["classification", "multi_label", "regression", "tokens", "spans", "texts"]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used, and why.

    ``row`` counts from 1 as a spreadsheet does: in a CSV or TSV file, row 1 holds the names of the columns. ``column``
    is "" where the whole row is damaged.
    """

    row: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"row {self.row:,}{f', column {self.column!r}' if self.column else ''}: {self.reason}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Table:
    """Labelled texts, as :func:`glassbert.read_table` reads them.

    What ``texts``, ``pairs`` and ``labels`` hold depends on ``kind``:

    - "classification": a label is an index of ``label_names``;
    - "multi_label": a label is a tuple of such indices, possibly empty;
    - "regression": a label is a number;
    - "tokens": a text is its ``words`` joined by one space; a label has one index of ``label_names`` per word;
    - "spans": a text is a question and its pair the context; a label is a tuple of (start, text), the answers as
      they stand in the context, from that character on; () if it has no answer;
    - "texts": there are no labels.

    ``pairs`` is () if the texts have no second text. ``rows`` has the row of each text in the source, and ``bad_rows``
    those that cannot be used. ``columns`` are the names of all columns; ``text_column``, ``pair_column`` and
    ``label_column`` are those that were read.
    """

    kind: Kind
    texts: tuple[str, ...]
    pairs: tuple[str, ...]
    labels: tuple[Any, ...]
    label_names: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    rows: tuple[int, ...]
    bad_rows: tuple[BadRow, ...]
    source: str
    columns: tuple[str, ...]
    text_column: str | None
    pair_column: str | None
    label_column: str | None

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        labels = f", {counted(len(self.label_names), 'label')}" if self.label_names else ""
        bad = f", {counted(len(self.bad_rows), 'bad row')}" if self.bad_rows else ""
        about = f"of {clipped(self.source, 60)!r}: {counted(len(self), 'row')} for {self.kind}{labels}{bad}"
        return f"<Table {about}>"

    def label_text(self, index: int) -> str:
        """The label of one text in words: ``"spam"``, ``"sport, politics"``, ``"3.5"``, ``"B-PER O"``, ``""``."""
        if self.kind == "texts":
            return ""
        label: Any = self.labels[index]
        if self.kind == "classification":
            name: str = self.label_names[label]
            return name
        if self.kind == "multi_label":
            return ", ".join(self.label_names[one] for one in label)
        if self.kind == "tokens":
            return " ".join(self.label_names[one] for one in label)
        return " / ".join(text for _, text in label) if self.kind == "spans" else f"{label:g}"

    def frame(self) -> pd.DataFrame:
        """A pandas table with one row per text: its row in the source, the text, the second text, the label."""
        columns: dict[str, Any] = {"row": self.rows, "text": self.texts}
        if self.pairs:
            columns["pair"] = self.pairs
        if self.kind == "regression":
            columns["label"] = self.labels
        elif self.kind != "texts":
            columns["label"] = [self.label_text(index) for index in range(len(self))]
        return tidy(columns)

    @checked
    def take(self, indices: Sequence[int]) -> Table:
        """The texts at these indices, in this order, without the bad rows. Raises OptionError."""
        places = [int(index) for index in indices]
        for place in places:
            if not 0 <= place < len(self):
                raise OptionError(f"index {place:,}: this table has {counted(len(self), 'row')}, from 0 on")

        def of(values: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(values[place] for place in places) if values else ()

        return replace(
            self,
            texts=of(self.texts),
            pairs=of(self.pairs),
            labels=of(self.labels),
            words=of(self.words),
            rows=of(self.rows),
            bad_rows=(),
        )

    @checked
    def split(self, share: float, seed: int = 0) -> tuple[Table, Table]:
        """Two tables: the rest, and this share of the texts, drawn class by class.

        Equal texts stay together, so that none stands in both. A class gives at least one text to each table if it has
        two different ones, and keeps its only one in the first. Rows keep their order. Raises OptionError.
        """
        if not 0 < share < 1:
            raise OptionError(f"share must be between 0 and 1; got {share}")
        if seed < 0:
            raise OptionError(f"seed must be 0 or more; got {seed}")
        same: dict[tuple[str, str], list[int]] = {}
        for index, text in enumerate(self.texts):
            same.setdefault((text, self.pairs[index] if self.pairs else ""), []).append(index)
        strata: dict[int, list[list[int]]] = {}
        for group in same.values():
            strata.setdefault(self.labels[group[0]] if self.kind == "classification" else 0, []).append(group)
        draw = np.random.default_rng(seed)
        chosen: set[int] = set()
        for _, groups in sorted(strata.items()):
            most = len(groups) - 1
            take = min(most, max(1 if most else 0, round(share * len(groups))))
            chosen.update(index for place in draw.permutation(len(groups))[:take] for index in groups[place])
        rest = [index for index in range(len(self)) if index not in chosen]
        return self.take(rest), self.take(sorted(chosen))

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of kind, label names, texts and labels, whatever file they came from."""
        digest = hashlib.sha256()
        for part in _parts(self):
            digest.update(json.dumps(part, ensure_ascii=True).encode() + b"\n")
        return digest.hexdigest()


def _parts(table: Table) -> Iterable[Any]:
    yield table.kind, table.label_names
    for index, text in enumerate(table.texts):
        words = table.words[index] if table.words else ()
        pair = table.pairs[index] if table.pairs else None
        yield text, pair, table.labels[index] if table.labels else None, words
