"""The only door to a forward pass: what it reads, on how many threads, and what becomes of it if memory runs out."""

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
    """A network that holds its inputs and waits to be called: whole, or without its task head.

    ``embeddings`` (input, token, dimension) stand in for the rows of the word-embedding table where they are given.
    Exists inside :meth:`Model.run` only: under the model's lock, on the device where the network is now.
    """

    model: Model
    inputs: Batch
    device: str
    embeddings: Tensor | None = None

    @property
    def rows(self) -> int:
        """How many inputs there are."""
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
    """``read(forward)`` without gradients; what it returns is moved to the CPU by ``read`` itself.

    Takes the model's lock, sets torch's threads by the ``token_rows`` of the work (None: those of the inputs), and does
    it once more on the CPU where a GPU runs out of memory.
    """

    def work(device: str) -> _T:
        with torch.no_grad(), work_threads(inputs.token_rows if token_rows is None else token_rows):
            return read(Forward(model, inputs, device))

    return model.run(work)


def many_passes(model: Model, work: Callable[[], _T], token_rows: int) -> _T:
    """``work()``, of passes that each take the lock, so that others get their turn in between.

    Threads by the ``token_rows`` of them all; done once more on the CPU where a GPU runs out of memory, as a backward
    pass can too.
    """

    def threaded() -> _T:
        with work_threads(token_rows):
            return work()

    return model.retry_on_cpu(threaded)
