"""A long computation in a thread of its own: it tells how far it is, can be stopped, and keeps what it found."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

__all__ = ["Job"]


class Job:
    """``work(progress=…, cancelled=…)`` in a thread; ``result`` or ``error`` is there once ``running`` is False.

    A page cannot run it in its own thread: Streamlit ends that one when the visitor clicks, and what was found by
    then would be lost.
    """

    def __init__(self, work: Callable[..., Any]) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self._share = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return self._share

    def stop(self) -> None:
        """End soon, keeping what was found."""
        self._stop.set()

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self, work: Callable[..., Any]) -> None:
        def progress(done: int, total: int) -> None:
            self._share = done / total if total else 1.0

        try:
            self.result = work(progress=progress, cancelled=self._stop.is_set)
        except Exception as error:  # told by whoever reads it: in this thread nobody would
            self.error = error
