"""Attention, and measures derived from it. One file per measure.

A file of this folder that defines ``MEASURE`` is a measure; adding one requires no other change.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from glassbert.arguments import checked
from glassbert.errors import MethodError
from glassbert.maps._measure import Measure, MeasureInput
from glassbert.maps.attention_flow import flow
from glassbert.maps.attention_rollout import rollout
from glassbert.maps.disentangled import score_parts
from glassbert.maps.norms_2020 import value_norms
from glassbert.maps.relevance import attention_relevance_map
from glassbert.maps.results import AttentionMaps, TokenMaps
from glassbert.maps.weights import attention
from glassbert.maps.zeroing import value_zeroing
from glassbert.network.model import Model
from glassbert.targets import Target
from glassbert.text.inputs import Text

__all__ = [
    "MEASURES",
    "Measure",
    "attention",
    "attention_map",
    "attention_relevance_map",
    "flow",
    "rollout",
    "score_parts",
    "value_norms",
    "value_zeroing",
]


def _discover() -> Mapping[str, Measure]:
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    found = (module.MEASURE for module in modules if hasattr(module, "MEASURE"))
    return MappingProxyType({measure.id: measure for measure in found})


#: Measure id → what the measure declares about itself.
MEASURES: Mapping[str, Measure] = _discover()


@checked
def attention_map(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    measure: str = "rollout",
    target: Target | int | str | None = None,
    maps: AttentionMaps | None = None,
) -> TokenMaps:
    """Any of :data:`MEASURES` by its id, with its defaults.

    ``target`` is for measures with ``needs_target``; the others ignore it. ``maps`` are the attention weights of this
    input, if already computed. Raises MethodError, and what the measure raises.
    """
    chosen = MEASURES.get(measure)
    if chosen is None:
        raise MethodError(f"measure must be one of {', '.join(MEASURES)}; got {measure!r}")
    if maps is None and not chosen.needs_model:
        maps = attention(model, text, pair)
    return chosen.compute(MeasureInput(model=model, text=text, pair=pair, maps=maps, target=target))
