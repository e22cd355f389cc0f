"""Value zeroing: how a layer's output changes without one token's value vector (Mohebbi et al. 2023)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from glassbert.arguments import checked
from glassbert.errors import StoppedError
from glassbert.maps._measure import Measure
from glassbert.maps.results import TokenMaps
from glassbert.network.batches import floats_a_token, rows_that_join
from glassbert.network.blocks import (
    FUSED_FROM,
    Block,
    blocks,
    fused_attention,
    gates_off,
    has_fused_attention,
    run_layer,
    see_input,
)
from glassbert.network.device import work_threads
from glassbert.network.model import Model
from glassbert.network.run import Forward, batch, locked, many_passes, run
from glassbert.text.inputs import Text, encode

# Bytes of activations, and token rows, of one pass: for 512 tokens of a base-size model, five copies at a time.
_BYTES, _TOKEN_ROWS = 128 * 2**20, 4096
# float32 states that should be equal differ by about 1e-7 of their length, which is 1e-14 here.
_ROUNDING = 1e-12


@checked
def value_zeroing(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> TokenMaps:
    """How much a layer's output for *query* changes when the value vector of *key* is set to zero: (layer, query, key).

    For each layer and token t, the layer is run again on the text's own states with v_t = 0 in every head; queries,
    keys and weights stay. The number is 1 − cos(h_i, h_i without v_t) of the layer's output, each row divided by its
    sum, so rows sum to 1 (a row is zero if no value has an effect: in a layer whose heads are all off). Costs about
    2 + tokens forward passes, batched, less the projections, which are computed once; the model is not locked between
    batches. ``progress`` is called with (layers done, layers); an exception it raises ends the work. ``cancelled``
    is checked before every batch. Raises StoppedError, the TextErrors and UnsupportedModelError.
    """
    encoded = encode(model, text, pair)
    inputs = batch(model, [encoded])

    def work() -> Tensor:
        calls: dict[int, tuple[tuple[Any, ...], dict[str, Any]]] = {}

        def trace(forward: Forward) -> None:
            with see_input(model.network, "layer", lambda layer, *call: calls.update({layer: call})):
                forward.encoder()

        run(model, inputs, trace)
        rows = []
        for layer in range(model.layers):
            rows.append(_distances(model, layer, *calls.pop(layer), cancelled))
            if progress is not None:
                progress(layer + 1, model.layers)
        return torch.stack(rows)

    distances = many_passes(model, work)
    totals = distances.sum(dim=-1, keepdim=True)
    shares = distances / totals.where(totals > 0, 1)
    return TokenMaps.of(encoded, MEASURE.id, shares.numpy(), rows_sum_to_one=bool((totals > 0).all()))


def _distances(
    model: Model,
    layer: int,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    cancelled: Callable[[], bool] | None,
) -> Tensor:
    """(query, key): cosine distance between one layer's output with and without each token's value."""
    states, *rest = arguments
    tokens = states.shape[1]
    block = blocks(model.network)[layer]
    gates = gates_off(model.network, model.ablated_heads).get(layer)

    def without(zeroed: list[int]) -> Tensor:
        """(copy, query, hidden) in float64, with one token zeroed in each copy; none in copy −1."""
        copies = len(zeroed)

        def zero(values: Tensor) -> Tensor:
            values = values.expand(copies, -1, -1).clone()
            for copy, position in enumerate(zeroed):
                if position >= 0:
                    values[copy, position] = 0
            return values

        rows = states.expand(copies, -1, -1)
        with (
            torch.no_grad(),
            work_threads(copies * tokens),
            fused_attention(model.network, tokens),
            _projected_once(block, copies),
        ):
            output = run_layer(block, (rows, *rest), options, values=zero, gates=gates)
        return output.cpu().double()  # not every device supports float64

    whole, distances = torch.empty(0), []
    for zeroed in _chunks(model, tokens):
        if cancelled is not None and cancelled():
            raise StoppedError("value zeroing was cancelled; run it again to get its map")
        output = locked(model, lambda device: without(zeroed), ablated=False)  # noqa: B023
        if zeroed[0] < 0:
            whole, output = output[:1], output[1:]
        distances.append(1 - torch.cosine_similarity(output, whole, dim=-1))  # (key, query)
    found = torch.cat(distances).T
    return found.where(found > _ROUNDING, 0)


@contextmanager
def _projected_once(block: Block, copies: int) -> Iterator[None]:
    """A context in which this block projects only the first of equal copies; all use its queries, keys and values."""
    with ExitStack() as stack:
        for part in (block.query, block.key, block.value):
            first = part.register_forward_pre_hook(lambda module, inputs: (inputs[0][:1],))
            stack.callback(first.remove)
        for part in (block.query, block.key):
            dealt = part.register_forward_hook(lambda module, inputs, output: output.expand(copies, -1, -1))
            stack.callback(dealt.remove)
        yield


def _chunks(model: Model, tokens: int) -> list[list[int]]:
    """The tokens zeroed in each pass, one per copy of the text; −1, the very first, is an unmodified copy."""
    fused = has_fused_attention(model.network) and tokens >= FUSED_FROM
    floats = tokens * floats_a_token(model, 0 if fused else tokens)
    size = 1 + rows_that_join(model, tokens, min(_TOKEN_ROWS // tokens, _BYTES // (4 * floats)) - 1, maps=not fused)
    return [list(range(start, min(start + size, tokens))) for start in range(-1, tokens, size)]


MEASURE = Measure(
    id="value_zeroing",
    label="Value zeroing",
    paper="Mohebbi et al. 2023, arXiv:2301.12971",
    meaning="how much the layer's output changes direction when this token's value vector is zeroed, as a share over "
    "all tokens",
    cost=lambda tokens: 2 + tokens,  # the trace, then every layer again, unmodified and without each token
    rows_sum_to_one=True,
    needs_model=True,
    compute=lambda given: value_zeroing(given.model, given.text, given.pair),
)
