"""Where a visitor is in the tour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from components.address import Between
from components.state import PageFields

__all__ = ["STEPS", "TourFields"]

#: How many steps the tour has.
STEPS = 7


@dataclass(frozen=True, slots=True)
class TourFields(PageFields):
    """The step, and which answers have been shown: both questions are asked before the model answers."""

    page: ClassVar[str] = "tour"

    step: Annotated[int, Between(1, STEPS)] = 1
    guesses: bool = False  # what the model would put into the gap
    outcome: bool = False  # what the changed sentences are called
