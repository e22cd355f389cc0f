"""Value zeroing: what a layer's output loses without one token's value (Mohebbi et al. 2023)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from glassbert.attention._measure import Measure
from glassbert.blocks import blocks, gates_off, run_layer, see_input
from glassbert.device import work_threads
from glassbert.encoder import Model, batch, encoder_of, network_inputs
from glassbert.inputs import Text, encode
from glassbert.maps import TokenMaps

# Token rows a pass: bounds memory (about 200 MB of activations for a base-size model).
_TOKEN_ROWS = 4096
# float32 states that should be equal differ by about 1e-7 of their length, which is 1e-14 here.
_ROUNDING = 1e-12


def value_zeroing(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> TokenMaps:
    """How much a layer's output for *query* turns when the value of *key* is set to zero there: (layer, query, key).

    For each layer and token t, the layer is run again on the text's own states with v_t = 0 in every head; queries,
    keys and weights stay. The number is 1 − cos(h_i, h_i without v_t) of the layer's output, each row divided by its
    sum, so rows sum to 1 (a row is zero where no value matters: in a layer whose heads are all off). Costs about
    2 + tokens forward passes, batched; the model is free for others in between. ``progress`` is called with (layers
    done, layers); an exception it raises ends the work. Raises the TextErrors and UnsupportedModelError.
    """
    encoded = encode(model, text, pair)
    inputs = batch(model, [encoded])

    def work() -> Tensor:
        calls: dict[int, tuple[tuple[Any, ...], dict[str, Any]]] = {}

        def trace(device: str) -> None:
            keep = see_input(model.network, "layer", lambda layer, *call: calls.update({layer: call}))
            with torch.no_grad(), work_threads(inputs.token_rows), keep:
                encoder_of(model)(**network_inputs(model, inputs, device))

        model.run(trace)
        rows = []
        for layer in range(model.layers):
            rows.append(_distances(model, layer, *calls.pop(layer)))
            if progress is not None:
                progress(layer + 1, model.layers)
        return torch.stack(rows)

    distances = model.retry_on_cpu(work)
    totals = distances.sum(dim=-1, keepdim=True)
    shares = distances / totals.where(totals > 0, 1)
    return TokenMaps.of(encoded, MEASURE.id, shares.numpy(), rows_sum_to_one=bool((totals > 0).all()))


def _distances(model: Model, layer: int, arguments: tuple[Any, ...], options: dict[str, Any]) -> Tensor:
    """(query, key): cosine distance between one layer's output with and without each token's value."""
    states, *rest = arguments
    tokens = states.shape[1]
    block = blocks(model.network)[layer]
    gates = gates_off(model.network, model.ablated_heads).get(layer)
    bare = replace(model, ablated_heads=())  # its hooks count whole passes, and this is a single layer

    def without(zeroed: range) -> Tensor:
        def zero(values: Tensor) -> Tensor:
            values = values.clone()
            values[torch.arange(1, len(zeroed) + 1), torch.tensor(zeroed)] = 0
            return values

        # row 0 stays whole: the same batch, so the same rounding
        rows = states.expand(len(zeroed) + 1, -1, -1)
        with torch.no_grad(), work_threads(rows.shape[0] * tokens):
            output = run_layer(block, (rows, *rest), options, values=zero, gates=gates)
        output = output.cpu().double()  # not every device knows float64
        distances = 1 - torch.cosine_similarity(output[1:], output[:1], dim=-1)  # (key, query)
        return distances.where(distances > _ROUNDING, 0)

    return torch.cat([bare.run(lambda device: without(zeroed)) for zeroed in _chunks(tokens)]).T  # noqa: B023


def _chunks(tokens: int) -> list[range]:
    """Which tokens are zeroed in one pass."""
    size = max(1, _TOKEN_ROWS // tokens - 1)
    return [range(start, min(start + size, tokens)) for start in range(0, tokens, size)]


MEASURE = Measure(
    id="value_zeroing",
    label="Value zeroing",
    paper="Mohebbi et al. 2023, arXiv:2301.12971",
    meaning="how much the layer's output turns when this token's value is taken away, as a share of all turns",
    cost=lambda tokens: 1 + tokens + len(_chunks(tokens)),
    rows_sum_to_one=True,
    needs_model=True,
    compute=lambda question: value_zeroing(question.model, question.text, question.pair),
)
