"""Training one model with several CPU workers: asynchronous averaging of weights (local SGD; Stich 2019).

Each worker is a process with one thread, its own copy of the model and its own optimiser. Every few steps it
publishes its weights in shared memory and averages them with the newest weights that the others have published. No
worker waits for another, so a busy core slows down its own worker only. The price: which weights are averaged depends
on timing, so a run with several workers cannot be repeated bit for bit.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

__all__ = ["WeightExchange", "flatten", "unflatten"]


def flatten(parameters: Iterable[torch.Tensor]) -> torch.Tensor:
    """All parameters in one vector, (weight,)."""
    return torch.cat([parameter.detach().reshape(-1) for parameter in parameters])


def unflatten(weights: torch.Tensor, parameters: Iterable[torch.Tensor]) -> None:
    """Write a vector made by `flatten` back into the parameters."""
    start = 0
    with torch.no_grad():
        for parameter in parameters:
            end = start + parameter.numel()
            parameter.copy_(weights[start:end].view_as(parameter))
            start = end


@dataclass(frozen=True, slots=True, eq=False)
class WeightExchange:
    """Shared memory of all workers: the newest weights of each, how often it published, whether it is done."""

    published: torch.Tensor  # (worker, weight)
    versions: torch.Tensor  # (worker,)
    finished: torch.Tensor  # (worker,)

    @classmethod
    def create(cls, workers: int, weights: int) -> WeightExchange:
        """Shared memory for ``workers`` copies of ``weights`` weights."""
        return cls(
            published=torch.zeros(workers, weights).share_memory_(),
            versions=torch.zeros(workers, dtype=torch.int64).share_memory_(),
            finished=torch.zeros(workers, dtype=torch.bool).share_memory_(),
        )

    def average(self, worker: int, parameters: Sequence[torch.Tensor], seen: Sequence[int]) -> tuple[int, ...]:
        """Average ``parameters`` with the weights that others published since ``seen``, and publish the result.

        ``seen`` is the version of each worker's weights that was used last; returns its next value.
        """
        weights = flatten(parameters)
        newest = list(seen)
        met = 1
        for other, version in enumerate(self.versions.tolist()):
            if other != worker and version > seen[other]:
                weights += self.published[other]
                newest[other] = version
                met += 1
        if met > 1:
            weights /= met
            unflatten(weights, parameters)
        self._publish(worker, weights)
        return tuple(newest)

    def finish(self, worker: int, parameters: Sequence[torch.Tensor]) -> None:
        """Publish a worker's last weights."""
        self._publish(worker, flatten(parameters))
        self.finished[worker] = True

    def final_mean(self, parameters: Sequence[torch.Tensor]) -> None:
        """Wait until every worker has finished, then set ``parameters`` to the mean of all."""
        while not bool(self.finished.all()):
            time.sleep(0.2)
        unflatten(self.published.mean(0), parameters)

    def _publish(self, worker: int, weights: torch.Tensor) -> None:
        self.published[worker].copy_(weights)
        self.versions[worker] += 1
