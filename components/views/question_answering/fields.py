"""The user's choices that belong to the Question answering page alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.address import Count, Place
from components.state import PageFields

__all__ = ["AnswersFields"]


@dataclass(frozen=True, slots=True)
class AnswersFields(PageFields):
    """Which model answers, which of its answers is explained, and which other questions are asked."""

    page: ClassVar[str] = "question_answering"
    of_text: ClassVar[tuple[str, ...]] = ("answer", "other_answer")

    reader: str = ""  # "": the first open model that was trained for it, else the one on board
    none: Literal["", "yes", "no"] = ""  # whether it may find no answer; "": as it was trained
    answer: Count = 0  # that is explained, the best one being 0
    # … rather than which; −1: the best that does not overlap it; the same one: by itself
    other_answer: Place = -1
    asked: str = ""  # other questions about the same text, one a line
