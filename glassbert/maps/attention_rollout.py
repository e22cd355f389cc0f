"""Rollout: attention followed through the layers (Abnar & Zuidema 2020)."""

from __future__ import annotations

import numpy as np

from glassbert.arguments import checked
from glassbert.maps._measure import Measure, one_pass
from glassbert.maps.results import AttentionMaps, TokenMaps
from glassbert.results import Array


def with_residual(mean: Array) -> Array:
    """Ã = rownorm(mean_h A + I), (…, query, key) in float64: half of each state is the token's own previous one.

    ``mean`` (…, query, key) is over the heads.
    """
    mixed = mean + np.eye(mean.shape[-1])
    normed: Array = mixed / mixed.sum(axis=-1, keepdims=True)
    return normed


@checked
def rollout(maps: AttentionMaps) -> TokenMaps:
    """J_l = Ã_l J_(l−1), J_0 = Ã_0: (layer, query, key); how much of input token *key* is in *query* after a layer.

    Ã_l = rownorm(mean over heads of A_l + I); the identity stands for the residual connection. No forward pass; each
    row sums to 1.
    """
    layers = with_residual(maps.mean())
    for layer in range(1, len(layers)):
        layers[layer] = layers[layer] @ layers[layer - 1]
    return TokenMaps.of(maps.encoded, MEASURE.id, layers, rows_sum_to_one=True)


MEASURE = Measure(
    id="rollout",
    label="Rollout",
    paper="Abnar & Zuidema 2020, arXiv:2005.00928",
    meaning="this input token's share in the other's state, if attention and residual alone mixed states",
    cost=one_pass,
    rows_sum_to_one=True,
    needs_model=False,
    compute=lambda given: rollout(given.weights),
)
