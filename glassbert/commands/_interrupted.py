"""Ctrl-C, or a request to end, of a command that saves what it has done so far."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

__all__ = ["interrupted"]


@contextmanager
def interrupted() -> Iterator[Callable[[], bool]]:
    """Whether somebody asked this process to end; the first time it ends by itself, with its work saved."""
    asked = Event()

    def ask(number: int, _frame: object) -> None:
        if asked.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.set()

    before = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, ask)
    except ValueError:  # not in the main thread
        before = {}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
