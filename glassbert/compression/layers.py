"""Whole layers, left out; a short training heals what that breaks (Sajjad et al. 2020, arXiv:2004.03844)."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassbert.compression._draft import Draft
from glassbert.compression._recipe import Given, Recipe
from glassbert.errors import LayerError, OptionError, UnsupportedModelError

__all__ = ["RECIPES"]


def _apply(draft: Draft, value: Any, _given: Given) -> str:
    dropped = _listed(draft, value)
    family, count = draft.family, draft.layers
    kept = [layer for layer in range(count) if layer not in dropped]
    if family.group_count is not None:
        if int(draft.config.get(family.group_count, 1)) > 1:
            raise UnsupportedModelError(
                f"the layers of this {family.label} network share weights in groups, so single ones cannot be dropped; "
                "choose another recipe"
            )
    else:
        _renumber(draft, kept)
    draft.removed = {(kept.index(layer), head) for layer, head in draft.removed if layer in kept}
    for name, entry in draft.config.items():  # what a config says of each layer
        if isinstance(entry, list) and len(entry) == count and name != "architectures":
            draft.config[name] = [entry[layer] for layer in kept]
    draft.config[family.layer_count] = len(kept)
    if "num_hidden_layers" in draft.config:
        draft.config["num_hidden_layers"] = len(kept)
    named = ", ".join(str(layer) for layer in sorted(dropped))
    return f"{len(dropped)} of {count} layers are dropped: {named}; the others are numbered anew"


def _listed(draft: Draft, value: Any) -> set[int]:
    single = isinstance(value, str | float | int) or not hasattr(value, "__iter__")
    numbers = [] if single else list(value)
    if not numbers or not all(isinstance(one, int | np.integer) and not isinstance(one, bool) for one in numbers):
        raise OptionError('"layers" must be a list of the layers to drop, such as [4, 5]')
    for layer in numbers:
        if not 0 <= layer < draft.layers:
            raise LayerError(f"layer {layer}: this model has layers 0 to {draft.layers - 1}")
    dropped = {int(layer) for layer in numbers}
    if len(dropped) == draft.layers:
        raise OptionError(f"these are all {draft.layers} layers: keep one at least")
    return dropped


def _renumber(draft: Draft, kept: list[int]) -> None:
    paths = draft.layer_paths()
    parts = {
        path: {name.removeprefix(f"{path}."): name for name in draft.tensors if name.startswith(f"{path}.")}
        for path in paths
    }
    for new, old in enumerate(kept):
        if parts[paths[new]].keys() != parts[paths[old]].keys():
            raise UnsupportedModelError(
                f"layer {new} of a {draft.family.label} network is made of other parts than layer {old}, which would "
                f"take its place: keep layer {new}"
            )
    tensors = {
        name: one for name, one in draft.tensors.items() if not any(name in own.values() for own in parts.values())
    }
    for new, old in enumerate(kept):
        tensors |= {f"{paths[new]}.{part}": draft.tensors[name] for part, name in parts[paths[old]].items()}
    draft.tensors = tensors


RECIPES = (
    Recipe(
        "layers",
        "a list of layers to drop, counted as everywhere. Those after them then read what they were not trained on: "
        "gb.finetune on the new model heals it",
        _apply,
    ),
)
