"""Open a result folder, and ask it: each question is a method of :class:`Analysis`, computed in a file of its own."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from glassbert.analysis.beyond_evidence import shortcuts_of_data
from glassbert.analysis.filters import Filter, compiled, narrowed
from glassbert.analysis.folder import Manifest, read_manifest
from glassbert.analysis.global_words import words_of_data
from glassbert.analysis.listing import RowPage, read_row, read_rows
from glassbert.analysis.measures import calibration_of, confusion_of, count_of, metrics_of
from glassbert.analysis.queries import Store
from glassbert.analysis.results import (
    CalibrationCurve,
    ClassConfusion,
    GlobalWords,
    RowMetrics,
    ShortcutWords,
    WeakSlices,
)
from glassbert.analysis.slices import slices_of_data
from glassbert.arguments import checked

__all__ = ["Analysis", "open_analysis"]


@checked
def open_analysis(folder: str | Path) -> Analysis:
    """Open the result folder of :func:`glassbert.analyse` or of ``glassbert analyse``.

    A folder that is being written, or was interrupted, opens with the rows that are there. Returns an
    :class:`glassbert.Analysis`. Raises SavedResultError if the folder is none, is of another format, or is damaged.
    """
    return Analysis(Path(folder))


class Analysis:
    """An analysed data set: questions to its rows, answered by queries over the files of a result folder.

    Each question takes ``where``, a filter such as ``wrong answer:POSITIVE "country":DE word:refund``; "" is all rows.
    The grammar is in the docstring of :mod:`glassbert.analysis.filters`. Each question reads the columns that it needs,
    so an Analysis holds little memory. Any thread may ask. Nothing is ever written to the folder.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.manifest: Manifest = read_manifest(self.folder)
        self._store = Store(self.folder, self.manifest)

    def __repr__(self) -> str:
        state = "" if self.complete else ", unfinished"
        return f"<Analysis of {self.manifest.table['source']!r} by {self.manifest.model['name']!r}{state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()

    @property
    def complete(self) -> bool:
        """Whether all rows of the source are there."""
        return self.manifest.complete

    @property
    def kind(self) -> str:
        """What the model decides: "classification", "multi_label" or "regression"."""
        return self.manifest.kind

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the model's classes."""
        return self.manifest.labels

    @property
    def columns(self) -> tuple[str, ...]:
        """The other columns of the source, by which a filter can ask."""
        return self.manifest.meta

    @property
    def methods(self) -> tuple[str, ...]:
        """The attribution methods that explained the answers."""
        return self.manifest.methods

    def _filter(self, where: str) -> Filter:
        return compiled(where, self.manifest)

    @checked
    def count(self, where: str = "") -> int:
        """How many rows pass the filter."""
        return count_of(self._store, self.manifest, self._filter(where))

    @checked
    def rows(
        self, where: str = "", *, order: str = "id", descending: bool = False, limit: int = 50, offset: int = 0
    ) -> RowPage:
        """A page of the rows that pass the filter, and how many pass it.

        One row per text: ``id`` (its place in the source, from 0), ``row`` (as a spreadsheet numbers it), the text, the
        names of its label and of the model's answer, whether that is right, its probability, the loss, and the columns
        of the source under their names. ``order``: one of these columns; ties are in the order of the source, and
        missing values come last. Raises OptionError.
        """
        chosen = self._filter(where)
        found = read_rows(self._store, self.manifest, chosen, order, descending, limit, offset)
        return RowPage(found, self.count(where))

    @checked
    def row(self, id: int) -> dict[str, Any]:
        """One row: the fields of :meth:`rows`, ``probabilities`` by class, and ``attributions`` and ``receipts``.

        ``attributions`` has one row per method and token, ``receipts`` one per check. Raises OptionError.
        """
        return read_row(self._store, self.manifest, id)

    @checked
    def errors(self, where: str = "", *, limit: int = 50, offset: int = 0) -> RowPage:
        """Wrong answers, the most confident first, and how many there are; of a regression, the largest errors."""
        if self.kind == "regression":
            return self.rows(where, order="loss", descending=True, limit=limit, offset=offset)
        return self.rows(
            narrowed(where, "wrong"),
            order="confidence",
            descending=True,
            limit=limit,
            offset=offset,
        )

    @checked
    def metrics(self, where: str = "", *, seed: int = 0) -> RowMetrics:
        """Accuracy and the like with 95 % intervals; see :class:`glassbert.analysis.results.RowMetrics`."""
        return metrics_of(self._store, self.manifest, where, self._filter(where), seed)

    @checked
    def confusion(self, where: str = "") -> ClassConfusion:
        """How often each class is answered for each label. Raises OptionError where a text has not one class."""
        return confusion_of(self._store, self.manifest, where, self._filter(where))

    @checked
    def calibration(self, where: str = "") -> CalibrationCurve:
        """Confidence against accuracy: the curve and its error. Raises OptionError for a regression."""
        return calibration_of(self._store, self.manifest, where, self._filter(where))

    @checked
    def slices(self, where: str = "", *, by: str | None = None, top: int = 50) -> WeakSlices:
        """Where the model is weak; see :class:`glassbert.analysis.results.WeakSlices`.

        ``by``: "length", "label", "answer", "word" or a column of the source; None: all of them, and pairs.
        """
        return slices_of_data(self._store, self.manifest, where, self._filter(where), by, top)

    @checked
    def words(
        self, where: str = "", *, method: str | None = None, least: int = 10, top: int = 50, seed: int = 0
    ) -> GlobalWords:
        """The words that the answers hang on, by class; see :class:`glassbert.analysis.results.GlobalWords`.

        ``method`` None: the first of the analysis. Words in fewer than ``least`` texts of a class are left out.
        """
        return words_of_data(self._store, self.manifest, where, self._filter(where), method, least, top, seed)

    @checked
    def shortcuts(self, where: str = "", *, method: str | None = None, least: int = 10, seed: int = 0) -> ShortcutWords:
        """Words that decide far beyond their evidence; see :class:`glassbert.analysis.results.ShortcutWords`."""
        return shortcuts_of_data(self._store, self.manifest, where, self._filter(where), method, least, seed)
