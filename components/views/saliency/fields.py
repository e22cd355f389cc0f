"""The user's choices that belong to the Saliency page alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.state import PageFields

__all__ = ["SaliencyFields"]


@dataclass(frozen=True, slots=True)
class SaliencyFields(PageFields):
    """Which methods are shown side by side, and how."""

    page: ClassVar[str] = "saliency"

    section: Literal["rows", "agreement", "board", "teaching"] = "rows"
    methods: str = ""  # side by side, "saliency occlusion"; "": the default set
    order: Literal["position", "score"] = "position"  # of an explanation's tokens
    scale: Literal["own", "common"] = "own"  # one colour scale per method, or one for all
