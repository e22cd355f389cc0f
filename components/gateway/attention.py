"""Attention: maps in full and as thumbnails, measures on them, what each head does, and what is lost without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from components.gateway.cache import shared, while_read
from components.gateway.inputs import encode
from components.gateway.library import gb, import_library
from components.gateway.models import load
from components.gateway.requests import TextRequest

if TYPE_CHECKING:
    from glassbert.heads import HeadLabel
    from glassbert.heads.results import AblationSweep, HeadDistances, HeadImportance, HeadProfile, HeadRanking
    from glassbert.maps import Measure
    from glassbert.maps.neurons import Neurons
    from glassbert.maps.results import ScoreParts

__all__ = [
    "MapDisplay",
    "ablation_sweep",
    "flow",
    "head_distances",
    "head_importance",
    "head_labels",
    "head_profile",
    "head_ranking",
    "map_thumbnails",
    "maps",
    "measure",
    "measures",
    "neurons",
    "score_parts",
    "shown_maps",
    "thumbnails",
    "value_zeroing",
]

# 512 tokens × 12 × 12 heads are 151 MB per result: many small ones may stay, large ones only while in use.
_LARGE_TOKENS = 128
_SIDE_PIXELS = 32  # the largest side of a small thumbnail as it is sent; more tokens are pooled


@dataclass(frozen=True, slots=True)
class MapDisplay:
    """How maps are shown: words or pieces, what is left out, and whether the rest is rescaled."""

    words: bool = False
    special: bool = True
    block: str = ""
    rescale: bool = False

    def of(self, maps: gb.TokenMaps) -> gb.TokenMaps:
        """The maps shown this way. Raises OptionError if nothing would be left."""
        if self.words:
            maps = maps.by_word()
        if self.block:
            return maps.block(self.block, renormalise=self.rescale)
        return maps if self.special else maps.without_special(self.rescale)


def _is_large(request: TextRequest) -> bool:
    return len(encode(request)) > _LARGE_TOKENS


def maps(request: TextRequest) -> gb.AttentionMaps:
    """The weights of every head: one forward pass the first time, free afterwards."""
    return _maps_large(request) if _is_large(request) else _maps_small(request)


@shared(24)
def _maps_small(request: TextRequest) -> gb.AttentionMaps:
    return _maps(request)


@while_read(entries=4, each=2)  # two: all heads on, and some off
def _maps_large(request: TextRequest) -> gb.AttentionMaps:
    return _maps(request)


def _maps(request: TextRequest) -> gb.AttentionMaps:
    return gb.attention(load(request.model), encode(request))


def shown_maps(request: TextRequest, layers: tuple[int, ...], part: str) -> gb.AttentionMaps | gb.TokenMaps:
    """The weights; with a ``part`` of the scores those that it alone would give, in these layers."""
    return score_parts(request, layers).alone(part) if part else maps(request)


@shared(64)
def thumbnails(request: TextRequest, special: bool) -> np.ndarray:
    """Every head as a thumbnail, (layer, head, row, column) uint8; without special tokens, rows are not rescaled."""
    import_library()
    from glassbert.pictures.thumbnails import weight_levels

    found = maps(request)
    if special:
        return weight_levels(found.weights, _SIDE_PIXELS)
    words = found.encoded.special_tokens_mask == 0
    return weight_levels(found.weights[:, :, words][:, :, :, words], _SIDE_PIXELS)


@shared(64)
def map_thumbnails(request: TextRequest, display: MapDisplay, side: int) -> np.ndarray:
    """The same of the displayed maps, made layer by layer, so that there is never a second copy of all weights."""
    import_library()
    from glassbert.pictures.thumbnails import weight_levels

    found, small = maps(request), []
    for weights in found.weights:
        layer = gb.TokenMaps.of(found.encoded, "attention", weights[None], rows_sum_to_one=True)
        small.append(weight_levels(display.of(layer).values, side))
    return np.concatenate(small)


def head_ranking(request: TextRequest, query: int, key: int, by_word: bool) -> HeadRanking:
    """Every head by the weight between two tokens, or their words: read off the maps, no pass."""
    return gb.rank_heads(maps(request), query, key, by_word=by_word)


def measures() -> dict[str, Measure]:
    """What can be measured from attention, by id."""
    return dict(gb.MEASURES)


def measure(request: TextRequest, measure_id: str, target: gb.Target | None) -> gb.TokenMaps:
    """From 1 forward pass to 1 + tokens (value zeroing)."""
    find = _measure_large if _is_large(request) else _measure_small
    return find(request, measure_id, target)


@shared(16)
def _measure_small(request: TextRequest, measure_id: str, target: gb.Target | None) -> gb.TokenMaps:
    return _measure(request, measure_id, target)


@while_read(entries=16, each=8)  # 13 MB each at 512 tokens and 12 layers
def _measure_large(request: TextRequest, measure_id: str, target: gb.Target | None) -> gb.TokenMaps:
    return _measure(request, measure_id, target)


def _measure(request: TextRequest, measure_id: str, target: gb.Target | None) -> gb.TokenMaps:
    return gb.attention_map(
        load(request.model), request.text, request.pair, measure=measure_id, target=target, maps=maps(request)
    )


def value_zeroing(request: TextRequest) -> Callable[..., gb.TokenMaps]:
    """The work of a job, which keeps the result: 1 + tokens passes and more."""
    model, encoded = load(request.model), encode(request)
    return lambda **reports: gb.value_zeroing(model, encoded, **reports)


@shared(64)
def flow(request: TextRequest, layer: int, queries: tuple[int, ...] | None) -> gb.TokenMaps:
    """One layer's flow, of some tokens or all: no forward pass, much arithmetic. Raises OptionError for too much."""
    return gb.flow(maps(request), layers=[layer], queries=queries)


