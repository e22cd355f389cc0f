"""Attention weights of all heads as small 8-bit pictures, for the app's map of heads and for `maps.heads_svg`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from glassbert.pictures.palette import SIGNED_ZERO

__all__ = ["difference_levels", "weight_levels"]


def weight_levels(weights: npt.NDArray[Any], side: int) -> npt.NDArray[np.uint8]:
    """Levels (layer, head, row, column), 255·√weight, of weights (layer, head, query, key), each row summing to 1.

    Up to ``side`` tokens a pixel is a weight; beyond, it is the largest weight of a block: the mean would dim a
    one-token diagonal to 1/16 at 512 tokens, and these thin lines distinguish heads. The square root is
    taken before rounding, so that the 256 levels are dense where weights are small. Raises ValueError for
    a wrong shape or for values that are not weights.
    """
    if weights.ndim != 4 or 0 in weights.shape:
        raise ValueError(f"weights have shape {weights.shape}: pass (layer, head, query, key), none of them empty")
    pooled = _block_max(_block_max(weights, 2, side), 3, side).astype(np.float32, copy=False)
    if not np.isfinite(pooled).all() or pooled.max() > 1.001 or pooled.min() < 0:
        raise ValueError("attention weights must be finite and between 0 and 1")
    pixels: npt.NDArray[np.uint8] = np.rint(255 * np.sqrt(np.minimum(pooled, 1))).astype(np.uint8)
    pixels.flags.writeable = False
    return pixels


def difference_levels(differences: npt.NDArray[Any], side: int) -> npt.NDArray[np.uint8]:
    """Levels, 128 ± 127·√|difference|, of differences of weights (layer, head, query, key), from −1 to 1.

    As :func:`weight_levels`, with zero in the middle and one scale for all, so zero differences are invisible. A block
    shows its difference of the largest magnitude. Raises ValueError for a wrong shape or for other values.
    """
    if differences.ndim != 4 or 0 in differences.shape:
        raise ValueError(f"differences have shape {differences.shape}: pass (layer, head, query, key), none empty")
    up, down = (_block_max(_block_max(values, 2, side), 3, side) for values in (differences, -differences))
    pooled = np.where(up >= down, up, -down).astype(np.float32, copy=False)
    if not np.isfinite(pooled).all() or np.abs(pooled).max() > 1.001:
        raise ValueError("differences of attention weights must be finite and between −1 and 1")
    roots = np.sign(pooled) * np.sqrt(np.minimum(np.abs(pooled), 1))
    pixels: npt.NDArray[np.uint8] = np.rint(SIGNED_ZERO + (255 - SIGNED_ZERO) * roots).astype(np.uint8)
    pixels.flags.writeable = False
    return pixels


def _block_max(values: npt.NDArray[Any], axis: int, side: int) -> npt.NDArray[Any]:
    """The maximum over up to ``side`` blocks of nearly equal length along an axis.

    Block by block rather than by one reshape: no padding for odd lengths, no copy of the whole, and the
    inner loop runs over contiguous memory.
    """
    length = values.shape[axis]
    if length <= side:
        return values
    edges = [i * length // side for i in range(side + 1)]
    blocks_first = np.moveaxis(values, axis, 0)
    maxima = [blocks_first[start:stop].max(axis=0) for start, stop in pairwise(edges)]
    return np.stack(maxima, axis=axis)
