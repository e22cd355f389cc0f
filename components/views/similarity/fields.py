"""The user's choices that belong to the Similarity page alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.state import PageFields

__all__ = ["SimilarityFields"]


@dataclass(frozen=True, slots=True)
class SimilarityFields(PageFields):
    """Which encoder compares, which picture is shown, and what is searched."""

    page: ClassVar[str] = "similarity"

    encoder: str = "similarity"
    pooling: Literal["mean", "cls"] = "mean"  # of a model whose files do not say one
    picture: Literal["parts", "states"] = "parts"
    searched: str = """The bank returned the fee the next day.
The river burst its banks.
Nobody at the bank answered my calls.
A superb performance by the whole cast.
The acting was dreadful."""  # one per line
