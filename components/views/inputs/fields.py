"""The user's choices that belong to the Inputs page alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.address import Count
from components.state import PageFields

__all__ = ["InputsFields"]


@dataclass(frozen=True, slots=True)
class InputsFields(PageFields):
    """What is shown of the inputs."""

    page: ClassVar[str] = "inputs"

    section: Literal["steps", "padding", "tokenizers", "network"] = "steps"
    max_length: Count = 0  # tokens after padding; 0: a little more than the text's own length
