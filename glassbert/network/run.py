"""Run a network: padded inputs, the model's lock, the number of threads, and the fallback when memory runs out.

Every pass of a whole network or encoder goes through :class:`Forward`. What runs only a part of it, such as single
layers or a task head on states of an earlier pass, does so inside :func:`locked`.

What a pass needs from outside is asked for here too: an application whose users share a machine can have every pass
wait for its turn, or end a computation that nobody waits for any more (:func:`admitted`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from glassbert.errors import OptionError
from glassbert.network.batches import require_memory_for_pass
from glassbert.network.blocks import heads_off
from glassbert.network.device import work_threads
from glassbert.network.model import Model, padding_index
from glassbert.network.own_head import OwnNetwork
from glassbert.results import Encoded

__all__ = [
    "Admission",
    "Batch",
    "Forward",
    "admitted",
    "batch",
    "check_admission",
    "encoder_of",
    "final_norm",
    "forward_pass",
    "locked",
    "many_passes",
    "network_inputs",
    "run",
]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded inputs on the CPU, (input, token) each; moved to the device inside a forward pass."""

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor

    @property
    def token_rows(self) -> int:
        return self.input_ids.numel()

    def repeated(self, count: int) -> Batch:
        """``count`` copies of a single input, without copying it."""
        return Batch(*(one.expand(count, -1) for one in (self.input_ids, self.attention_mask, self.token_type_ids)))


def batch(model: Model, encoded: Sequence[Encoded]) -> Batch:
    """Stack inputs, padded on the right to the length of the longest. Raises OptionError for one with windows."""
    if any(len(item.windows) for item in encoded):
        raise OptionError(
            "this is only known of a text that the model reads at once, and this one is read in windows: pass one of "
            "them, encoded.window(number)"
        )
    length = max(len(item) for item in encoded)
    ids = torch.full((len(encoded), length), model.tokenizer.pad_token_id)
    mask = torch.zeros_like(ids)
    segments = torch.zeros_like(ids)
    for row, item in enumerate(encoded):
        ids[row, : len(item)] = torch.tensor(item.input_ids)
        mask[row, : len(item)] = torch.tensor(item.attention_mask)
        segments[row, : len(item)] = torch.tensor(item.token_type_ids)
    return Batch(ids, mask, segments)


@dataclass(frozen=True, slots=True, eq=False)
class Forward:
    """A network bound to its inputs, ready to be called: in full, or without its task head.

    ``embeddings`` (input, token, dimension), if given, replace the rows of the word-embedding table. Exists only inside
    :func:`forward_pass`: under the model's lock, on the network's current device.
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
        """The output of the stock network with its task head. Raises NotEnoughMemoryError."""
        self._ask(options)
        arguments = self._arguments
        if isinstance(self.model.network, OwnNetwork):  # its function is called with token ids, which give positions
            arguments["input_ids"] = self.inputs.input_ids.to(self.device)
            arguments.pop("position_ids", None)
        return self.model.network(**arguments, **options)

    def encoder(self, **options: Any) -> Any:
        """The output of the stock encoder alone. Raises NotEnoughMemoryError."""
        self._ask(options)
        return encoder_of(self.model)(**self._arguments, **options)

    def _ask(self, options: dict[str, Any]) -> None:
        if self.device == "cpu":  # a GPU that runs out of memory hands over to the CPU
            # embeddings without a gradient are those of a pass that is differentiated from its last layer on
            start = self.embeddings
            gradients = torch.is_grad_enabled() and start is not None and start.requires_grad
            attention = bool(options.get("output_attentions"))
            rows, tokens = self.inputs.input_ids.shape
            require_memory_for_pass(self.model, rows, tokens, gradients=gradients, attention=attention)

    @property
    def _arguments(self) -> dict[str, Tensor]:
        return network_inputs(self.model, self.inputs, self.device, self.embeddings)


def network_inputs(model: Model, inputs: Batch, device: str, embeddings: Tensor | None = None) -> dict[str, Tensor]:
    """The keyword arguments for a stock network; ``embeddings`` (input, token, dimension) replace the token ids."""
    arguments = {"attention_mask": inputs.attention_mask.to(device)}
    if embeddings is None and model.checkpoint.family.embeddings.trigrams and not inputs.attention_mask.all():
        # the last token of a text would read the embedding of padding, where there is nothing if it is alone
        rows = model.network.get_input_embeddings()(inputs.input_ids.to(device))
        embeddings = rows * arguments["attention_mask"][..., None].to(rows.dtype)
    if embeddings is None:
        arguments["input_ids"] = inputs.input_ids.to(device)
    else:
        arguments["inputs_embeds"] = embeddings
        if model.checkpoint.family.positions_after_padding:
            arguments["position_ids"] = _positions(inputs.input_ids, padding_index(model.network)).to(device)
    if model.uses_segments:
        arguments["token_type_ids"] = inputs.token_type_ids.to(device)
    return arguments


def _positions(input_ids: Tensor, padding: int) -> Tensor:
    """The positions that the stock network derives from token ids, (input, token).

    They count the tokens that are not padding, and padding has a position of its own. From embeddings alone the network
    cannot tell them apart, and would count a padding token that stands in the text.
    """
    counted = input_ids != padding
    return counted.cumsum(dim=1) * counted + padding


def encoder_of(model: Model) -> Any:
    """The stock encoder inside the task network."""
    return model.network.base_model


def final_norm(model: Model) -> Any:
    """The LayerNorm between the last layer and the last hidden state; None if there is none."""
    path = model.checkpoint.family.final_norm
    return None if path is None else encoder_of(model).get_submodule(path)


def run(model: Model, inputs: Batch, read: Callable[[Forward], _T], *, token_rows: int | None = None) -> _T:
    """``read(forward)`` without gradients; ``read`` itself moves what it returns to the CPU.

    Sets torch's threads from the ``token_rows`` of the work (None: those of the inputs); otherwise as `forward_pass`.
    """
    with torch.no_grad(), work_threads(inputs.token_rows if token_rows is None else token_rows):
        return forward_pass(model, inputs, read)


def forward_pass(model: Model, inputs: Batch, read: Callable[[Forward], _T], *, embeddings: Tensor | None = None) -> _T:
    """``read(forward)`` with the caller's threads and gradient mode; otherwise as `locked`."""

    def work(device: str) -> _T:
        rows = None if embeddings is None else embeddings.to(device, model.network.dtype)
        return read(Forward(model, inputs, device, rows))

    return locked(model, work)


