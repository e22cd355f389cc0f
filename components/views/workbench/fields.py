"""The choices of the Workbench."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.state import PageFields

__all__ = ["WorkbenchFields"]


@dataclass(frozen=True, slots=True)
class WorkbenchFields(PageFields):
    """``panel``: the only one shown in a presentation."""

    page: ClassVar[str] = "workbench"
    panel: Literal["all", "attention", "predictions", "saliency"] = "all"
