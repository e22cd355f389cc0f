"""The user's choices that belong to the Fine-tune page alone. What is chosen for a run is kept with the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.address import Count, Place
from components.state import PageFields

__all__ = ["FineTuningFields"]


@dataclass(frozen=True, slots=True)
class FineTuningFields(PageFields):
    """Which run is shown, and what of its result."""

    page: ClassVar[str] = "fine_tuning"

    run: str = ""  # its id; "": the list of all runs
    section: Literal["quality", "examples", "labels", "words", "moved"] = "quality"
    measured_on: Literal["test", "dev"] = "test"
    true_class: Place = -1  # the chosen cell of the confusion matrix
    answered_class: Place = -1
    example: Place = -1  # the chosen text of the data map
    watched: Count = 0  # the sentence whose words are shown
