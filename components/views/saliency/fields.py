"""What the Saliency page alone lets the visitor choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.state import PageFields

__all__ = ["SaliencyFields"]


@dataclass(frozen=True, slots=True)
class SaliencyFields(PageFields):
    """Which methods stand side by side, and how."""

    page: ClassVar[str] = "saliency"

    section: Literal["rows", "agreement", "board", "teaching"] = "rows"
    methods: str = ""  # side by side, "saliency occlusion"; "": the default set
    order: Literal["position", "score"] = "position"  # of an explanation's tokens
    scale: Literal["own", "common"] = "own"  # each method its own colour scale, or one for all
