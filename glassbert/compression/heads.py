"""Attention heads: removed from the weights, by choice or by importance (Michel et al. 2019)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from glassbert.compression._draft import Draft, zeros_where
from glassbert.compression._importance import head_scores
from glassbert.compression._recipe import Given, Recipe, require_table
from glassbert.errors import LayerError, OptionError
from glassbert.families import require

__all__ = ["RECIPES"]


def _apply(draft: Draft, value: Any, given: Given) -> str:
    require(draft.family, "removable_heads", "removing heads")
    if isinstance(value, float | int) and not isinstance(value, bool):
        chosen, how = _least_important(draft, float(value), given), "those of least importance on the given texts"
    else:
        chosen, how = _listed(draft, value), "as listed"
    removed = draft.removed | chosen
    for layer in range(draft.layers):
        if all((layer, head) in removed for head in range(draft.heads)):
            raise OptionError(
                f'this would remove every head of layer {layer}: keep one, or remove the layer, {{"layers": [{layer}]}}'
            )
    inside = draft.family.inside
    assert inside is not None
    for number, path in enumerate(draft.layer_paths()):
        gone = [head for own, head in chosen if own == number]
        if not gone:
            continue
        size = draft.tensors[f"{path}.{inside.value}.weight"].shape[0] // draft.heads
        places = [head * size + place for head in gone for place in range(size)]
        for part in (inside.query, inside.key, inside.value):
            for name in draft.linear(path, part):
                draft.tensors[name] = zeros_where(draft.tensors[name], places, 0)
        mixer = f"{path}.{inside.output}.weight"
        draft.tensors[mixer] = zeros_where(draft.tensors[mixer], places, 1)
    draft.removed = removed
    listed = ", ".join(f"{layer}:{head}" for layer, head in sorted(chosen))
    return f"{len(chosen)} of {draft.layers * draft.heads} heads are removed, {how} (layer:head): {listed}"


def _listed(draft: Draft, value: Any) -> set[tuple[int, int]]:
    try:
        pairs = [(layer, head) for layer, head in value]
        whole = all(isinstance(number, int | np.integer) for pair in pairs for number in pair)
    except TypeError:
        whole, pairs = False, []
    except ValueError:
        whole, pairs = False, []
    if not whole or not pairs:
        raise OptionError('"heads" must be a list of (layer, head), or the share of all heads to remove, such as 0.2')
    for layer, head in pairs:
        if not (0 <= layer < draft.layers and 0 <= head < draft.heads):
            raise LayerError(
                f"layer {layer}, head {head}: this model has layers 0 to {draft.layers - 1}, each with heads 0 to "
                f"{draft.heads - 1}"
            )
    chosen = {(int(layer), int(head)) for layer, head in pairs}
    again = sorted(chosen & draft.removed)
    if again:
        raise OptionError(f"layer {again[0][0]}, head {again[0][1]} is removed already; leave it out")
    return chosen


def _least_important(draft: Draft, share: float, given: Given) -> set[tuple[int, int]]:
    """The heads of least importance, but the most important one of each layer."""
    if not 0 < share < 1:
        raise OptionError(f'the share of "heads" to remove must be between 0 and 1; got {share:g}')
    scores = head_scores(draft.current(), require_table(given, "heads"), given)
    for layer, head in draft.removed:
        scores[layer, head] = -np.inf
    stays = {(layer, int(scores[layer].argmax())) for layer in range(draft.layers)}
    order = [divmod(int(place), draft.heads) for place in np.argsort(scores, axis=None, kind="stable")]
    open_ = [head for head in order if head not in stays and head not in draft.removed]
    count = math.floor(share * draft.layers * draft.heads + 0.5)
    if count < 1:
        raise OptionError(
            f'{share:g} of {draft.layers * draft.heads} heads is none: choose a larger share, or name them, {{"heads": '
            "[(layer, head)]}"
        )
    if count > len(open_):
        raise OptionError(
            f"{share:g} of {draft.layers * draft.heads} heads are {count}, but only {len(open_)} can be removed, since "
            "each layer keeps one: choose a smaller share"
        )
    return set(open_[:count])


RECIPES = (
    Recipe(
        "heads",
        "attention heads to remove: a list of (layer, head), counted as everywhere, or the share of all heads, of "
        "which those of least importance on the given texts go (gb.head_importance; each layer keeps one)",
        _apply,
    ),
)
