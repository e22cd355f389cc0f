"""Value-weighted norms with residual connection and LayerNorm (Kobayashi et al. 2021)."""

from __future__ import annotations

import torch
from torch import Tensor

from glassbert.families import require
from glassbert.maps import _value_norms as parts
from glassbert.maps._measure import Measure, one_pass
from glassbert.maps.results import AttentionMaps, TokenMaps
from glassbert.network.model import Model
from glassbert.text.inputs import Text, encode


def mixed(layer: parts.Layer) -> Tensor:
    """‖g_i(Σ_h α_h(i, j) f_h(x_j) + [i = j] x_i)‖, (query, key).

    LayerNorm of z_i, the sum of everything that reaches token i, is Σ of g_i over its parts (plus the biases), with
    g_i(u) = γ ⊙ (u − mean(u)) / √(var(z_i) + ε): dividing by the standard deviation of the whole, not of the part.
    """
    scale = layer.norm.weight.cpu().double()

    def centred(vectors: Tensor) -> Tensor:
        result: Tensor = scale * (vectors - vectors.mean(dim=-1, keepdim=True))
        return result

    states, summed = layer.states.cpu().double(), layer.summed.cpu().double()
    lengths = torch.empty(len(states), len(states), dtype=torch.float64)
    for keys in parts.in_parts(len(states)):
        weights, carried = layer.weights(keys), layer.carried(keys)
        lengths[:, keys] = parts.norms(weights, centred(carried))
        own = torch.einsum("hii,ihd->id", weights[:, keys], carried) + states[keys]
        lengths[keys, keys].diagonal().copy_(centred(own).norm(dim=-1))
    spread = (summed.var(dim=-1, correction=0) + layer.norm.eps).sqrt()  # (query,)
    shared: Tensor = lengths / spread[:, None]
    return shared


def check_family(model: Model) -> None:
    """Raise UnsupportedModelError if no LayerNorm follows the residual: the formula would run but be wrong."""
    require(model.checkpoint.family, "post_norm", "the 2021 variant of value-weighted norms")


def value_norms_2021(
    model: Model, text: Text, pair: str | None = None, *, maps: AttentionMaps | None = None
) -> TokenMaps:
    """See :func:`glassbert.value_norms`, variant 2021."""
    check_family(model)
    encoded = encode(model, text, pair)
    values = parts.layer_maps(parts.traced(model, encoded, maps), mixed)
    return TokenMaps.of(encoded, MEASURE.id, values, rows_sum_to_one=False)


MEASURE = Measure(
    id="value_norms_2021",
    label="Value-weighted norms with residual and LayerNorm",
    paper="Kobayashi et al. 2021, arXiv:2109.07152",
    meaning="the norm of this token's part in the other's state after residual and LayerNorm",
    cost=one_pass,
    rows_sum_to_one=False,
    needs_model=True,
    compute=lambda given: value_norms_2021(given.model, given.text, given.pair, maps=given.maps),
)
