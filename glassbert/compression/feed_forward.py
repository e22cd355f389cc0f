"""Feed-forward neurons: as many removed in each layer, those of least importance (Molchanov et al. 2017)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from glassbert.compression._draft import Draft
from glassbert.compression._importance import neuron_scores
from glassbert.compression._recipe import Given, Recipe, require_table
from glassbert.errors import OptionError, UnsupportedModelError
from glassbert.families import require

__all__ = ["RECIPES"]

#: What configs call the number of neurons.
_SIZES = ("intermediate_size", "hidden_dim")


def _apply(draft: Draft, value: Any, given: Given) -> str:
    family, inside = draft.family, draft.family.inside
    require(family, "known_feed_forward", "removing feed-forward neurons")
    assert inside is not None
    if family.bottleneck:
        raise UnsupportedModelError(
            f"the layers of {family.label} networks have several feed-forward blocks, of which neurons cannot be "
            "removed; choose another recipe"
        )
    if not isinstance(value, float | int) or isinstance(value, bool) or not 0 < value < 1:
        raise OptionError(f'"intermediate" must be the share of neurons to remove, between 0 and 1; got {value!r}')
    layers = draft.layer_paths()
    size = draft.tensors[f"{layers[0]}.{inside.feed_forward}.weight"].shape[1]
    count = size - math.floor(float(value) * size + 0.5)
    if not 0 < count < size:
        raise OptionError(
            f"{value:g} of the {size} neurons of a layer is {'all' if count < 1 else 'none'} of them: choose another "
            "share"
        )
    scores = neuron_scores(draft.current(), require_table(given, "intermediate"), given)
    for path in dict.fromkeys(layers):
        own = np.sum([scores[number] for number, layer in enumerate(layers) if layer == path], axis=0)
        kept = torch.from_numpy(np.sort(np.argsort(-own, kind="stable")[:count]))
        both = torch.cat((kept, kept + size))  # what is activated and its factor, side by side
        for part, places in (
            (inside.widen, kept),
            (inside.factor, kept),
            (inside.gated, kept if inside.factor else both),
        ):
            for name in draft.linear(path, part) if part else ():
                draft.tensors[name] = draft.tensors[name][places]
        last = f"{path}.{inside.feed_forward}.weight"
        draft.tensors[last] = draft.tensors[last][:, kept]
    name = next((one for one in _SIZES if one in draft.config), _SIZES[0])
    draft.config[name] = count
    return (
        f"each layer keeps {count:,} of its {size:,} feed-forward neurons, the most important ones on the given texts"
    )


RECIPES = (
    Recipe(
        "intermediate",
        "the share of the feed-forward neurons to remove, the same number in each layer: those of least importance, "
        "|∂F/∂ξ| for ξ = 1 that scales the neuron's output, the mean over the given texts",
        _apply,
    ),
)
