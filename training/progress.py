"""Running means of the values that training steps report, for the log."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["RunningMeans"]


class RunningMeans:
    """Exponential means, each started at its first value; ``keep`` is the weight of the past."""

    def __init__(self, keep: float = 0.98) -> None:
        self._keep = keep
        self._means: dict[str, float] = {}

    def update(self, values: Mapping[str, float]) -> None:
        """Add the values of one step."""
        for name, value in values.items():
            mean = self._means.get(name, value)
            self._means[name] = self._keep * mean + (1 - self._keep) * value

    def __str__(self) -> str:
        return " ".join(f"{name} {mean:.3f}" for name, mean in sorted(self._means.items()))
