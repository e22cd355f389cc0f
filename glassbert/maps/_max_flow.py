"""Maximum flow in a layered graph, for many (source, sink) pairs at once.

Push-relabel (Goldberg & Tarjan 1988) with exact distance labels: in each round the labels are the residual distances to
the sink, then every layer from the top to the bottom pushes its excess along edges that lead one step closer. Rounds
are repeated until no excess can reach the sink; what has arrived there is the maximum flow. Each step works on a whole
layer of all pairs, in numpy; finished pairs are dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassbert.network.run import check_admission
from glassbert.results import Array

# Residual capacity and excess below this count as zero; capacities are at most 1, so the flow's error is below 1e-6.
_NOTHING = 1e-10
_FAR = 2**14
# Numbers in the largest array of one chunk of pairs: 4 MB, about the size of a core's cache.
_CHUNK = 500_000


def work(depth: int, tokens: int, sources: int) -> int:
    """Edges × pairs of :func:`max_flows`."""
    return depth * tokens * tokens * sources * tokens


def max_flows(capacities: Array, sources: Sequence[int]) -> Array:
    """From each source at the top to every node at the bottom: (depth, upper, lower) → (source, lower)."""
    depth, tokens, _ = capacities.shape
    pairs = [(source, sink) for source in sources for sink in range(tokens)]
    size = max(1, _CHUNK // (depth * tokens * tokens))
    flows = []
    for start in range(0, len(pairs), size):
        check_admission()
        flows.append(_chunk(capacities, pairs[start : start + size]))
    return np.concatenate(flows).reshape(len(sources), tokens)


def _chunk(capacities: Array, pairs: Sequence[tuple[int, int]]) -> Array:
    depth, tokens, _ = capacities.shape
    source, sink = np.asarray(pairs).T
    # edge layer l joins node layer l + 1 (rows) to node layer l (columns)
    down = np.repeat(capacities[None], len(pairs), axis=0)  # (pair, edge layer, upper, lower), residual capacity
    up = np.zeros_like(down)  # the current flow, which can be pushed back
    excess = np.zeros((len(pairs), depth + 1, tokens))
    pair = np.arange(len(pairs))
    excess[pair, depth, source] = 1.0  # rows of capacities sum to 1: no more can leave the source
    flows = np.zeros(len(pairs))
    while True:
        distance = _distances(down, up, sink)
        waiting = (excess > _NOTHING) & (distance < _FAR)
        waiting[np.arange(len(sink)), 0, sink] = False  # has arrived at the sink
        going = waiting.any(axis=(1, 2))
        done = ~going
        flows[pair[done]] = excess[done, 0, sink[done]]
        if not going.any():
            return flows
        if done.mean() > 0.25:
            waiting = waiting[going]
            pair, sink, distance = pair[going], sink[going], distance[going]
            down, up, excess = down[going], up[going], excess[going]
        steps = distance[waiting]
        for step in range(int(steps.max()), 0, -1):
            for layer in range(step % 2, min(step, depth) + 1, 2):  # a path's length and its layer have the same parity
                _push(down, up, excess, distance, layer, step)


def _distances(down: Array, up: Array, sink: Array) -> Array:
    """Steps to the sink along edges with residual capacity, (pair, node layer, node); _FAR if there is no path."""
    pairs, depth, tokens, _ = down.shape
    distance = np.full((pairs, depth + 1, tokens), _FAR, dtype=np.int16)
    distance[np.arange(pairs), 0, sink] = 0
    has_room, runs = down > _NOTHING, up > _NOTHING
    far = np.int16(_FAR)
    changed = True
    while changed:
        before = distance.copy()
        for layer in range(1, depth + 1):
            ways = np.where(has_room[:, layer - 1], distance[:, layer - 1, None, :], far).min(axis=2) + 1
            np.minimum(distance[:, layer], ways, out=distance[:, layer])
        for layer in range(depth - 1, -1, -1):
            ways = np.where(runs[:, layer], distance[:, layer + 1, :, None], far).min(axis=1) + 1
            np.minimum(distance[:, layer], ways, out=distance[:, layer])
        changed = bool((before != distance).any())
    return distance


def _push(down: Array, up: Array, excess: Array, distance: Array, layer: int, step: int) -> None:
    """Push the excess of a layer's nodes that are ``step`` steps from the sink along edges to nodes one step closer."""
    pair, node = np.nonzero((excess[:, layer] > _NOTHING) & (distance[:, layer] == step))
    if layer > 0 and len(pair):
        closer = distance[pair, layer - 1] == step - 1  # (node with excess, other node)
        moved = _fill(excess[pair, layer, node], np.where(closer, down[pair, layer - 1, node], 0))
        down[pair, layer - 1, node] -= moved
        up[pair, layer - 1, node] += moved
        excess[pair, layer, node] -= moved.sum(axis=1)
        np.add.at(excess[:, layer - 1], pair, moved)
    if layer < down.shape[1] and len(pair):
        closer = distance[pair, layer + 1] == step - 1
        moved = _fill(excess[pair, layer, node], np.where(closer, up[pair, layer, :, node], 0))
        up[pair, layer, :, node] -= moved
        down[pair, layer, :, node] += moved
        excess[pair, layer, node] -= moved.sum(axis=1)
        np.add.at(excess[:, layer + 1], pair, moved)


def _fill(amounts: Array, room: Array) -> Array:
    """Distribute each amount over its edges, from the first to the last: (n,), (n, edge) → (n, edge)."""
    before = np.cumsum(room, axis=1) - room
    filled: Array = np.clip(amounts[:, None] - before, 0, room)
    return filled
