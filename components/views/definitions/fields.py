"""The choices of the Definitions page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from components.state import PageFields

__all__ = ["DefinitionsFields"]


@dataclass(frozen=True, slots=True)
class DefinitionsFields(PageFields):
    """``section``: the id of the only section shown, "" for all; ``search``: words that a section must contain."""

    page: ClassVar[str] = "definitions"
    section: str = ""
    search: str = ""