#: Asked before each pass of the current thread.
Admission = Callable[[], AbstractContextManager[None]]
_admission: ContextVar[Admission | None] = ContextVar("admission", default=None)


@contextmanager
def admitted(by: Admission) -> Iterator[None]:
    """A context in which every pass of this thread runs inside ``by()``, which may wait, or raise StoppedError.

    A pass within a pass is not asked for again.
    """
    token = _admission.set(by)
    try:
        yield
    finally:
        _admission.reset(token)


def check_admission() -> None:
    """For loops between passes that take seconds on their own: wait for a turn, or raise StoppedError."""
    by = _admission.get()
    if by is not None:
        with by():
            pass


@contextmanager
def _in_turn() -> Iterator[None]:
    by = _admission.get()
    if by is None:
        yield
        return
    with by():
        token = _admission.set(None)
        try:
            yield
        finally:
            _admission.reset(token)


def locked(model: Model, work: Callable[[str], _T], *, ablated: bool = True) -> _T:
    """``work(device)`` under the model's lock; repeated on the CPU if the GPU runs out of memory.

    ``ablated=False`` for work that runs single layers: the hooks of ablated heads expect whole passes.
    """

    def once() -> _T:
        if not (ablated and model.ablated_heads):
            return work(model.device)
        with heads_off(model.network, model.ablated_heads):
            return work(model.device)

    with _in_turn(), model.lock:
        return _retried(model, once)


def many_passes(model: Model, work: Callable[[], _T], token_rows: int | None = None) -> _T:
    """``work()``, whose passes each take the lock, so that other threads can run in between.

    Sets torch's threads from the ``token_rows`` of all passes together (None: each pass sets its own), and repeats the
    work on the CPU if a GPU runs out of memory, which can also happen in a backward pass.
    """

    def threaded() -> _T:
        with nullcontext() if token_rows is None else work_threads(token_rows):
            return work()

    return _retried(model, threaded)


def _retried(model: Model, work: Callable[[], _T]) -> _T:
    """``work()``, repeated on the CPU if the GPU runs out of memory."""
    device = model.device
    try:
        return work()
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) and device != "cpu":
            _move_to_cpu(model)
        elif model.device == device:
            raise
        # else another thread moved the network between this work's forward and backward pass
    return work()


def _move_to_cpu(model: Model) -> None:
    with model.lock:
        left = model.device
        if left == "cpu":
            return
        model.network.to("cpu")
        model.placement.device = "cpu"
        model.placement.notice = (
            f"{left} ran out of memory, so this model now runs on the CPU: slower, with the same results"
        )
    if left.startswith("cuda"):
        torch.cuda.empty_cache()
