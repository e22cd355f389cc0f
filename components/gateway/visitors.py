"""Who is asking, whether they are still there, and whether they still wait for what is computed for them."""

from __future__ import annotations

import time
from collections.abc import Callable

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType

__all__ = ["has_left", "is_present", "run_is_over", "unattended", "visitor"]

# A connection that breaks for a moment is no farewell.
_FAREWELL_SECONDS = 1.0


def visitor() -> str:
    """The session that is running; "" in a thread that belongs to none."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context else ""


def is_present(session: str) -> bool:
    """Whether this visitor has an open window."""
    return runtime.exists() and runtime.get_instance().is_active_session(session)


def has_left(session: str) -> bool:
    """Whether this was a visitor whose window is closed, or was reloaded, which is another session."""
    return bool(session) and runtime.exists() and not is_present(session)


def unattended(session: str, *, clock: Callable[[], float] = time.monotonic) -> Callable[[], bool]:
    """A function that says whether this visitor's window has been closed for a second."""
    left_at: float | None = None

    def gone() -> bool:
        nonlocal left_at
        if not has_left(session):
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
