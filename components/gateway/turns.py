"""One fair queue for the machine: whose forward pass runs next, and which computation nobody waits for any more.

Forward passes are short (`glassbert.network.batches` bounds them), and one runs at a time, on all cores. Between two
passes the visitor goes first whose next pass would leave them with the least use of the machine, so that the short work
of one visitor waits for a single pass of another's long work, not for its end. A newcomer's use counts from the least
that anybody competing has had: whoever comes, asks and leaves again and again is not always first.

A page asks for several passes, and draws in between. After a short one, a long one waits a moment, in case the same
page asks again: it would wait for the long one's end otherwise, before each of its own.

A page's computation is over when its run is: the tab was closed, another text or page was requested, or Stop was
pressed. It then ends at its next pass. The two places that start computations ask for turns: `cache.shared`, for what
a page needs at once, and a job, for what runs in the background.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitInvalidLayoutContextError
from streamlit.runtime.scriptrunner import StopException

from components import state
from components.gateway.library import import_library
from components.gateway.visitors import run_is_over, visitor

__all__ = ["QUEUE_SLOT", "Turns", "admitted_by", "during_the_run", "place_in_queue", "turns"]

# What a visitor used is forgotten this long after their last pass.
_FORGOTTEN_SECONDS = 60.0
# A pass up to this long is short; after it, longer ones wait this long.
_SHORT_SECONDS, _RETURN_SECONDS = 0.1, 0.06
_LOOK_SECONDS = 0.05
_SAID_AFTER_SECONDS = 1.0
#: Where a page says how many are before it: remembered under this name.
QUEUE_SLOT = "queue_slot"


@dataclass(slots=True)
class _Use:
    """Of one visitor: seconds of the machine, from where they began to compete; the last pass, and when it ended."""

    seconds: float
    last_pass: float
    ended: float


class Turns:
    """Who runs and who waits. ``at_once`` passes run at a time.

    This is start-time fair queueing (Goyal et al. 1996) with the length of a visitor's last pass as the guess of the
    next one's; a newcomer's is guessed as everybody's mean.
    """

    def __init__(self, at_once: int = 1, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_once, self._clock = at_once, clock
        self._changed = threading.Condition()
        self._running = 0
        self._arrivals = 0
        self._waiting: dict[int, tuple[str, float]] = {}  # arrival → visitor, the least use at that time
        self._least = 0.0  # the use that the visitor had whose pass began last
        self._used: dict[str, _Use] = {}
        self._mean_pass = 0.0
        self._expected = ("", 0.0)  # who may ask again at once, until when

    @contextmanager
    def turn(self, who: str, over: Callable[[], bool], waits: Callable[[int], None] | None = None) -> Iterator[None]:
        """A context that begins when it is this visitor's turn.

        ``over()`` is asked meanwhile; StoppedError once it is true. ``waits(requests before this one)`` is called after
        each look at the queue that has somebody else in front.
        """
        before = self._enter(who, over, waits)
        start = self._clock()
        try:
            yield
        finally:
            self._leave(who, before, self._clock() - start)

    def others_wait(self, who: str) -> bool:
        """Whether visitors besides this one are waiting for their turn."""
        with self._changed:
            return any(waiting != who for waiting, _ in self._waiting.values())

    def _enter(self, who: str, over: Callable[[], bool], waits: Callable[[int], None] | None) -> float:
        """Wait for the turn; returns the visitor's use before it."""
        with self._changed:
            self._charge_for_the_pause(who)
            arrival = self._arrivals
            self._arrivals += 1
            self._waiting[arrival] = who, self._least
            try:
                while True:
                    if over():
                        raise _stopped()
                    order = sorted(self._waiting, key=lambda one: (self._use_after(one), one))
                    ahead = self._running + order.index(arrival)
                    pause = self._pause(arrival)
                    if ahead < self._at_once and not pause:
                        self._running += 1
                        before = self._use_before(arrival)
                        self._least = max(self._least, before)
                        return before
                    if waits is not None and ahead >= self._at_once:
                        waits(ahead)
                    self._changed.wait(pause or _LOOK_SECONDS)
            finally:
                del self._waiting[arrival]
                self._changed.notify_all()

    def _leave(self, who: str, before: float, seconds: float) -> None:
        with self._changed:
            self._running -= 1
            now = self._clock()
            self._used[who] = _Use(max(before, self._seconds_of(who)) + seconds, seconds, now)
            self._mean_pass += 0.1 * (seconds - self._mean_pass)
            if seconds <= _SHORT_SECONDS:
                self._expected = who, now + _RETURN_SECONDS
            for one in [one for one, use in self._used.items() if now - use.ended > _FORGOTTEN_SECONDS]:
                del self._used[one]
            self._changed.notify_all()

    def _charge_for_the_pause(self, who: str) -> None:
        """Who makes others wait between passes uses the machine."""
        expected, until = self._expected
        now = self._clock()
        if expected == who and self._waiting and now <= until and who in self._used:
            self._used[who].seconds += now - self._used[who].ended

    def _seconds_of(self, who: str) -> float:
        use = self._used.get(who)
        return use.seconds if use is not None else 0.0

    def _pass_of(self, who: str) -> float:
        use = self._used.get(who)
        return use.last_pass if use is not None else self._mean_pass

    def _use_before(self, arrival: int) -> float:
        who, least = self._waiting[arrival]
        return max(least, self._seconds_of(who))

    def _use_after(self, arrival: int) -> float:
        return self._use_before(arrival) + self._pass_of(self._waiting[arrival][0])

    def _pause(self, arrival: int) -> float:
        """Seconds that this one waits although nothing runs, because somebody with less use may ask again."""
        who, until = self._expected
        left = until - self._clock()
        if left <= 0 or self._waiting[arrival][0] == who or self._pass_of(self._waiting[arrival][0]) <= _SHORT_SECONDS:
            return 0.0
        goes_first = max(self._least, self._seconds_of(who)) + self._pass_of(who) < self._use_after(arrival)
        return left if goes_first else 0.0


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
        self._slot: Any = None

    def show(self, ahead: int) -> None:
        now = time.monotonic()
        self._since = self._since or now
        self._slot = self._slot or state.remembered(QUEUE_SLOT)
        if self._slot is None or now - self._since < _SAID_AFTER_SECONDS or ahead == self._shown:
            return
        self._shown = ahead
        told = f":material/hourglass_empty: {place_in_queue(ahead)}"
        try:
            self._slot.caption(told)
        except StreamlitInvalidLayoutContextError:  # the run of a fragment: it may write to places of its own only
            self._slot = st.empty()
            self._slot.caption(told)

    def remove(self) -> None:
        if self._shown and not run_is_over():
            self._slot.empty()


def admitted_by(turn: Callable[[], AbstractContextManager[None]]) -> AbstractContextManager[None]:
    """A context in which every forward pass of this thread runs inside ``turn()``."""
    import_library()
    from glassbert.network.run import admitted

    return admitted(turn)


def _stopped() -> Exception:
    from glassbert.errors import StoppedError

    return StoppedError("the computation was cancelled, so there is no result; start it again to get one")
