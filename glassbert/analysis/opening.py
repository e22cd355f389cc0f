"""Open a result folder, and ask it: each question is a method of :class:`Analysis`, computed in a file of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from glassbert.analysis.beyond_evidence import shortcuts_of_data
from glassbert.analysis.comparing import compare_data
from glassbert.analysis.exporting import STORED, stored_frame, written
from glassbert.analysis.filters import Filter, compiled, narrowed
from glassbert.analysis.folder import Manifest, read_manifest
from glassbert.analysis.global_words import words_of_data
from glassbert.analysis.listing import RowPage, read_row, read_rows
from glassbert.analysis.measure_results import CalibrationCurve, ClassConfusion, ReceiptShares, RowMetrics
from glassbert.analysis.measures import calibration_of, confusion_of, count_of, metrics_of
from glassbert.analysis.near_duplicates import duplicates_of_data
from glassbert.analysis.projection import map_of_data
from glassbert.analysis.queries import Store
from glassbert.analysis.reason_results import GlobalWords, ShortcutWords, WeakSlices
from glassbert.analysis.receipt_shares import receipts_of_data
from glassbert.analysis.row_results import ModelsCompared, NearDuplicates, StateMap
from glassbert.analysis.slices import slices_of_data
from glassbert.analysis.suspect_labels import label_errors_of_data
from glassbert.arguments import checked
from glassbert.tuning.results import LabelErrors

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
        """Accuracy and the like with 95 % intervals; see :class:`glassbert.analysis.measure_results.RowMetrics`."""
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
        """Where the model is weak; see :class:`glassbert.analysis.reason_results.WeakSlices`.

        ``by``: "length", "label", "answer", "word" or a column of the source; None: all of them, and pairs.
        """
        return slices_of_data(self._store, self.manifest, where, self._filter(where), by, top)

    @checked
    def words(
        self, where: str = "", *, method: str | None = None, least: int = 10, top: int = 50, seed: int = 0
    ) -> GlobalWords:
        """The words that the answers hang on, by class; see :class:`glassbert.analysis.reason_results.GlobalWords`.

        ``method`` None: the first of the analysis. Words in fewer than ``least`` texts of a class are left out.
        """
        return words_of_data(self._store, self.manifest, where, self._filter(where), method, least, top, seed)

    @checked
    def shortcuts(self, where: str = "", *, method: str | None = None, least: int = 10, seed: int = 0) -> ShortcutWords:
        """Words that decide far beyond their evidence; see :class:`glassbert.analysis.reason_results.ShortcutWords`."""
        return shortcuts_of_data(self._store, self.manifest, where, self._filter(where), method, least, seed)

    @checked
    def label_errors(
        self, where: str = "", *, evidence: Literal["model", "states"] = "model", most: int = 200, seed: int = 0
    ) -> LabelErrors:
        """Texts whose label is likely wrong, by confident learning (Northcutt et al. 2021, by cleanlab).

        ``evidence="model"``: the model's own probabilities, which are out of sample only if the model was not trained
        on these rows; of rows that it was trained on, it has learned the wrong labels too, and few are found.
        ``"states"``: five-fold logistic regression on the model's last states, each row by one that has not seen it;
        slower, and the states of rows that the model was trained on know their labels as well. ``rows`` of the result
        are ids, and ``words`` those that speak for the suggested label, where that is the model's answer.

        On made-up data with 5 % of the labels flipped, by a model that is right in 87 % of all rows: precision 0.72,
        recall 0.80 by the model; by the states of a model that averages words, 0.12 and 0.54.
        """
        return label_errors_of_data(self._store, self.manifest, self._filter(where), evidence, most, seed)

    @checked
    def near_duplicates(self, where: str = "", *, threshold: float = 0.7, overlap: float = 0.5) -> NearDuplicates:
        """Texts that stand there twice, or nearly; see :class:`glassbert.analysis.row_results.NearDuplicates`."""
        return duplicates_of_data(self._store, where, self._filter(where), threshold, overlap)

    @checked
    def receipts(self, where: str = "", *, by: str = "method") -> ReceiptShares:
        """How many of the checked explanations hold; see :class:`glassbert.analysis.measure_results.ReceiptShares`.

        ``by``: "method" alone, or divided by "label", "answer", "right", "length" or a column of the source.
        """
        return receipts_of_data(self._store, self.manifest, where, self._filter(where), by)

    @checked
    def map(self, where: str = "", *, most: int = 5000, seed: int = 0) -> StateMap:
        """At most so many texts as points of a plane; see :class:`glassbert.analysis.row_results.StateMap`."""
        return map_of_data(self._store, self.manifest, where, self._filter(where), most, seed)

    @checked
    def compare(self, other: Analysis, where: str = "", *, method: str | None = None, seed: int = 0) -> ModelsCompared:
        """Another model on the same rows; see :class:`glassbert.analysis.row_results.ModelsCompared`.

        ``where`` filters by this analysis. Raises ComparisonError if the tables are not the same.
        """
        sides = (self._store, self.manifest), (other._store, other.manifest)
        return compare_data(*sides, where, self._filter(where), method, seed)

    @checked
    def export(self, kind: str, where: str = "", *, form: Literal["csv", "parquet"] = "csv") -> bytes:
        """The content of a file: rows as they are stored, or the answer to a question.

        ``kind``: "rows", "attributions", "receipts", or "metrics", "classes", "confusion", "calibration", "slices",
        "words", "shortcuts", "label_errors", "near_duplicates", "receipt_shares" or "map". In CSV, text that a
        spreadsheet would take for a formula has an apostrophe in front. Raises OptionError, also for a million rows.
        """
        chosen = self._filter(where)
        return written(
            {
                **{name: partial(stored_frame, self._store, self.manifest, name, chosen) for name in ("rows", *STORED)},
                "metrics": lambda: self.metrics(where).frame(),
                "classes": lambda: self.metrics(where).class_frame(),
                "confusion": lambda: self.confusion(where).frame(),
                "calibration": lambda: self.calibration(where).frame(),
                "slices": lambda: self.slices(where).frame(),
                "words": lambda: self.words(where).frame(),
                "shortcuts": lambda: self.shortcuts(where).frame(),
                "label_errors": lambda: self.label_errors(where).frame(),
                "near_duplicates": lambda: self.near_duplicates(where).frame(),
                "receipt_shares": lambda: self.receipts(where).frame(),
                "map": lambda: self.map(where).frame(),
            },
            kind,
            form,
        )
