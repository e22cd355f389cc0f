"""What compression did to a model, and what that changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassbert.models.files import megabytes
from glassbert.pictures.markup import clipped
from glassbert.results import Result, tidy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Compression"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Compression(Result):
    """What was done to a model, step by step, and its size before and after.

    ``steps`` are the names of the recipes and ``done`` a sentence for each. ``parameters_*`` count trained values, and
    ``bytes_*`` are the size of the weights on disk. ``stock``: transformers alone reads the folder, to the same logits.
    """

    source: str
    recipe: str
    steps: tuple[str, ...]
    done: tuple[str, ...]
    parameters_before: int
    parameters_after: int
    bytes_before: int
    bytes_after: int
    stock: bool
    seconds: float = 0.0

    @property
    def smaller(self) -> float:
        """How many times smaller the weights are on disk."""
        return self.bytes_before / self.bytes_after

    @property
    def smaller_than_float32(self) -> float:
        """The same in comparison with all weights in float32, in which many models are stored."""
        return 4 * self.parameters_before / self.bytes_after

    def _about(self) -> str:
        sizes = f"{megabytes(self.bytes_before)} → {megabytes(self.bytes_after)}"
        return f"of {clipped(self.source, 40)!r} by {clipped(self.recipe, 60)}: {sizes}, {self.smaller:.2f} × smaller"

    def frame(self) -> pd.DataFrame:
        """One row per step: its name and what it did."""
        return tidy({"step": self.steps, "done": self.done})
