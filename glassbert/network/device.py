"""Where the network runs: the available devices, and the number of threads for a computation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

from glassbert.errors import DeviceError

__all__ = ["available_devices", "choose_device", "device_label", "limit_threads", "one_thread", "work_threads"]

# Below this many token rows, a second thread costs more in waiting than it saves; far more on a busy machine.
_ROWS_WORTH_THREADS = 256
_MAX_THREADS = 8
_most_threads = _MAX_THREADS
_one_thread: ContextVar[bool] = ContextVar("one_thread", default=False)


def available_devices() -> tuple[str, ...]:
    """The ids of the devices on this machine, the fastest first, always ending with "cpu"."""
    cuda = tuple(f"cuda:{index}" for index in range(torch.cuda.device_count())) if torch.cuda.is_available() else ()
    mps = ("mps",) if torch.backends.mps.is_available() else ()
    return (*cuda, *mps, "cpu")


def choose_device(device: str = "auto") -> str:
    """The id of an available device: "auto" prefers CUDA, then MPS, then the CPU. Raises DeviceError."""
    valid = available_devices()
    if device == "auto":
        return valid[0]
    wanted = "cuda:0" if device == "cuda" else device
    if wanted not in valid:
        raise DeviceError(f"device must be one of auto, {', '.join(valid)} on this machine; got {device!r}")
    return wanted


def device_label(device: str) -> str:
    """The display name of a device: "CPU", "GPU 0: NVIDIA …"."""
    if device.startswith("cuda"):
        index = int(device.partition(":")[2] or 0)
        return f"GPU {index}: {torch.cuda.get_device_name(index)}"
    return {"cpu": "CPU", "mps": "Apple GPU"}.get(device, device)


def limit_threads(count: int) -> None:
    """From now on, no computation of this process takes more threads: it shares the machine with others of its kind."""
    global _most_threads
    _most_threads = count
    torch.set_num_threads(count)


@contextmanager
def one_thread() -> Iterator[None]:
    """A context in which this thread's computations take no other: times of several are noise on a busy machine."""
    token = _one_thread.set(True)
    try:
        yield
    finally:
        _one_thread.reset(token)


@contextmanager
def work_threads(token_rows: int) -> Iterator[None]:
    """Set torch's threads for a computation on this many token rows (inputs × tokens), then restore them."""
    before = torch.get_num_threads()
    alone = token_rows < _ROWS_WORTH_THREADS or _one_thread.get()
    wanted = 1 if alone else min(os.cpu_count() or 1, _most_threads)
    if wanted == before:
        yield
        return
    torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)
