"""Value-weighted norms: the norm of what attention carries, ‖Σ_h α_h f_h(x_j)‖ (Kobayashi et al. 2020)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from glassbert.arguments import checked
from glassbert.errors import OptionError
from glassbert.maps import _value_norms as parts
from glassbert.maps._measure import Measure, one_pass
from glassbert.maps.norms_2021 import value_norms_2021
from glassbert.maps.results import AttentionMaps, TokenMaps
from glassbert.network.model import Model
from glassbert.text.inputs import Text, encode

Variant = Literal["2020", "2021"]
VARIANTS = ("2020", "2021")


@checked
def value_norms(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    variant: Variant = "2020",
    per_head: bool = False,
    maps: AttentionMaps | None = None,
) -> TokenMaps:
    """Norm of the vector carried from each token to each other: (layer, query, key), in units of hidden states.

    Variant "2020": ‖Σ_h α_h(i, j) f_h(x_j)‖ with f_h(x) = (x W_V + b_V) W_O; ``per_head`` gives ‖α_h f_h(x_j)‖, (layer,
    head, query, key). Variant "2021": the same sum, plus x_i where i = j, through LayerNorm's own scaling. One forward
    pass; with ``maps``, the weights of this input, they are not computed again. Rows do not sum to 1:
    ``normalised()`` gives shares. Raises OptionError, UnsupportedModelError, TextErrors.
    """
    if variant not in VARIANTS:
        raise OptionError(f"variant must be one of {', '.join(VARIANTS)}; got {variant!r}")
    if per_head and variant == "2021":
        raise OptionError(
            "the 2021 norms are over all heads together, because LayerNorm follows their sum: use variant 2020"
        )
    if variant == "2021":
        return value_norms_2021(model, text, pair, maps=maps)
    encoded = encode(model, text, pair)
    layers = parts.traced(model, encoded, maps)
    values = parts.layer_maps(layers, _of_each_head if per_head else of_the_sum)
    return TokenMaps.of(encoded, MEASURE.id, values, rows_sum_to_one=False)


def _of_each_head(layer: parts.Layer) -> Tensor:
    lengths: Tensor = layer.carried().norm(dim=-1)  # (key, head)
    return layer.weights() * lengths.T[:, None]


def of_the_sum(layer: parts.Layer) -> Tensor:
    """‖Σ_h α_h(i, j) f_h(x_j)‖, (query, key)."""
    keys = parts.in_parts(len(layer.values))
    return torch.cat([parts.norms(layer.weights(some), layer.carried(some)) for some in keys], dim=1)


MEASURE = Measure(
    id="value_norms_2020",
    label="Value-weighted norms",
    paper="Kobayashi et al. 2020, arXiv:2004.10102",
    meaning="the norm of the vector that attention carries from this token: value vectors times attention weights",
    cost=one_pass,
    rows_sum_to_one=False,
    needs_model=True,
    compute=lambda given: value_norms(given.model, given.text, given.pair, maps=given.maps),
)
