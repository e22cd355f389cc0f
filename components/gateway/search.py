"""A long search in its own thread: its progress, a way to stop it, and the results so far."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from components import state
from components.gateway.library import gb

__all__ = ["Search", "current_search"]

# A quick search is done before the page has to say that it is under way.
_QUICK_SECONDS = 0.3
_R = TypeVar("_R")


class Search(Generic[_R]):
    """One search: what for is named by ``key``. ``found`` is whole once it is ``done``; before that None, or parts.

    A page cannot do it in its own thread: Streamlit ends that one when the user clicks, and the results so far would
    be lost.
    """

    def __init__(self, key: str, found: _R | None = None) -> None:
        self.key = key
        self.found = found
        self.share = 0.0  # how much is done, 0 to 1
        self.doing = ""  # what the work says it is at
        self.arrived = 0  # grows with every part that the work adds to what was found
        self.stopped = False  # by the user, before there was a result
        self.error: Exception | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def started(self) -> bool:
        return self._thread is not None

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def done(self) -> bool:
        """Whether it came to its end, or to a stop that left a result."""
        return self.started and not self.running and not self.stopped and self.error is None

    def start(self, work: Callable[..., _R], *, keep: bool = False) -> None:
        """Run ``work(progress=…, cancelled=…)``, and wait for it if it is quick. Does nothing while one runs.

        ``keep``: the work adds to what was found before, which otherwise goes. What is cached must be fetched before:
        in the search's own thread there is no page to cache for.
        """
        if self.running:
            return
        if not keep:
            self.found = None
        self.share, self.doing, self.stopped, self.error = 0.0, "", False, None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()
        self.wait(_QUICK_SECONDS)

    def stop(self) -> None:
        """End soon, keeping what was found."""
        self._stop.set()

    def wait(self, seconds: float) -> None:
        if self._thread is not None:
            self._thread.join(seconds)

    def raise_error(self) -> None:
        """Raise the error that ended the work, if any, here, where a page can show it."""
        if self.error is not None:
            raise self.error

    def _run(self, work: Callable[..., _R]) -> None:
        def progress(done: int, total: int) -> None:
            self.share = min(done / total, 1.0) if total else 1.0

        try:
            self.found = work(progress=progress, cancelled=self._stop.is_set)
        except gb.StoppedError:
            self.stopped = True
        except Exception as error:  # raised to the reader of the result: in this thread it would go unnoticed
            self.error = error


def current_search(name: str, key: str) -> Search[Any]:
    """This visitor's search of this name; one of another key is stopped and forgotten."""
    search: Search[Any] | None = state.remembered(f"{name}_search")
    if search is None or search.key != key:
        if search is not None:
            search.stop()
        search = Search(key)
        state.remember(f"{name}_search", search)
    return search
