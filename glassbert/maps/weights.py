"""The softmax weights themselves, as the stock model returns them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor

from glassbert.arguments import checked
from glassbert.maps._measure import Measure, one_pass
from glassbert.maps.results import AttentionMaps
from glassbert.network.batches import require_memory_for_maps
from glassbert.network.blocks import gives_weights, take_weights
from glassbert.network.model import Model
from glassbert.network.run import Forward, batch, run
from glassbert.results import Array, Encoded
from glassbert.text.inputs import Text, encode
from glassbert.text.windows import Windows, windows_of_tokens


@checked
def attention(model: Model, text: Text, pair: str | None = None, *, windows: Windows | None = None) -> AttentionMaps:
    """Attention weights (Vaswani et al. 2017) of every layer and head: ``weights (layer, head, query, key)``.

    Costs one forward pass of the encoder. Row *query* holds the weights of that token over all others; each row sums
    to 1, but those of a head that :func:`glassbert.compress` removed, which are 0. ``windows`` read a text that is
    longer than the model (:class:`glassbert.Windows`), one pass each: the row of a token is that of the window in which
    it is most central, and 0 outside it, so the maps are blocks along the diagonal; rows of special tokens, and of the
    shorter text of a pair, are means over the windows. Raises the TextErrors of :func:`glassbert.encode`, and
    NotEnoughMemoryError.
    """
    encoded = encode(model, text, pair, windows=windows)
    require_memory_for_maps(model, len(encoded))
    if len(encoded.windows):
        return AttentionMaps(encoded=encoded, weights=_stitched(model, encoded))
    return AttentionMaps(encoded=encoded, weights=_weights(model, encoded), reach=np.asarray(model.reach))


def _stitched(model: Model, encoded: Encoded) -> npt.NDArray[np.float32]:
    """(layer, head, query, key) of the whole text, from those of each window."""
    whole = np.zeros((model.layers, model.attention_heads, len(encoded), len(encoded)), dtype=np.float32)
    read_in = windows_of_tokens(encoded)
    beside = np.setdiff1d(np.arange(len(encoded)), np.concatenate([np.arange(*span) for span in encoded.windows]))
    for number in range(len(encoded.windows)):
        places = encoded.window_positions(number)
        own = _weights(model, encoded.window(number))
        rows = np.flatnonzero((read_in[places] == number) & ~np.isin(places, beside))
        whole[:, :, places[rows][:, None], places] = own[:, :, rows]
        shared = np.flatnonzero(np.isin(places, beside))
        whole[:, :, places[shared][:, None], places] += own[:, :, shared] / len(encoded.windows)
    return whole


def _weights(model: Model, encoded: Encoded) -> npt.NDArray[np.float32]:
    inputs = batch(model, [encoded])

    def read(forward: Forward) -> npt.NDArray[np.float32]:
        weights = np.empty((model.layers, model.attention_heads, len(encoded), len(encoded)), dtype=np.float32)

        def take(layer: int, found: Tensor) -> None:
            weights[layer] = found.float().cpu().numpy()

        with take_weights(model.network, take):
            forward.encoder(**gives_weights(model.network))
        weights.setflags(write=False)  # the result takes it as it is: a copy would be as large again
        return weights

    return run(model, inputs, read)


def mean_weights(model: Model, encoded: Encoded) -> Array:
    """The mean over the heads of each layer, (layer, query, key), in the memory of one layer's heads. One pass."""
    kept = [
        [head for head in range(model.attention_heads) if (layer, head) not in model.removed_heads]
        for layer in range(model.layers)
    ]

    def read(forward: Forward) -> Array:
        means = np.empty((model.layers, len(encoded), len(encoded)), dtype=np.float32)

        def take(layer: int, found: Tensor) -> None:
            means[layer] = found[kept[layer]].float().mean(dim=0).cpu().numpy()

        with take_weights(model.network, take):
            forward.encoder(**gives_weights(model.network))
        return means

    return run(model, batch(model, [encoded]), read)


MEASURE = Measure(
    id="attention",
    label="Attention weights",
    paper="Vaswani et al. 2017, arXiv:1706.03762",
    meaning="how much of its attention one token gives to the other",
    cost=one_pass,
    rows_sum_to_one=True,
    needs_model=False,
    compute=lambda given: given.weights.maps(),
    per_head=True,
)
