"""The user's choices that belong to the Next sentence page alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from components.state import PageFields

__all__ = ["NextSentenceFields"]


@dataclass(frozen=True, slots=True)
class NextSentenceFields(PageFields):
    """Which sentences are ranked."""

    page: ClassVar[str] = "next_sentence"

    continuations: str = """It grew into the capital of a vast empire.
Its streets were paved with stone.
The frog sat on a lily pad.
She opened the window and looked out."""  # one per line
    swapped: bool = False  # rank them by how well text A follows each of them
