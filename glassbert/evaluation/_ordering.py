"""How scores order tokens, and how similar two orders are."""

from __future__ import annotations

import numpy as np

from glassbert.attribution import METHODS
from glassbert.attribution.results import TokenScores
from glassbert.results import Array

__all__ = ["SHARES", "evidence", "is_signed", "kendall", "order", "sizes", "spearman"]

#: Shares of the tokens that are left out or kept, of those that can be (DeYoung et al. 2020).
SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)


def is_signed(scores: TokenScores) -> bool:
    """Whether a negative score means evidence against; of an unknown method, whether there is one."""
    method = METHODS.get(scores.method)
    return method.signed if method is not None else bool((scores.scores < 0).any())


def evidence(scores: TokenScores) -> Array:
    """What tokens are ordered by, (token,) in float64: the score itself where it has a sign, else its magnitude."""
    values = scores.scores.astype(np.float64)
    return values if is_signed(scores) else np.abs(values)


def order(values: Array) -> Array:
    """Indices from the largest value down; equal values keep the order of the text."""
    ranked: Array = np.argsort(-values, kind="stable")
    return ranked


def sizes(tokens: int) -> tuple[int, ...]:
    """How many of ``tokens`` tokens each share is: rounded to the nearest integer (halves up), at least one."""
    return tuple(max(1, int(share * tokens + 0.5)) for share in SHARES)


def kendall(first: Array, second: Array) -> float:
    """Kendall's τ-b: concordant less discordant pairs, over √ of the pairs not tied in each. 0 if all are tied."""
    upper = np.triu_indices(len(first), 1)
    one = np.sign(np.subtract.outer(first, first))[upper]
    two = np.sign(np.subtract.outer(second, second))[upper]
    untied = float(np.sqrt(np.count_nonzero(one) * np.count_nonzero(two)))
    return float((one * two).sum()) / untied if untied else 0.0


def spearman(first: Array, second: Array) -> float:
    """Spearman's ρ: Pearson's correlation of the ranks, equal values sharing their mean rank. 0 if all are equal."""
    one, two = (ranks - ranks.mean() for ranks in (_mean_ranks(first), _mean_ranks(second)))
    length = float(np.sqrt((one @ one) * (two @ two)))
    return float(one @ two) / length if length else 0.0


def _mean_ranks(values: Array) -> Array:
    _, groups, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Array = ((ends - counts + ends - 1) / 2)[groups]
    return ranks
