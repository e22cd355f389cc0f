"""Learning rates over a pre-training run."""

from __future__ import annotations

from dataclasses import dataclass

from training.errors import RecipeError

__all__ = ["Rates", "Schedule"]

#: The encoder's warm-up after the heads-only phase, and where it starts, as a share of the full rate.
WARM_UP_SECONDS, WARM_UP_START = 60.0, 0.02
#: Where the linear decay ends, as a share of the full rate.
DECAY_END = 0.03
#: The heads are trained from scratch, so they learn faster than the encoder.
HEAD_FACTOR = 2


@dataclass(frozen=True, slots=True)
class Rates:
    """The two learning rates at one moment; while ``heads_only`` the encoder is frozen."""

    heads: float
    encoder: float
    heads_only: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """Heads alone, then everything: one minute of warm-up, a plateau, a linear decay to 3 %.

    ``decay_from`` is the share of ``minutes`` after which the rate falls. A run of known speed and a fixed number
    of steps uses the same schedule with its steps spread over ``minutes`` (see `seconds_at`).
    """

    minutes: float
    head_minutes: float
    learning_rate: float
    head_learning_rate: float
    decay_from: float

    def __post_init__(self) -> None:
        if self.minutes <= 0 or self.head_minutes < 0:
            raise RecipeError("minutes must be above 0, and head minutes at least 0")
        if not 0 <= self.decay_from <= 1:
            raise RecipeError(f"the start of the decay must be a share of the run from 0 to 1; got {self.decay_from}")

    def seconds_at(self, step: int, steps: int) -> float:
        """The time of ``step`` in a run whose ``steps`` correspond to the whole of ``minutes``."""
        return self.minutes * 60 * step / steps

    def at(self, seconds: float) -> Rates:
        """The rates ``seconds`` after the start."""
        if seconds < self.head_minutes * 60:
            return Rates(heads=self.head_learning_rate, encoder=0.0, heads_only=True)
        since_heads = seconds - self.head_minutes * 60
        progress = seconds / (self.minutes * 60)
        scale = min(1.0, max(WARM_UP_START, since_heads / WARM_UP_SECONDS))
        if progress >= self.decay_from and self.decay_from < 1:
            scale *= max(DECAY_END, 1 - (progress - self.decay_from) / (1 - self.decay_from))
        rate = self.learning_rate * scale
        return Rates(heads=rate * HEAD_FACTOR, encoder=rate, heads_only=False)
