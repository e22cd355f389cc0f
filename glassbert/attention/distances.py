"""How alike heads are: Jensen-Shannon distances between their attention, and a picture of them (Clark et al. 2019)."""

from __future__ import annotations

import numpy as np

from glassbert.head_results import HeadDistances
from glassbert.maps import AttentionMaps
from glassbert.results import Array

#: Rows of longer texts are sampled evenly down to this many: the cost is heads² × rows × tokens.
MOST_ROWS = 64


def head_distances(maps: AttentionMaps) -> HeadDistances:
    """√ of the mean over queries of the Jensen-Shannon divergence (base 2) between two heads' rows, in [0, 1].

    The root of a mean of these divergences is a Euclidean distance, so classical scaling (Torgerson 1952) gives its
    best picture in two dimensions. Deterministic: axes are turned so that the head farthest out on each is on the
    positive side. Texts over ``MOST_ROWS`` tokens use that many evenly spaced queries. No forward pass.
    """
    tokens = len(maps.encoded)
    queries = np.unique(np.linspace(0, tokens - 1, min(tokens, MOST_ROWS)).round().astype(int))
    rows = maps.weights[:, :, queries].reshape(maps.layers * maps.heads, -1).astype(np.float64)
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
    """Σ over rows of JS(p, q) = H((p + q) / 2) − (H(p) + H(q)) / 2 in bits: (head, n) → (head, head)."""
    own = _entropy(rows)
    sums = np.zeros((len(rows), len(rows)))
    for head in range(len(rows) - 1):
        mixed = _entropy((rows[head + 1 :] + rows[head]) / 2)
        sums[head, head + 1 :] = mixed - (own[head + 1 :] + own[head]) / 2
    return np.maximum(sums + sums.T, 0)


def _entropy(rows: Array) -> Array:
    logs = np.log2(rows, out=np.zeros_like(rows), where=rows > 0)
    total: Array = -np.einsum("hn,hn->h", rows, logs)
    return total


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
