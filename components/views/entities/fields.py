"""The user's choices that belong to the Entities page alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.address import Count
from components.state import PageFields

__all__ = ["EntitiesFields"]


@dataclass(frozen=True, slots=True)
class EntitiesFields(PageFields):
    """Which model names entities, how pieces are joined, and which entity is explained."""

    page: ClassVar[str] = "entities"
    of_text: ClassVar[tuple[str, ...]] = ("entity", "entity_type", "other_type")

    namer: str = ""  # "": the first open model that was trained for it, else the one on board
    aggregation: Literal["first", "simple", "average", "max"] = "first"  # whole words
    entity: Count = 0  # in the order of the text
    entity_type: str = ""  # that is explained; "": the predicted one
    other_type: str = "O"  # … rather than which type; "": by itself
