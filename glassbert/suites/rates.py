"""Rates and what is between two of them: intervals and tests, in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from glassbert.results import Array

__all__ = ["Z", "fisher", "from_chance", "holm", "newcombe", "paired", "wilson", "wilson_intervals"]

#: The 97.5 % quantile of the normal distribution.
Z = 1.959963984540054


def wilson(count: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a rate, ``count`` of ``total`` (Wilson 1927); (0, 1) for none.

    Unlike rate ± 1.96 standard errors it stays within 0 and 1, and is not empty for a rate of 0 or 1.
    """
    low, high = wilson_intervals(np.asarray(count), np.asarray(total))
    return float(low), float(high)


def wilson_intervals(counts: Array, totals: Array) -> tuple[Array, Array]:
    """:func:`wilson` of many rates at once."""
    total = np.maximum(totals, 1)
    rate = counts / total
    centre = (rate + Z**2 / (2 * total)) / (1 + Z**2 / total)
    half = Z / (1 + Z**2 / total) * np.sqrt(rate * (1 - rate) / total + Z**2 / (4 * total**2))
    # exactly 0 and 1 at the ends, where rounding would leave a little
    return np.where(counts <= 0, 0.0, centre - half), np.where(counts >= totals, 1.0, centre + half)


def newcombe(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """The 95 % interval of the difference of two rates, each (count, total) (Newcombe 1998, method 10)."""
    (low_1, high_1), (low_2, high_2) = wilson(*first), wilson(*second)
    rate_1, rate_2 = first[0] / first[1], second[0] / second[1]
    difference = rate_1 - rate_2
    return (
        difference - sqrt((rate_1 - low_1) ** 2 + (high_2 - rate_2) ** 2),
        difference + sqrt((high_1 - rate_1) ** 2 + (rate_2 - low_2) ** 2),
    )


def fisher(first: tuple[int, int], second: tuple[int, int]) -> float:
    """The two-sided p-value that two rates, each (count, total), are equal: Fisher's exact test."""
    from scipy.stats import fisher_exact

    rows = [[count, total - count] for count, total in (first, second)]
    return float(fisher_exact(rows).pvalue)


def from_chance(count: int, total: int, chance: float) -> float:
    """The two-sided p-value that a rate is this one: the exact binomial test."""
    from scipy.stats import binomtest

    return float(binomtest(count, total, chance).pvalue)


def paired(differences: Sequence[float]) -> tuple[float, float, float, float]:
    """Mean, 95 % interval and two-sided p-value of paired differences by Student's t; two or more of them."""
    from scipy.stats import t

    values = np.asarray(differences, dtype=np.float64)
    mean, error = float(values.mean()), float(values.std(ddof=1) / sqrt(len(values)))
    if error == 0:
        return mean, mean, mean, float(mean == 0)
    freedom = len(values) - 1
    half = float(t.ppf(0.975, freedom)) * error
    return mean, mean - half, mean + half, float(2 * t.sf(abs(mean) / error, freedom))


def holm(values: Sequence[float]) -> list[float]:
    """p-values adjusted for how many they are (Holm 1979), in their own order."""
    adjusted = [0.0] * len(values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[place]))
        adjusted[place] = highest
    return adjusted
