"""Maximum flow in a layered graph, for many (source, sink) pairs at once.

Push-relabel (Goldberg & Tarjan 1988) with exact distance labels: in each round the labels are the residual distances to
the sink, then every layer from the top to the bottom pushes its excess along edges that lead one step closer. Rounds
are repeated until no excess can reach the sink any more; then what has arrived there is the maximum flow. Each step
works on a whole layer of every pair, in numpy; pairs that are done drop out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassbert.results import Array

# Residual capacity and excess below this count as none; capacities are at most 1, so the flow is off by less than 1e-6.
_NOTHING = 1e-10
_FAR = 2**30
# Numbers in the largest array of one chunk of pairs: 16 MB.
_CHUNK = 2_000_000


def work(depth: int, tokens: int, sources: int) -> int:
    """Edges × pairs of :func:`max_flows`."""
    return depth * tokens * tokens * sources * tokens


def max_flows(capacities: Array, sources: Sequence[int]) -> Array:
    """From each source at the top to every node at the bottom: (depth, upper, lower) → (source, lower)."""
    depth, tokens, _ = capacities.shape
    pairs = [(source, sink) for source in sources for sink in range(tokens)]
    size = max(1, _CHUNK // (depth * tokens * tokens))
    flows = [_chunk(capacities, pairs[start : start + size]) for start in range(0, len(pairs), size)]
    return np.concatenate(flows).reshape(len(sources), tokens)


def _chunk(capacities: Array, pairs: Sequence[tuple[int, int]]) -> Array:
    depth, tokens, _ = capacities.shape
    source, sink = np.asarray(pairs).T
    # edge layer l joins node layer l + 1 (rows) to node layer l (columns)
    down = np.repeat(capacities[None], len(pairs), axis=0)  # (pair, edge layer, upper, lower), room left
    up = np.zeros_like(down)  # what runs already, and can be taken back
    excess = np.zeros((len(pairs), depth + 1, tokens))
    pair = np.arange(len(pairs))
    excess[pair, depth, source] = 1.0  # rows of capacities sum to 1: no more can leave the source
    flows = np.zeros(len(pairs))
    while True:
        distance = _distances(down, up, sink)
        waiting = (excess > _NOTHING) & (distance < _FAR)
        waiting[np.arange(len(sink)), 0, sink] = False  # it has arrived
        going = waiting.any(axis=(1, 2))
        done = ~going
        flows[pair[done]] = excess[done, 0, sink[done]]
        if not going.any():
            return flows
        if done.any():
            pair, sink, distance = pair[going], sink[going], distance[going]
            down, up, excess = down[going], up[going], excess[going]
        for layer in range(depth, -1, -1):
            _push(down, up, excess, distance, layer, sink)


def _distances(down: Array, up: Array, sink: Array) -> Array:
    """Steps to the sink along edges with room, (pair, node layer, node); _FAR where there is no way."""
    pairs, depth, tokens, _ = down.shape
    distance = np.full((pairs, depth + 1, tokens), _FAR, dtype=np.int32)
    distance[np.arange(pairs), 0, sink] = 0
    has_room, runs = down > _NOTHING, up > _NOTHING
    changed = True
    while changed:
        before = distance.copy()
        for layer in range(1, depth + 1):
            ways = np.where(has_room[:, layer - 1], distance[:, layer - 1, None, :], _FAR).min(axis=2) + 1
            np.minimum(distance[:, layer], ways, out=distance[:, layer])
        for layer in range(depth - 1, -1, -1):
            ways = np.where(runs[:, layer], distance[:, layer + 1, :, None], _FAR).min(axis=1) + 1
            np.minimum(distance[:, layer], ways, out=distance[:, layer])
        changed = bool((before != distance).any())
    return distance


def _push(down: Array, up: Array, excess: Array, distance: Array, layer: int, sink: Array) -> None:
    """Move the excess of one node layer along edges that lead a step closer to the sink, first come first served."""
    mine = excess[:, layer].copy()
    if layer == 0:
        mine[np.arange(len(sink)), sink] = 0  # what has arrived stays
    here = distance[:, layer, :, None]
    if layer > 0:
        edges = down[:, layer - 1]  # (pair, here, below)
        moved = _fill(mine, np.where(here == distance[:, layer - 1, None, :] + 1, edges, 0))
        edges -= moved
        up[:, layer - 1] += moved
        excess[:, layer - 1] += moved.sum(axis=1)
        excess[:, layer] -= moved.sum(axis=2)
        mine -= moved.sum(axis=2)
    if layer < down.shape[1]:
        edges = up[:, layer].swapaxes(1, 2)  # (pair, here, above)
        moved = _fill(mine, np.where(here == distance[:, layer + 1, None, :] + 1, edges, 0))
        edges -= moved
        down[:, layer] += moved.swapaxes(1, 2)
        excess[:, layer + 1] += moved.sum(axis=1)
        excess[:, layer] -= moved.sum(axis=2)


def _fill(amount: Array, room: Array) -> Array:
    """Share out each amount over its edges from the first to the last: (pair, node), (pair, node, edge) → like room."""
    before = np.cumsum(room, axis=2) - room
    filled: Array = np.clip(amount[:, :, None] - before, 0, room)
    return filled
