"""The user's choices that belong to the page Compress alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.state import PageFields

__all__ = ["CompressFields"]


@dataclass(frozen=True, slots=True)
class CompressFields(PageFields):
    """Which model is compressed, how, and the texts on which that is judged."""

    page: ClassVar[str] = "compress"

    original: str = ""  # the source of the model; "": the first open one that decides, else the one on board
    judged_on: str = "reviews"  # a set on board; "": the visitor's own table
    recipes: str = "bfloat16 int8 heads_20 neurons_25"  # ids, with blanks between
    explained: Literal["10", "20", "40"] = "10"  # texts
    recipe: str = ""  # the one that is looked at; "": the first
