"""What a measure of attention declares about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glassbert.maps.results import AttentionMaps, TokenMaps
from glassbert.targets import Target

if TYPE_CHECKING:
    from glassbert.network.model import Model
    from glassbert.text.inputs import Text

__all__ = ["Measure", "MeasureInput"]


@dataclass(frozen=True, slots=True, eq=False)
class MeasureInput:
    """What a measure may need: the model and the input, the input's weights, and what is to be explained."""

    model: Model
    text: Text
    pair: str | None
    maps: AttentionMaps | None  # present for every measure with needs_model=False
    target: Target | int | str | None

    @property
    def weights(self) -> AttentionMaps:
        if self.maps is None:
            raise ValueError("a measure that works on attention weights must set needs_model=False")
        return self.maps


@dataclass(frozen=True, slots=True)
class Measure:
    """One way to measure how much a token takes from another.

    ``meaning`` completes "a number measures …". ``cost(tokens)``: forward passes of this input's length, including the
    one that computes the weights; ``backward``: one backward pass in addition. ``rows_sum_to_one`` is true if every row
    does. ``needs_model``: False if ``AttentionMaps`` are enough. ``needs_target``: the numbers are about one decision.
    ``per_head``: the map is (layer, head, query, key), not (layer, query, key).
    """

    id: str
    label: str
    paper: str
    meaning: str
    cost: Callable[[int], int]
    rows_sum_to_one: bool
    needs_model: bool
    compute: Callable[[MeasureInput], TokenMaps] = field(repr=False)
    needs_target: bool = False
    per_head: bool = False
    backward: bool = False


def one_pass(_tokens: int) -> int:
    return 1
