"""Value-weighted norms, rolled out: each token's share in the deciding state, by the norms of what is carried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from glassbert.attribution._method import Attribution, Method
from glassbert.attribution._options import Option
from glassbert.decision import Runner
from glassbert.maps import _value_norms as parts
from glassbert.maps.norms_2020 import of_the_sum
from glassbert.maps.norms_2021 import check_family, mixed
from glassbert.results import Array

_NORMS: Mapping[str, Callable[[parts.Layer], Tensor]] = {
    "2020": of_the_sum,
    "2021": mixed,
}


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """J_l = Ñ_l J_(l−1), J_0 = Ñ_0; the row of the deciding position after the last layer, which sums to 1.

    Variant "2021": Ñ = rownorm(N) with N the norms with residual and LayerNorm (Kobayashi et al. 2021). Variant
    "2020": the norms of what attention carries include no residual, so Ñ = ½ rownorm(N) + ½ I. Both as rolled out and
    compared by Modarressi et al. 2022 (there N_ResLN and N_FixedRes). The same scores for every target. Raises
    UnsupportedModelError.
    """
    if options["variant"] == "2021":
        check_family(runner.decision.model)
    runner.passes.add(1)
    layers = parts.traced(runner.decision.model, runner.decision.encoded)
    norms = parts.layer_maps(layers, _NORMS[options["variant"]])
    rolled = _rolled_out(norms, residual=options["variant"] == "2020")
    return Attribution(scores=runner.decision.readers @ rolled, options=options)


def _rolled_out(norms: Array, *, residual: bool) -> Array:
    """Norms (layer, query, key) → the product over layers of their rows as shares, (query, key) in float64."""
    shares = _row_shares(norms)
    if residual:
        shares = _row_shares(shares + np.eye(shares.shape[-1]))
    joint: Array = shares[0]
    for layer in shares[1:]:
        joint = layer @ joint
    return joint


def _row_shares(norms: Array) -> Array:
    """Rows that sum to 1; a row of zeros (a layer whose heads are all off carries nothing) is unchanged."""
    total = norms.sum(axis=-1, keepdims=True, dtype=np.float64)
    shares: Array = norms / np.where(total > 0, total, 1)
    return shares


METHOD = Method(
    id="value_norms",
    label="Value-weighted norms",
    in_words="Attention by what it carries",
    paper="Kobayashi et al. 2020, 2021, arXiv:2109.07152; rolled out: Modarressi et al. 2022, arXiv:2205.03286",
    family="attention",
    signed=False,
    complete=False,
    meaning="this token's share in the final state that the prediction is made from, by the norms of the vectors that "
    "attention carries; the same for every target",
    cost=lambda tokens, options: 2,  # one traced, one for F(x)
    compute=compute,
    parameters=(
        Option(
            "variant",
            "str",
            "2021",
            "Norms of what attention carries (2020), or of that plus residual and LayerNorm (2021).",
            choices=tuple(_NORMS),
        ),
    ),
)
