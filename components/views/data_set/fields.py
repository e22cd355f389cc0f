"""The user's choices that belong to the Data set page alone. What is chosen for an analysis is kept with its run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.address import Count, Place
from components.state import PageFields

__all__ = ["SECTIONS", "DataSetFields"]

#: Id → what the choice of sections calls it.
SECTIONS = {
    "quality": "How good",
    "slices": "Where it is weak",
    "words": "Words",
    "labels": "Labels and duplicates",
    "receipts": "Receipts",
    "map": "Map",
    "beside": "Beside another",
}


@dataclass(frozen=True, slots=True)
class DataSetFields(PageFields):
    """Which analysis is shown, which of its rows, and what about them."""

    page: ClassVar[str] = "data_set"

    run: str = ""  # its id; "": the list of all
    section: Literal["quality", "slices", "words", "labels", "receipts", "map", "beside"] = "quality"
    where: str = ""  # the filter of the rows
    order: Literal["id", "confidence", "loss", "tokens"] = "id"
    descending: bool = False
    offset: Count = 0  # the first row of the table that is shown
    row: Place = -1  # the chosen row, by its place in the source
    words_by: str = ""  # the method whose words are shown; "": the first
    other: str = ""  # the id of the analysis beside it
