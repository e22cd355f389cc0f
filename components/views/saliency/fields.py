"""The user's choices that belong to the Saliency page alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.address import Count
from components.state import PageFields

__all__ = ["SaliencyFields"]


@dataclass(frozen=True, slots=True)
class SaliencyFields(PageFields):
    """Which methods are shown side by side, and how."""

    page: ClassVar[str] = "saliency"

    section: Literal["rows", "agreement", "board", "teaching"] = "rows"
    methods: str = ""  # side by side, "saliency occlusion"; "": the default set
    agreement: Literal["kendall", "overlap"] = "kendall"  # how the agreement of two methods is measured
    broken: Literal["random", "flipped", "other_sentence"] = "random"  # how an explanation is broken on purpose
    broken_seed: Count = 0  # … and with which random numbers
    # how a text longer than the model reads at once is explained as a whole
    whole_by: Literal[
        "input_x_gradient", "attn_lrp", "saliency", "integrated_gradients", "occlusion", "leave_one_out"
    ] = "attn_lrp"
    order: Literal["position", "score"] = "position"  # of an explanation's tokens
    scale: Literal["own", "common"] = "own"  # one colour scale per method, or one for all
