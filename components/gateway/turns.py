"""One fair queue for the machine: whose forward pass runs next, and which computation nobody waits for any more.

Forward passes are short (`glassbert.network.batches` bounds them), and one runs at a time, on all cores. Between two
passes the visitor who has used the machine least goes first, so that the short work of one visitor waits for a single
pass of another's long work, not for its end.

A page's computation is over when its run is: the tab was closed, another text or page was requested, or Stop was
pressed. It then ends at its next pass. The two places that start computations ask for turns: `cache.shared`, for what
a page needs at once, and a job, for what runs in the background.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from streamlit.runtime.scriptrunner import StopException

from components import state
from components.gateway.library import import_library
from components.gateway.visitors import run_is_over, visitor

__all__ = ["QUEUE_SLOT", "Turns", "admitted_by", "during_the_run", "place_in_queue", "turns"]

# A visitor's use of the machine counts half after this long.
_HALF_LIFE_SECONDS = 30.0
_LOOK_SECONDS = 0.05
_SAID_AFTER_SECONDS = 1.0
#: Where a page says how many are before it: remembered under this name.
QUEUE_SLOT = "queue_slot"


class Turns:
    """Who runs and who waits. ``at_once`` passes run at a time."""

    def __init__(self, at_once: int = 1, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_once, self._clock = at_once, clock
        self._changed = threading.Condition()
        self._running = 0
        self._arrivals = 0
        self._waiting: dict[int, str] = {}  # arrival → visitor
        self._used: dict[str, tuple[float, float]] = {}  # visitor → seconds used, as of when

    @contextmanager
    def turn(self, who: str, over: Callable[[], bool], waits: Callable[[int], None] | None = None) -> Iterator[None]:
        """A context that begins when it is this visitor's turn.

        ``over()`` is asked meanwhile; StoppedError once it is true. ``waits(requests before this one)`` is called after
        each look at the queue that has somebody else in front.
        """
        self._enter(who, over, waits)
        start = self._clock()
        try:
            yield
        finally:
            self._leave(who, self._clock() - start)

    def others_wait(self, who: str) -> bool:
        """Whether visitors besides this one are waiting for their turn."""
        with self._changed:
            return any(waiting != who for waiting in self._waiting.values())

    def _enter(self, who: str, over: Callable[[], bool], waits: Callable[[int], None] | None) -> None:
        with self._changed:
            arrival = self._arrivals
            self._arrivals += 1
            self._waiting[arrival] = who
            try:
                while True:
                    if over():
                        raise _stopped()
                    order = sorted(self._waiting, key=lambda one: (self._use_of(self._waiting[one]), one))
                    ahead = self._running + order.index(arrival)
                    if ahead < self._at_once:
                        self._running += 1
                        return
                    if waits is not None:
                        waits(ahead)
                    self._changed.wait(_LOOK_SECONDS)
            finally:
                del self._waiting[arrival]

    def _leave(self, who: str, seconds: float) -> None:
        with self._changed:
            self._running -= 1
            self._used[who] = (self._use_of(who) + seconds, self._clock())
            for one in [one for one in self._used if self._use_of(one) < 1e-3]:
                del self._used[one]
            self._changed.notify_all()

    def _use_of(self, who: str) -> float:
        used, since = self._used.get(who, (0.0, 0.0))
        return float(used * 0.5 ** ((self._clock() - since) / _HALF_LIFE_SECONDS))


#: The queue of this server.
turns = Turns()


@contextmanager
def during_the_run() -> Iterator[None]:
    """A context whose passes belong to the current run of a page, and end with it.

    Ends the run itself, without a message, when nobody waits for it any more. Does nothing outside of a page.
    """
    who = visitor()
    if not who:
        yield
        return
    import_library()
    from glassbert.errors import StoppedError

    notice = _Notice()
    try:
        with admitted_by(lambda: turns.turn(who, run_is_over, notice.show)):
            yield
    except StoppedError:
        if run_is_over():
            raise StopException from None
        raise
    finally:
        notice.remove()


def place_in_queue(ahead: int) -> str:
    """``1 → "1 request before yours"``."""
    return f"{ahead} request{'s' * (ahead > 1)} before yours"


class _Notice:
    """What a page says while others' passes run before its own: nothing in the first second."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._shown = 0

    def show(self, ahead: int) -> None:
        now = time.monotonic()
        self._since = self._since or now
        slot = state.remembered(QUEUE_SLOT)
        if slot is not None and now - self._since >= _SAID_AFTER_SECONDS and ahead != self._shown:
            self._shown = ahead
            slot.caption(f":material/hourglass_empty: {place_in_queue(ahead)}")

    def remove(self) -> None:
        if self._shown and not run_is_over():
            state.remembered(QUEUE_SLOT).empty()


def admitted_by(turn: Callable[[], AbstractContextManager[None]]) -> AbstractContextManager[None]:
    """A context in which every forward pass of this thread runs inside ``turn()``."""
    import_library()
    from glassbert.network.run import admitted

    return admitted(turn)


def _stopped() -> Exception:
    from glassbert.errors import StoppedError

    return StoppedError("the computation was cancelled, so there is no result; start it again to get one")
