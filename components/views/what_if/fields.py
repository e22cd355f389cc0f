"""The user's choices that belong to the What if page alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from components.address import Between
from components.examples import SWAPS
from components.state import PageFields

__all__ = ["BUDGET", "WhatIfFields"]

#: Passes.
BUDGET = Between(50, 20_000)


@dataclass(frozen=True, slots=True)
class WhatIfFields(PageFields):
    """Which changes are tried."""

    page: ClassVar[str] = "what_if"
    of_text: ClassVar[tuple[str, ...]] = ("variants",)

    section: Literal["edit", "smallest", "reduction", "tracing"] = "edit"
    variants: str = ""  # what was made of the text, and what is pinned: see VariantList.written
    swaps: str = SWAPS  # interchangeable words, one list per line
    proposals: Literal["masked_model", "gradient"] = "masked_model"  # who proposes words for the smallest change
    deletions: bool = True  # … and whether words may be deleted
    max_edits: Literal[1, 2] = 2  # … at most this many words
    budget: Annotated[int, BUDGET] = 600  # … and this many passes
    patch: Literal["hidden", "head", "mlp", "attention"] = "hidden"  # what is copied from one run into the other
