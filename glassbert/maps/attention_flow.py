"""Flow: attention weights as capacities, and the maximum flow to an input token (Abnar & Zuidema 2020)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from glassbert.arguments import checked
from glassbert.errors import LayerError, OptionError
from glassbert.maps._max_flow import max_flows, work
from glassbert.maps._measure import Measure, one_pass
from glassbert.maps.attention_rollout import with_residual
from glassbert.maps.results import AttentionMaps, TokenMaps

#: Maximum edges × (query, key) pairs per call, about half a minute on one core. All pairs and layers of 24 tokens in
#: 12 layers are 26 million, the row of one query at the top of 128 tokens in 12 layers 25 million.
MOST_WORK = 48_000_000


@checked
def flow(
    maps: AttentionMaps,
    *,
    layers: Sequence[int] | None = None,
    queries: Sequence[int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> TokenMaps:
    """The maximum flow from *query* after a layer down to input token *key*, (layer, query, key).

    The network has one node per token and layer, and edges of capacity Ã_l = rownorm(mean over heads of A_l + I), see
    :func:`rollout`. ``layers`` and ``queries`` choose some (None: all); ``progress`` is called with (layers done,
    layers). No forward pass, but much arithmetic: one maximum flow per pair, with (layer + 1) × tokens² edges each,
    bounded by ``MOST_WORK``. Exact up to rounding (1e-6), each number in [0, 1]. Rows do not sum to 1, because flows
    share edges. Raises OptionError for more than the bound, LayerError.
    """
    tokens = len(maps.encoded)
    chosen_layers = _chosen(layers, maps.layers, "layer", LayerError)
    chosen_queries = _chosen(queries, tokens, "query", OptionError)
    needed = sum(work(layer + 1, tokens, len(chosen_queries)) for layer in chosen_layers)
    if needed > MOST_WORK:
        raise OptionError(
            f"flow for {len(chosen_queries)} of {tokens} tokens after {len(chosen_layers)} layers is "
            f"{needed / MOST_WORK:.1f} times what one call computes: choose fewer with queries=[…] and layers=[…], or "
            "shorten the text"
        )
    capacities = with_residual(maps.mean())
    values = []
    for layer in chosen_layers:
        values.append(max_flows(capacities[: layer + 1], chosen_queries))
        if progress is not None:
            progress(len(values), len(chosen_layers))
    return TokenMaps.of(
        maps.encoded, MEASURE.id, np.stack(values), rows_sum_to_one=False, layers=chosen_layers, queries=chosen_queries
    )


def _chosen(wanted: Sequence[int] | None, count: int, name: str, error: type[Exception]) -> list[int]:
    if wanted is None:
        return list(range(count))
    chosen = sorted({int(index) for index in wanted})
    if not chosen:
        raise error(f"choose at least one {name}")
    if chosen[0] < 0 or chosen[-1] >= count:
        raise error(f"a {name} must be from 0 to {count - 1}; got {chosen[0] if chosen[0] < 0 else chosen[-1]}")
    return chosen


MEASURE = Measure(
    id="flow",
    label="Flow",
    paper="Abnar & Zuidema 2020, arXiv:2005.00928",
    meaning="the maximum flow between this input token and the other, with attention weights as capacities",
    cost=one_pass,
    rows_sum_to_one=False,
    needs_model=False,
    compute=lambda given: flow(given.weights),
)
