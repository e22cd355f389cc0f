"""The user's choices that belong to the Compare page alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.state import PageFields

__all__ = ["CompareFields"]


@dataclass(frozen=True, slots=True)
class CompareFields(PageFields):
    """What is compared."""

    page: ClassVar[str] = "compare"

    section: Literal["summary", "attention", "hidden", "saliency", "masked"] = "summary"
    sides: Literal["", "models", "texts"] = ""  # two models or two texts; "": texts once there is a second one
