"""Confidence intervals from counts and sums: what the bootstrap over rows finds, without the rows.

A resample of rows is a multinomial draw of counts, which takes as long for a million rows as for a thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from glassbert.results import Array
from glassbert.suites.rates import Z
from glassbert.suites.rates import wilson_intervals as wilson

__all__ = ["PERCENT", "Bins", "Z", "add_means", "drawn", "intervals_of", "wilson", "wilson_at_the_ends"]

_MOST_RESAMPLES, _FEWEST_RESAMPLES, _DRAWS = 1000, 200, 2_000_000
PERCENT = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Bins:
    """Decisions by confidence: counts, right ones, and confidences summed; ``covariance`` of the gaps of a row."""

    count: Array
    right: Array
    confidence: Array
    covariance: Array  # (bin, bin), of right − confidence, summed in each bin, over rows
    rows: int

    @property
    def gaps(self) -> Array:
        """(bin,): right − confidence, summed, for each decision on average."""
        gaps: Array = (self.right - self.confidence) / max(1, self.count.sum())
        return gaps

    @property
    def ece(self) -> float:
        return float(np.abs(self.gaps).sum())


def drawn(
    draw: np.random.Generator, counts: Array, width: int, of_draws: Callable[[Array], dict[str, Array]]
) -> Iterator[dict[str, Array]]:
    """Metrics of resamples, in groups that need little memory: (resample, cell) counts of as many rows as there are."""
    rows = int(counts.sum())
    resamples = int(np.clip(_DRAWS // len(counts), _FEWEST_RESAMPLES, _MOST_RESAMPLES))
    at_once = max(1, min(resamples, _DRAWS // max(width, len(counts))))
    for start in range(0, resamples, at_once):
        yield of_draws(draw.multinomial(rows, counts / rows, size=min(at_once, resamples - start)))


def intervals_of(groups: Iterator[dict[str, Array]]) -> dict[str, tuple[float, float]]:
    found = list(groups)
    intervals = {}
    for name in found[0]:
        low, high = np.percentile(np.concatenate([one[name] for one in found]), PERCENT)
        intervals[name] = (float(low), float(high))
    return intervals


def wilson_at_the_ends(
    metrics: dict[str, float], intervals: dict[str, tuple[float, float]], names: tuple[str, ...], rows: int
) -> None:
    """No resample of a share that is 0 or 1 finds another."""
    for name in names:
        if metrics[name] in (0, 1):
            low, high = wilson(np.array([metrics[name] * rows]), np.array([rows]))
            intervals[name] = (float(low[0]), float(high[0]))


def add_means(
    metrics: dict[str, float],
    intervals: dict[str, tuple[float, float]],
    bins: Bins,
    loss: float,
    loss_squares: float,
    draw: np.random.Generator,
) -> None:
    """The calibration error and the loss: means over rows, resampled from their normal limit."""
    # each row has as many decisions as it has classes
    scale = max(1, int(bins.count.sum())) / bins.rows
    gaps = draw.multivariate_normal(bins.gaps * scale, bins.covariance / bins.rows, size=_MOST_RESAMPLES, method="eigh")
    low, high = np.percentile(np.abs(gaps / scale).sum(axis=1), PERCENT)
    mean = float(loss) / bins.rows
    half = Z * np.sqrt(max(0.0, float(loss_squares) / bins.rows - mean**2) / bins.rows)
    metrics |= {"ece": bins.ece, "loss": mean}
    intervals |= {"ece": (float(low), float(high)), "loss": (max(0.0, mean - half), mean + half)}
