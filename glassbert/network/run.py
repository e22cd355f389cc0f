"""The only entry point for forward passes: inputs, number of threads, and the fallback when memory runs out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from glassbert.network.device import work_threads
from glassbert.network.model import Batch, Model, encoder_of, network_inputs

__all__ = ["Forward", "many_passes", "run"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, eq=False)
class Forward:
    """A network bound to its inputs, ready to be called: in full, or without its task head.

    ``embeddings`` (input, token, dimension), if given, replace the rows of the word-embedding table. Exists only inside
    :meth:`Model.run`: under the model's lock, on the network's current device.
    """

    model: Model
    inputs: Batch
    device: str
    embeddings: Tensor | None = None

    @property
    def rows(self) -> int:
        """The number of inputs."""
        return len(self.inputs.input_ids)

    def network(self, **options: Any) -> Any:
        """The output of the stock network with its task head."""
        return self.model.network(**self._arguments, **options)

    def encoder(self, **options: Any) -> Any:
        """The output of the stock encoder alone."""
        return encoder_of(self.model)(**self._arguments, **options)

    @property
    def _arguments(self) -> dict[str, Tensor]:
        return network_inputs(self.model, self.inputs, self.device, self.embeddings)


def run(model: Model, inputs: Batch, read: Callable[[Forward], _T], *, token_rows: int | None = None) -> _T:
    """``read(forward)`` without gradients; ``read`` itself moves what it returns to the CPU.

    Takes the model's lock, sets torch's threads from the ``token_rows`` of the work (None: those of the inputs), and
    repeats it on the CPU if a GPU runs out of memory.
    """

    def work(device: str) -> _T:
        with torch.no_grad(), work_threads(inputs.token_rows if token_rows is None else token_rows):
            return read(Forward(model, inputs, device))

    return model.run(work)


def many_passes(model: Model, work: Callable[[], _T], token_rows: int) -> _T:
    """``work()``, whose passes each take the lock, so that other threads can run in between.

    Sets torch's threads from the ``token_rows`` of all passes together, and repeats the work on the CPU if a GPU runs
    out of memory, which can also happen in a backward pass.
    """

    def threaded() -> _T:
        with work_threads(token_rows):
            return work()

    return model.retry_on_cpu(threaded)
