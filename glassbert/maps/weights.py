"""The softmax weights themselves, as the stock model returns them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glassbert.arguments import checked
from glassbert.maps._measure import Measure, one_pass
from glassbert.maps.results import AttentionMaps
from glassbert.network.batches import require_memory_for_maps
from glassbert.network.blocks import gives_weights, take_weights
from glassbert.network.model import Model
from glassbert.network.run import Forward, batch, run
from glassbert.text.inputs import Text, encode


@checked
def attention(model: Model, text: Text, pair: str | None = None) -> AttentionMaps:
    """Attention weights (Vaswani et al. 2017) of every layer and head: ``weights (layer, head, query, key)``.

    Costs one forward pass of the encoder. Row *query* holds the weights of that token over all others; each row sums
    to 1. Raises the TextErrors of :func:`glassbert.encode`, and NotEnoughMemoryError.
    """
    encoded = encode(model, text, pair)
    require_memory_for_maps(model, len(encoded))
    inputs = batch(model, [encoded])

    def read(forward: Forward) -> npt.NDArray[np.float32]:
        weights = np.empty((model.layers, model.attention_heads, len(encoded), len(encoded)), dtype=np.float32)
        with take_weights(model.network, weights):
            forward.encoder(**gives_weights(model.network))
        return weights

    return AttentionMaps(encoded=encoded, weights=run(model, inputs, read))


MEASURE = Measure(
    id="attention",
    label="Attention weights",
    paper="Vaswani et al. 2017, arXiv:1706.03762",
    meaning="the weight that this head gives to the token's value vector",
    cost=one_pass,
    rows_sum_to_one=True,
    needs_model=False,
    compute=lambda given: given.weights.maps(),
    per_head=True,
)
