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

from streamlit import runtime
from streamlit.runtime.scriptrunner import StopException, get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType

from components.gateway.library import import_library

__all__ = ["Turns", "admitted_by", "during_the_run", "is_present", "run_is_over", "turns", "unattended", "visitor"]

# A visitor's use of the machine counts half after this long.
_HALF_LIFE_SECONDS = 30.0
_LOOK_SECONDS = 0.05
# A connection that breaks for a moment is no farewell.
_FAREWELL_SECONDS = 1.0


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

        ``over()`` is asked meanwhile; StoppedError once it is true. ``waits(visitors before this one)`` is called
        after each look at the queue that has somebody else in front.
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
                    first = min(self._waiting, key=lambda one: (self._use_of(self._waiting[one]), one))
                    if self._running < self._at_once and first == arrival:
                        self._running += 1
                        return
                    if waits is not None:
                        ahead = {self._waiting[one] for one in self._waiting if one != arrival} - {who}
                        waits(max(1, len(ahead)))
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


def visitor() -> str:
    """The session that is running; "" in a thread that belongs to none."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context else ""


def is_present(session: str) -> bool:
    """Whether this visitor has an open window."""
    return runtime.exists() and runtime.get_instance().is_active_session(session)


def unattended(session: str, *, clock: Callable[[], float] = time.monotonic) -> Callable[[], bool]:
    """A function that says whether this visitor's window has been closed for a second."""
    left_at: float | None = None

    def gone() -> bool:
        nonlocal left_at
        if not session or not runtime.exists() or is_present(session):
            left_at = None
            return False
        left_at = clock() if left_at is None else left_at
        return clock() - left_at >= _FAREWELL_SECONDS

    return gone


def run_is_over() -> bool:
    """Whether nobody waits for this run of a page: another one was requested, or its window was closed.

    A rerun of one fragment lets the run of the whole page finish, as in Streamlit.
    """
    context = get_script_run_ctx(suppress_warning=True)
    requests = context.script_requests if context else None
    if requests is None:
        return False
    if requests._state is ScriptRequestType.RERUN:
        wanted = requests._rerun_data
        return wanted.is_fragment_scoped_rerun or not wanted.fragment_id_queue
    return requests._state is ScriptRequestType.STOP


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

    try:
        with admitted_by(lambda: turns.turn(who, run_is_over)):
            yield
    except StoppedError:
        if run_is_over():
            raise StopException from None
        raise


def admitted_by(turn: Callable[[], AbstractContextManager[None]]) -> AbstractContextManager[None]:
    """A context in which every forward pass of this thread runs inside ``turn()``."""
    import_library()
    from glassbert.network.run import admitted

    return admitted(turn)


def _stopped() -> Exception:
    from glassbert.errors import StoppedError

    return StoppedError("the computation was cancelled, so there is no result; start it again to get one")
