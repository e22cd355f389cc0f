"""Do the weights of a model differ from random numbers?"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from glassbert.network.model import Model

__all__ = ["spectral_ratio"]

# Matrices that are looked at, evenly spread over the network, and steps of the power iteration: 0.2 s for a BERT-base.
_MOST_MATRICES, _STEPS = 12, 12
# Smaller matrices are too small for the limit of a random one.
_SMALLEST_SIDE = 16
_known: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
_lock = threading.Lock()


def spectral_ratio(model: Model) -> float | None:
    """The median over weight matrices of s₁ / (σ(√rows + √columns)); about 1 for random numbers, None without matrices.

    s₁ is the largest singular value of the matrix less its mean, by power iteration, which never overestimates it; σ is
    the standard deviation of its entries. Computed once per network.
    """
    with _lock:
        if model.network not in _known:
            with model.lock, torch.no_grad():
                ratios = [_ratio(matrix) for matrix in _matrices(model)]
            _known[model.network] = float(np.median(ratios)) if ratios else np.nan
        found = _known[model.network]
    return None if np.isnan(found) else found


def _matrices(model: Model) -> Iterator[Tensor]:
    """Weight matrices of the layers; a table of embeddings has a row per word instead of a random direction."""
    tables = {id(module.weight) for module in model.network.modules() if isinstance(module, torch.nn.Embedding)}
    found = [
        weight
        for weight in model.network.base_model.parameters()
        if weight.ndim == 2 and min(weight.shape) >= _SMALLEST_SIDE and id(weight) not in tables
    ]
    for place in np.unique(np.linspace(0, len(found) - 1, min(len(found), _MOST_MATRICES)).round().astype(int)):
        yield found[place]


def _ratio(weight: Tensor) -> float:
    matrix = weight.detach().float()
    matrix = matrix - matrix.mean()
    spread = float(matrix.std())
    if not spread > 0:
        return 1.0  # constant: nothing was learned
    vector = torch.randn(matrix.shape[1], generator=torch.Generator().manual_seed(0)).to(matrix.device)
    for _ in range(_STEPS):
        vector = matrix.T @ (matrix @ (vector / vector.norm()))
    largest = float((matrix @ (vector / vector.norm())).norm())
    rows, columns = matrix.shape
    return largest / (spread * float(np.sqrt(rows) + np.sqrt(columns)))
