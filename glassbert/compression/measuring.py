"""Size and speed: bytes on disk and in memory, and the time of two models measured alternately."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from glassbert.network.batches import batches
from glassbert.network.device import one_thread
from glassbert.network.model import Model
from glassbert.network.task_heads import task_logits
from glassbert.results import Array, Encoded

__all__ = ["memory_bytes", "seconds_of", "weights_bytes"]

#: Seconds that a pair of models is timed at one number of texts, and the fewest and the most rounds in them.
_SECONDS, _FEWEST, _MOST = 1.0, 5, 40


def weights_bytes(model: Model) -> int:
    """The bytes of all weights and buffers in memory; what two of them share counts once."""
    tensors = (*model.network.parameters(), *model.network.buffers())
    storages = {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in tensors}
    return sum(storages.values())


def memory_bytes(model: Model, encoded: Sequence[Encoded]) -> int:
    """Weights and, on top, the most bytes of states that are alive at once in a pass of all these inputs."""
    alive = _Alive((*model.network.parameters(), *model.network.buffers()))
    with alive:
        task_logits(model, list(encoded), "classification")
    return weights_bytes(model) + alive.most


class _Alive(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the tensors that operations give while they are alive; those of the model are left out."""

    def __init__(self, own: Sequence[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = 0
        self._own = {one.untyped_storage()._cdata for one in own}
        self._alive: dict[int, tuple[Any, int]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = func(*args, **(kwargs or {}))
        self._alive = {place: one for place, one in self._alive.items() if not one[0].expired()}
        for tensor in tree_leaves(given):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                if storage._cdata not in self._own:
                    self._alive[storage._cdata] = _weak(storage), storage.nbytes()
        self.most = max(self.most, sum(size for _, size in self._alive.values()))
        return given


def _weak(storage: Any) -> Any:
    return StorageWeakRef(storage)  # type: ignore[no-untyped-call]


def seconds_of(
    models: tuple[Model, Model], encoded: tuple[Sequence[Encoded], Sequence[Encoded]], check: Callable[[], None]
) -> Array:
    """(round, model): seconds of one pass of the inputs of each model, measured in turn, after one that is not. On a
    CPU in one thread."""
    rounds: list[tuple[float, float]] = []
    start = time.perf_counter()
    while len(rounds) < 1 + _FEWEST or (len(rounds) < _MOST and time.perf_counter() - start < _SECONDS):
        check()
        found = [0.0, 0.0]
        with one_thread():
            for place in (0, 1) if len(rounds) % 2 else (1, 0):
                found[place] = _seconds(models[place], encoded[place])
        rounds.append((found[0], found[1]))
    return np.asarray(rounds[1:])


def _seconds(model: Model, encoded: Sequence[Encoded]) -> float:
    start = time.perf_counter()
    for chosen in batches(model, [len(one) for one in encoded]):
        task_logits(model, [encoded[number] for number in chosen], "classification")  # its result is on the CPU
    return time.perf_counter() - start
