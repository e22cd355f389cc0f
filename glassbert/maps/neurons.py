"""Queries and keys: what attention weights are computed from, neuron by neuron (Vig 2019).

The weight of head h from token i to token j is softmax over j of q_i · k_j / √d, with d neurons per head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassbert.errors import LayerError
from glassbert.families import require
from glassbert.network.blocks import blocks
from glassbert.network.model import Model
from glassbert.network.removed_heads import whole_rows
from glassbert.network.run import Forward, batch, run
from glassbert.results import Array, Encoded, read_only
from glassbert.text.inputs import Text, encode

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Neurons", "neurons"]


@dataclass(frozen=True, slots=True, eq=False)
class Neurons:
    """Queries and keys of some layers, and the resulting attention weights."""

    encoded: Encoded
    layers: Array  # (layer,), the model's layer numbers
    weights: Array  # (layer, head, query, key), each row sums to 1
    queries: Array  # (layer, head, token, neuron)
    keys: Array  # (layer, head, token, neuron)

    def __post_init__(self) -> None:
        for name, dtype in (("layers", "int64"), ("weights", "float32"), ("queries", "float32"), ("keys", "float32")):
            object.__setattr__(self, name, read_only(getattr(self, name), dtype))

    def frame(self) -> pd.DataFrame:
        """One row per neuron of a token: layer, head, token, neuron, query, key."""
        import pandas as pd

        layer, head, token, neuron = (axis.ravel() for axis in np.indices(self.queries.shape, dtype=np.int32))
        return pd.DataFrame(
            {
                "layer": self.layers[layer],
                "head": head,
                "position": token,
                "token": np.asarray(self.encoded.tokens, dtype=object)[token],
                "neuron": neuron,
                "query": self.queries.ravel(),
                "key": self.keys.ravel(),
            }
        )


def neurons(model: Model, text: Text, pair: str | None = None, *, layers: Sequence[int] | None = None) -> Neurons:
    """Queries and keys of ``layers`` (None: all) from the stock model's hidden states; one forward pass.

    For families whose weights depend on queries and keys alone. Raises LayerError, UnsupportedModelError, the
    TextErrors.
    """
    chosen = list(range(model.layers)) if layers is None else [int(layer) for layer in layers]
    for layer in chosen:
        if not 0 <= layer < model.layers:
            raise LayerError(f"layer {layer}: this model has layers 0 to {model.layers - 1}")
    require(model.checkpoint.family, "plain_scores", "the neuron view")
    stack = blocks(model.network)
    encoded = encode(model, text, pair)
    inputs = batch(model, [encoded])

    def read(forward: Forward) -> tuple[list[Array], list[Array], list[Array]]:
        weights, queries, keys = [], [], []
        output = forward.encoder(output_attentions=True, output_hidden_states=True)
        for layer in chosen:
            states = output.hidden_states[layer][0]  # the input of this layer
            weights.append(output.attentions[layer][0].float().cpu().numpy())
            query, key = (whole_rows(part, part(states), 1) for part in (stack[layer].query, stack[layer].key))
            queries.append(_by_head(query, model.attention_heads))
            keys.append(_by_head(key, model.attention_heads))
        return weights, queries, keys

    weights, queries, keys = run(model, inputs, read)
    return Neurons(encoded, np.asarray(chosen), np.stack(weights), np.stack(queries), np.stack(keys))


def _by_head(states: Any, heads: int) -> Array:
    """(token, heads side by side) → (head, token, neuron)."""
    tokens, width = states.shape
    result: Array = states.view(tokens, heads, width // heads).transpose(0, 1).float().cpu().numpy()
    return result
