"""Value-weighted norms with residual connection and LayerNorm (Kobayashi et al. 2021)."""

from __future__ import annotations

from torch import Tensor

from glassbert.attention import _value_norms as parts
from glassbert.attention._measure import Measure, one_pass
from glassbert.encoder import Model
from glassbert.inputs import encode
from glassbert.maps import TokenMaps
from glassbert.results import Encoded


def mixed(layer: parts.Layer) -> Tensor:
    """‖g_i(Σ_h α_h(i, j) f_h(x_j) + [i = j] x_i)‖, (query, key).

    LayerNorm of z_i, the sum of everything that reaches token i, is Σ of g_i over its parts (plus the biases), with
    g_i(u) = γ ⊙ (u − mean(u)) / √(var(z_i) + ε): dividing by the spread of the whole, not of the part.
    """
    weight = layer.norm.weight.double().cpu()

    def centred(vectors: Tensor) -> Tensor:
        return weight * (vectors - vectors.mean(dim=-1, keepdim=True))

    spread = (layer.summed.var(dim=-1, correction=0) + layer.norm.eps).sqrt()  # (query,)
    lengths = parts.norms(layer.weights, centred(layer.carried))
    own_weights = layer.weights.diagonal(dim1=1, dim2=2).T  # (token, head)
    own = (own_weights[..., None] * layer.carried).sum(dim=1) + layer.states
    lengths.fill_diagonal_(0)
    return (lengths + centred(own).norm(dim=-1).diag()) / spread[:, None]


def with_residual_and_norm(model: Model, encoded: Encoded) -> TokenMaps:
    """See :func:`glassbert.value_norms`, variant 2021."""
    values = parts.layer_maps(parts.traced(model, encoded), mixed)
    return TokenMaps.of(encoded, MEASURE.id, values, rows_sum_to_one=False)


MEASURE = Measure(
    id="value_norms_2021",
    label="Value-weighted norms with residual and LayerNorm",
    paper="Kobayashi et al. 2021, arXiv:2109.07152",
    meaning="the length of this token's part in the other's state after the whole attention block, its own past included",
    cost=one_pass,
    rows_sum_to_one=False,
    needs_model=True,
    compute=lambda question: with_residual_and_norm(
        question.model, encode(question.model, question.text, question.pair)
    ),
)
