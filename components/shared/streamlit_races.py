"""Five races of Streamlit 1.67 that a visitor loses who clicks while a page is still being drawn or sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests, ScriptRequestType
from streamlit.runtime.state.session_state import WStates

__all__ = ["mend_races"]

#: The attribute of a session that has the page which was asked for last, or runs.
_PAGE = "page_to_come"
#: The attribute of a session that has what the browser last told about each widget.
_TOLD = "widgets_told"


def mend_races() -> None:
    """Change Streamlit's methods, once in a process."""
    if not getattr(AppSession._clear_queue, "mended", False):
        _send_all_in_order()
        _iterate_over_a_copy()
        _run_nothing_of_pages_that_were_left()
        _take_over_what_waits()
        _run_the_page_of_all_changes()


def _send_all_in_order() -> None:
    """Send what is waiting of a page before the elements of a fragment that runs again.

    Streamlit drops the fragment's own waiting elements and keeps those of the fragments within it, which then arrive
    without the blocks that they stand in: the browser raises "Bad delta path index", and shows nothing more. A click
    within milliseconds of the end of a run is enough. Sent in order, they arrive as if the click had come later.
    """
    drop = AppSession._clear_queue

    def clear_queue(self: AppSession, fragment_ids_this_run: list[str] | None = None) -> None:
        if fragment_ids_this_run is None:
            drop(self)
        else:
            self._browser_queue._delta_index_map = {}  # new elements follow the waiting ones, and do not replace them

    marked: Any = clear_queue
    marked.mended = True
    AppSession._clear_queue = marked  # type: ignore[method-assign]


def _iterate_over_a_copy() -> None:
    """Go through the names of the widgets as they are at the start.

    A run that a click ends may still be drawing while the next one looks for what was clicked: it adds a widget, and
    the page shows "dictionary changed size during iteration".
    """

    def names(self: WStates) -> Iterator[str]:
        return iter(list(self.states))

    WStates.__iter__ = names  # type: ignore[method-assign]


def _run_nothing_of_pages_that_were_left() -> None:
    """Drop the request to run a fragment of a page that the visitor is leaving.

    A click on the menu closes an open popover, and both ask for a run: the new page, then the popover's fragment of the
    old one. Streamlit runs that after the new page, for the old one, tells the browser that this is the page, and the
    browser clears everything that it shows.
    """
    ask, send = AppSession.request_rerun, AppSession._enqueue_forward_msg

    def request_rerun(self: AppSession, client_state: ClientState | None) -> None:
        session: Any = self
        if client_state is not None and client_state.fragment_id:
            if getattr(session, _PAGE, "") not in ("", client_state.page_script_hash):
                return
        elif client_state is not None:
            setattr(session, _PAGE, client_state.page_script_hash)
        ask(self, client_state)

    def enqueue_forward_msg(self: AppSession, msg: ForwardMsg) -> None:
        if msg.HasField("navigation"):  # the page that runs, which the browser learns from this
            setattr(self, _PAGE, msg.navigation.page_script_hash)
        send(self, msg)

    AppSession.request_rerun = request_rerun  # type: ignore[method-assign]
    AppSession._enqueue_forward_msg = enqueue_forward_msg  # type: ignore[method-assign]


def _take_over_what_waits() -> None:
    """Give a run of a whole page what the browser has told a run that it replaces before it began.

    Streamlit stops that run and forgets its request. The page that a visitor turns to is told about its own
    widgets only: what was typed into a field, which the click on the menu submitted, was lost.
    """
    ask = AppSession.request_rerun

    def request_rerun(self: AppSession, client_state: ClientState | None) -> None:
        runner = self._scriptrunner
        if runner is not None and client_state is not None and not client_state.fragment_id:
            _add_missing(client_state.widget_states, _waiting(runner._requests))
        ask(self, client_state)

    AppSession.request_rerun = request_rerun  # type: ignore[method-assign]


def _run_the_page_of_all_changes() -> None:
    """Run the whole page if more has changed than a widget of the fragment that is to run.

    A click submits what was typed into a field by taking the focus. The browser tells both in one request, which names
    the fragment of the field: what the click changed was taken over, and nothing outside the fragment drawn anew.
    """
    ask = AppSession.request_rerun

    def request_rerun(self: AppSession, client_state: ClientState | None) -> None:
        if client_state is not None:
            session: Any = self
            told, before = client_state.widget_states.widgets, getattr(session, _TOLD, {})
            setattr(session, _TOLD, {one.id: one.SerializeToString() for one in told})
            if client_state.fragment_id and any(
                _is_elsewhere(self, one.id, client_state.fragment_id) and _is_changed(self, one, before.get(one.id))
                for one in told
            ):
                client_state.fragment_id = ""
        ask(self, client_state)

    AppSession.request_rerun = request_rerun  # type: ignore[method-assign]


def _is_elsewhere(session: AppSession, widget: str, fragment: str) -> bool:
    """Whether a widget of the last run stands outside a fragment."""
    known = session._session_state._new_widget_state.widget_metadata.get(widget)
    return known is not None and bool(known.fragment_id != fragment)


def _is_changed(session: AppSession, told: WidgetState, before: bytes | None) -> bool:
    """Whether a widget has another value than it was told with before or, the first time, than it has here."""
    if before is not None:
        return bool(told.SerializeToString() != before)
    here = session._session_state
    states = WStates(widget_metadata=here._new_widget_state.widget_metadata)
    states.set_widget_from_proto(told)
    try:
        return bool(states[told.id] != here[told.id])
    except (KeyError, ValueError):  # it is gone, or holds what cannot be compared
        return False


def _waiting(requests: ScriptRequests) -> WidgetStates | None:
    """The widgets of a request whose run has not begun."""
    with requests._lock:
        return requests._rerun_data.widget_states if requests._state is ScriptRequestType.RERUN else None


def _add_missing(states: WidgetStates, waiting: WidgetStates | None) -> None:
    known = {state.id for state in states.widgets}
    states.widgets.extend(state for state in (waiting.widgets if waiting else ()) if state.id not in known)
