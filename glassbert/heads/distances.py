"""Similarity of heads: Jensen-Shannon distances between their attention, and a 2-D map (Clark et al. 2019)."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassbert.arguments import checked
from glassbert.heads.results import HeadDistances
from glassbert.maps.results import AttentionMaps
from glassbert.results import Array

#: Rows of longer texts are sampled evenly down to this many: the cost is heads² × rows × tokens.
MOST_ROWS = 64

_BLOCK = 4096  # numbers of each head at a time
_EXACT = 8192  # numbers of each head up to which float64 costs nothing
_TINY = 1e-38


@checked
def head_distances(maps: AttentionMaps) -> HeadDistances:
    """√ of the mean over queries of the Jensen-Shannon divergence (base 2) between two heads' rows, in [0, 1].

    The root of a mean of these divergences is a Euclidean distance, so classical scaling (Torgerson 1952) gives its
    best projection to two dimensions. Deterministic: axes are oriented so that the head farthest out on each is on the
    positive side. Texts of more than ``MOST_ROWS`` tokens use that many evenly spaced queries. No forward pass.
    """
    tokens = len(maps.encoded)
    queries = np.unique(np.linspace(0, tokens - 1, min(tokens, MOST_ROWS)).round().astype(int))
    rows = maps.weights[:, :, queries].reshape(maps.layers * maps.heads, -1)
    distances = np.sqrt(_divergences(rows) / len(queries))
    positions, explained = _picture(distances)
    layer, head = (index.ravel() for index in np.indices((maps.layers, maps.heads)))
    return HeadDistances(
        encoded=maps.encoded,
        layers=layer,
        heads=head,
        distances=distances,
        positions=positions,
        explained=explained,
        rows_used=len(queries),
    )


def _divergences(rows: Array) -> Array:
    """Σ over rows of JS(p, q) = H((p + q) / 2) − (H(p) + H(q)) / 2 in bits: (head, n) → (head, head).

    With s = p + q, H(s / 2) = Σ s/2 − ½ Σ s log₂ s. Block by block, each small enough for the processor's cache; long
    texts in float32, which takes less than half the time and moves a distance by about 1e-6 (by up to 1e-3 between
    heads that are all but equal, where the terms cancel).
    """
    heads, count = rows.shape
    kind: Any = np.float64 if count <= _EXACT else np.float32
    own, sums = np.zeros(heads), np.zeros((heads, heads))
    both, logs = np.empty((heads, _BLOCK), kind), np.empty((heads, _BLOCK), kind)
    for start in range(0, count, _BLOCK):
        block = rows[:, start : start + _BLOCK].astype(kind) + kind(_TINY)  # no logarithm of 0
        width = block.shape[1]
        own -= np.einsum("hn,hn->h", block, np.log2(block))
        for head in range(heads - 1):
            mixed, log = both[: heads - head - 1, :width], logs[: heads - head - 1, :width]
            np.add(block[head + 1 :], block[head], out=mixed)
            np.log2(mixed, out=log)
            sums[head, head + 1 :] -= np.einsum("hn,hn->h", mixed, log) / 2
    totals = rows.sum(axis=1, dtype=np.float64)
    divergences = np.triu(sums + (totals[:, None] + totals - own[:, None] - own) / 2, k=1)
    found: Array = np.maximum(divergences + divergences.T, 0)
    return found


def _picture(distances: Array) -> tuple[Array, float]:
    """Classical scaling: the two largest axes of the doubly centred −D²/2, and the share of its trace they hold."""
    squared = distances**2
    centred = -0.5 * (squared - squared.mean(axis=0) - squared.mean(axis=1)[:, None] + squared.mean())
    values, vectors = np.linalg.eigh(centred)
    order = np.argsort(-values)[:2]
    axes = vectors[:, order] * np.sqrt(np.maximum(values[order], 0))
    farthest = axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])]
    axes = axes * np.where(farthest < 0, -1, 1)
    positions = np.zeros((len(distances), 2))
    positions[:, : axes.shape[1]] = axes
    total = float(np.maximum(values, 0).sum())
    return positions, float(np.maximum(values[order], 0).sum() / total) if total > 0 else 1.0
