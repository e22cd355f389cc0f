"""The report: what it holds, and the document and the program that are made from it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glassbert import saving
from glassbert.pictures.markup import clipped, element, escaped
from glassbert.reports.findings import Findings
from glassbert.reports.limits import limits_of
from glassbert.reports.page import page_html
from glassbert.reports.script import script_of
from glassbert.results import Result, counted, quoted, tidy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Report"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Report(Findings, Result):
    """One answer of a model, explained for people who were not there.

    ``html`` is the report as one file that opens without a server or a network connection; ``script`` is the Python
    that computes every number in it again. The fields are the evidence. ``maps`` are the attention maps, by word, of
    the heads that matter most for this decision. ``surprise`` and ``lens`` exist for models that predict masked words.
    ``left_out`` is part → why it is missing.
    """

    @property
    def limits(self) -> tuple[str, ...]:
        """What the report does not show, in sentences, the three most important first."""
        return limits_of(self)

    @property
    def html(self) -> str:
        """The report as an HTML document that loads nothing and runs no script."""
        return page_html(self)

    @property
    def script(self) -> str:
        """A Python program that computes every number of the report again."""
        return script_of(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the report: ``.html`` and ``.htm`` give the document, any other suffix the result, as for all results.

        The file appears only once it is complete. Returns the path. Raises SavedResultError if it cannot be written.
        """
        if Path(path).suffix.lower() in (".html", ".htm"):
            return saving.write_bytes(path, self.html.encode())
        # not super(): with slots, the class that the compiler knows is another one
        return Result.save(self, path)

    def _about(self) -> str:
        return (
            f"of {quoted(self.encoded.texts)} → {clipped(self.verdict.answer.answer, 30)}: "
            f"{counted(len(self.scores), 'method')}, {counted(len(self.receipts), 'receipt')}, "
            f"{counted(len(self.maps), 'map')}, trust {(self.verdict.verdict or 'unknown').replace('_', ' ')}"
        )

    def _picture(self) -> str:
        sentences = (*self.verdict.sentences, *self.limits[:3])
        return element("div", *(element("div", escaped(sentence), dir="auto") for sentence in sentences))

    def frame(self) -> pd.DataFrame:
        """One row per sentence of the summary: its part and what it says."""
        table = self.verdict.frame()
        limits = self.limits[:3]
        parts = [*table["part"], *["limit"] * len(limits)]
        return tidy({"part": parts, "sentence": [*table["sentence"], *limits]})