def score_parts(request: TextRequest, layers: tuple[int, ...]) -> ScoreParts:
    """The parts of some layers' scores, for models with disentangled attention; one forward pass."""
    return _score_parts_large(request, layers) if _is_large(request) else _score_parts_small(request, layers)


@shared(16)
def _score_parts_small(request: TextRequest, layers: tuple[int, ...]) -> ScoreParts:
    return _score_parts(request, layers)


@while_read(entries=4, each=2)  # 38 MB a layer at 512 tokens and 12 heads
def _score_parts_large(request: TextRequest, layers: tuple[int, ...]) -> ScoreParts:
    return _score_parts(request, layers)


def _score_parts(request: TextRequest, layers: tuple[int, ...]) -> ScoreParts:
    return gb.score_parts(load(request.model), encode(request), layers=list(layers))


@shared(8)
def neurons(request: TextRequest, layers: tuple[int, ...]) -> Neurons:
    """Queries and keys of some layers; one forward pass."""
    import_library()
    from glassbert.maps.neurons import neurons as compute_neurons

    return compute_neurons(load(request.model), request.text, request.pair, layers=layers)


# --- heads: what they do, how much a prediction needs them, and what changes without them ---------------------


@shared(64)
def head_profile(request: TextRequest) -> HeadProfile:
    """No forward pass."""
    return gb.head_profile(maps(request))


@shared(64)
def head_distances(request: TextRequest) -> HeadDistances:
    """No forward pass."""
    return gb.head_distances(maps(request))


@shared(64)
def head_importance(request: TextRequest, target: gb.Target) -> HeadImportance:
    """Two forward passes and a backward pass, layer by layer."""
    return gb.head_importance(load(request.model), request.text, request.pair, target=target)


def head_labels() -> dict[str, HeadLabel]:
    """Names for what heads do, with their rules, by id."""
    return dict(gb.heads.HEAD_LABELS)


def ablation_sweep(
    request: TextRequest, target: gb.Target, mode: Literal["one_at_a_time", "greedy"]
) -> Callable[..., AblationSweep]:
    """The work of a job, which keeps the result: about 0.3 passes per head."""
    model = load(request.model)
    return lambda **reports: gb.ablation_sweep(model, request.text, request.pair, target=target, mode=mode, **reports)
