"""What an attribution returns: one score a token, and what it was computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from glassbert.results import Array, Encoded, Result, tidy
from glassbert.targets import Output, Target

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TokenScores"]


@dataclass(frozen=True, slots=True, eq=False)
class TokenScores(Result):
    """An attribution: how much each token moved the target's value F.

    ``value`` is F(x), ``baseline_value`` F(baseline) where the method has one. ``delta`` is
    Σ scores − (F(x) − F(baseline)), in the units of ``output``; ``None`` where completeness does not apply.
    ``forward_passes`` counts single inputs sent through the network; ``seconds`` is wall time.
    """

    encoded: Encoded
    scores: Array  # (token,)
    method: str
    target: Target
    target_label: str
    output: Output
    value: float
    baseline: str | None
    baseline_value: float | None
    delta: float | None
    forward_passes: int
    seconds: float
    options: dict[str, Any]

    _arrays: ClassVar[Mapping[str, str]] = {"scores": "float32"}

    @property
    def relative_delta(self) -> float | None:
        """|delta| / |F(x) − F(baseline)|: the share of the change that the scores miss."""
        if self.delta is None or self.baseline_value is None:
            return None
        return abs(self.delta) / max(abs(self.value - self.baseline_value), 1e-6)

    def frame(self) -> pd.DataFrame:
        """One row a token."""
        return tidy(
            {
                "position": np.arange(len(self.encoded)),
                "token": self.encoded.tokens,
                "word": self.encoded.word_ids,
                "special": self.encoded.special_tokens_mask.astype(bool),
                "score": self.scores,
            }
        )
