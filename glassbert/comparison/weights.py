"""Attention of both sides, by word, and how much each head differs."""

from __future__ import annotations

from typing import Literal

import numpy as np

from glassbert.arguments import checked
from glassbert.comparison._sides import Sides, divergence_bits
from glassbert.comparison.results import AttentionDifference
from glassbert.errors import ComparisonError
from glassbert.maps.weights import attention
from glassbert.results import Array


@checked
def compare_attention(sides: Sides) -> AttentionDifference:
    """Attention by word, second − first, and each head's mean Jensen–Shannon divergence in bits.

    Pieces are merged into words: sums over the key pieces, means over the query pieces (Clark et al. 2019). Head h of
    layer l is compared with head h of layer l, which is meaningful for a model and its fine-tuned descendant or for two
    texts on one model; heads of models trained separately have no common order. One forward pass each. Raises
    ComparisonError if the numbers of layers or heads differ.
    """
    sizes = [(side.model.layers, side.model.attention_heads) for side in sides.both]
    if sizes[0] != sizes[1]:
        told = " and ".join(
            f"{side.model.source!r} has {layers} layers of {heads} heads"
            for side, (layers, heads) in zip(sides.both, sizes, strict=True)
        )
        raise ComparisonError(f"{told}: only models of the same shape can be compared head by head")
    first, second = (_by_row(sides, which) for which in (0, 1))
    # layer by layer: float64 copies of all weights of a long text would take gigabytes
    divergence = [divergence_bits(_rescaled(a), _rescaled(b)).mean(axis=-1) for a, b in zip(first, second, strict=True)]
    return AttentionDifference(
        alignment=sides.alignment, rows=sides.matched, values=second - first, divergence=np.asarray(divergence)
    )


def _by_row(sides: Sides, which: Literal[0, 1]) -> Array:
    """(layer, head, query, key) of one side over the rows that both have."""
    side, spans = sides.both[which], sides.spans(which)
    weights = attention(side.model, side.encoded).weights
    widths = np.diff(spans)[:, 0]
    there = np.flatnonzero(widths)
    starts = spans[there, 0]  # rows cover every token, in order
    summed = np.add.reduceat(weights, starts, axis=-1)
    merged = np.add.reduceat(summed, starts, axis=-2) / widths[there][:, None].astype(np.float32)
    kept = np.flatnonzero(np.isin(there, sides.matched))
    by_row: Array = merged[..., kept, :][..., kept]
    return by_row


def _rescaled(weights: Array) -> Array:
    totals = weights.sum(axis=-1, keepdims=True, dtype=np.float64)
    rescaled: Array = weights / np.where(totals > 0, totals, 1)
    return rescaled
