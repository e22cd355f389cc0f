"""The path from the baseline to the text, and the integral along it. Numbers only: no network, no torch.

    path = Path(first_round(0.01))
    while not path.done(0.01, smallest=1e-3):
        for place in path.wanted():              # where on the path, 0 to 1
            path.give(place, value, density)     # F there, and each token's part of dF/dα
    path.scores()                                # (token,)

F may be a vector as well: its density is then (token, component), and an error is the length of a vector of errors.

The exact value of the integral is known: dF/dα is the sum of the tokens' densities, so over any segment it integrates
to the difference of F at its two ends, and F at a node comes with the gradient. So the error of each segment is known,
and only the worst ones are refined. Clenshaw-Curtis nodes are reused when their number doubles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from glassbert.results import Array

__all__ = ["Path", "first_nodes", "first_round"]

# With at most 8 intervals per segment, a tenth more nodes are needed than with 16.
_MOST_INTERVALS = 16


@dataclass(frozen=True, slots=True)
class _Segment:
    start: float
    end: float
    intervals: int

    @property
    def places(self) -> list[float]:
        return [_place(self.start + (self.end - self.start) * x) for x in _clenshaw_curtis(self.intervals)[0]]

    @property
    def weights(self) -> Array:
        weights: Array = (self.end - self.start) * _clenshaw_curtis(self.intervals)[1]
        return weights

    def refined(self) -> tuple[_Segment, ...]:
        if 2 * self.intervals <= _MOST_INTERVALS:
            return (_Segment(self.start, self.end, 2 * self.intervals),)
        middle, half = _place((self.start + self.end) / 2), self.intervals // 2
        return _Segment(self.start, middle, half), _Segment(middle, self.end, half)


# Start, end and intervals of the first round. F is most curved near the baseline. Of 430 divisions tried on 65 inputs
# (sentences, masks, pairs, either baseline) these needed among the fewest nodes and rounds for 1% and for 5%.
_FINE = (_Segment(0.0, 0.25, 3), _Segment(0.25, 0.5, 6), _Segment(0.5, 1.0, 4))
_COARSE = (_Segment(0.0, 0.25, 3), _Segment(0.25, 0.5, 4), _Segment(0.5, 1.0, 4))
_COARSE_FROM = 0.03


def first_round(tolerance: float) -> tuple[_Segment, ...]:
    """Initial segments for this tolerance."""
    return _COARSE if tolerance >= _COARSE_FROM else _FINE


def first_nodes(tolerance: float) -> int:
    """Nodes of the first round; neighbours share the one between them."""
    return 1 + sum(segment.intervals for segment in first_round(tolerance))


def _place(number: float) -> float:
    """Rounded: neighbours and halves must represent a shared place by the same number."""
    return round(float(number), 12)


@cache
def _clenshaw_curtis(intervals: int) -> tuple[Array, Array]:
    """Nodes on [0, 1], both ends among them, and the weights that integrate polynomials up to that degree exactly."""
    nodes = (1 - np.cos(np.pi * np.arange(intervals + 1) / intervals)) / 2
    integrals = np.zeros(intervals + 1)
    integrals[0] = 1  # of the Legendre polynomials over [0, 1]
    weights = np.linalg.solve(np.polynomial.legendre.legvander(2 * nodes - 1, intervals).T, integrals)
    return nodes, weights


@dataclass(slots=True)
class Path:
    """What is known along the path so far. Call ``give`` for all places in ``wanted`` until it is ``done``."""

    _segments: tuple[_Segment, ...] = _FINE
    most_nodes: int = 256
    _values: dict[float, Any] = field(default_factory=dict)
    _densities: dict[float, Array] = field(default_factory=dict)

    def wanted(self) -> list[float]:
        """Places that the current segments need and that have not been given yet."""
        return self._missing(self._segments)

    def give(self, place: float, value: float | Array, density: Array) -> None:
        """``value`` is F there, ``density`` (token,) or (token, component) the tokens' parts of dF/dα."""
        self._values[place] = value
        self._densities[place] = density

    def done(self, tolerance: float, smallest: float) -> bool:
        """Whether the absolute errors of the segments sum to at most ``tolerance`` times the change of F.

        A change below ``smallest`` counts as ``smallest``. If not, the worst segments are refined, as many as needed
        for the others to stay within the limit. True as well if this would need more than ``most_nodes``.
        """
        if not self._values:
            return False
        allowed = tolerance * max(_size(self._values[1.0] - self._values[0.0]), smallest)
        misses = np.array([self._miss(segment) for segment in self._segments])
        if misses.sum() <= allowed or not np.isfinite(misses).all():
            return True
        worst_first = np.argsort(-misses)
        left = misses.sum() - np.cumsum(misses[worst_first])
        worst = set(worst_first[: 1 + int(np.argmax(left <= allowed))].tolist())
        refined = tuple(
            part
            for number, segment in enumerate(self._segments)
            for part in (segment.refined() if number in worst else (segment,))
        )
        if len(self._values) + len(self._missing(refined)) > self.most_nodes:
            return True
        self._segments = refined
        return not self._missing(refined) and self.done(tolerance, smallest)

    @property
    def value(self) -> float:
        """F at the end of the path: the text itself."""
        return float(self._values[1.0])

    @property
    def baseline_value(self) -> float:
        return float(self._values[0.0])

    def ends(self) -> tuple[Any, Any]:
        """F at the end of the path and at its start: numbers, or vectors."""
        return self._values[1.0], self._values[0.0]

    @property
    def nodes(self) -> int:
        return len(self._values)

    def scores(self) -> Array:
        """The integral of each token's density over the whole path, (token,) or (token, component)."""
        scores: Array = sum(self._integral(segment) for segment in self._segments)  # type: ignore[assignment]
        return scores

    def rule(self) -> tuple[list[float], list[float]]:
        """Nodes and weights of the quadrature behind ``scores``."""
        weights: dict[float, float] = {}
        for segment in self._segments:
            for place, weight in zip(segment.places, segment.weights.tolist(), strict=True):
                weights[place] = weights.get(place, 0.0) + weight
        return list(weights), list(weights.values())

    def _missing(self, segments: Sequence[_Segment]) -> list[float]:
        return sorted({place for segment in segments for place in segment.places} - self._values.keys())

    def _integral(self, segment: _Segment) -> Array:
        densities = np.stack([self._densities[place] for place in segment.places])
        integral: Array = np.tensordot(segment.weights, densities, axes=1)
        return integral

    def _miss(self, segment: _Segment) -> float:
        return _size(self._integral(segment).sum(axis=0) - (self._values[segment.end] - self._values[segment.start]))


def _size(number: Any) -> float:
    """|x| of a number or a vector."""
    return float(np.linalg.norm(number))
