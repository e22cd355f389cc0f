"""What a server has not yet sent or begun when a page runs again, and widgets that come while their names are read."""

from __future__ import annotations

from types import SimpleNamespace

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import SessionState, Value, WStates

from components.shared.streamlit_races import mend_races

mend_races()


def _text(fragment: str, body: str, *path: int) -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path[:] = path
    message.delta.fragment_id = fragment
    message.delta.new_element.markdown.body = body
    return message


def _sent(again: list[str] | None) -> list[str]:
    """The texts that reach the browser, in order, if these fragments run again while texts of a run are waiting."""
    queue = ForwardMsgQueue()
    session = SimpleNamespace(_browser_queue=queue)
    for message in (_text("", "page", 0, 0), _text("outer", "outer", 0, 1, 0), _text("inner", "inner", 0, 1, 1, 0)):
        queue.enqueue(message)
    AppSession._clear_queue(session, again)  # type: ignore[arg-type]
    queue.enqueue(_text("outer", "outer again", 0, 1, 0))
    return [message.delta.new_element.markdown.body for message in queue.flush()]


def test_what_waits_is_sent_before_what_a_fragment_draws_again() -> None:
    assert _sent(["outer"]) == ["page", "outer", "inner", "outer again"]


def test_a_run_of_the_page_replaces_what_waits() -> None:
    assert _sent(None) == ["outer again"]


def test_a_widget_may_come_while_the_names_are_read() -> None:
    states = WStates()
    states.states = {"first": Value(1), "second": Value(2)}
    seen = []
    for name in states:
        seen.append(name)
        states.states["late"] = Value(3)
    assert seen == ["first", "second"]
    assert list(states) == ["first", "second", "late"]


def _asked(fragment: str = "", **values: str) -> ClientState:
    asked = ClientState(fragment_id=fragment, page_script_hash="page")
    for widget, value in values.items():
        asked.widget_states.widgets.add(id=widget, string_value=value)
    return asked


def test_a_page_is_told_what_was_typed_for_a_run_that_it_replaces() -> None:
    """The field of a page that is left is not among the widgets that the browser names to the next one."""
    requests, begun = ScriptRequests(), []
    session = SimpleNamespace(
        _scriptrunner=SimpleNamespace(_requests=requests, request_stop=requests.request_stop),
        _create_scriptrunner=begun.append,
        _state=AppSessionState.APP_IS_RUNNING,
        _client_state=ClientState(),
        page_to_come="",
    )
    requests.request_rerun(RerunData(widget_states=_asked("fragment", typed="new", kept="old").widget_states))
    AppSession.request_rerun(session, _asked(kept="new"))  # type: ignore[arg-type]
    told = {widget.id: widget.string_value for widget in begun[0].widget_states.widgets}
    assert told == {"typed": "new", "kept": "new"}


def test_a_change_outside_the_fragment_runs_the_whole_page() -> None:
    """A click submits what was typed in a fragment: the browser tells both in one request for the fragment."""
    state, begun = SessionState(), []
    for widget, fragment in (("typed", "fragment"), ("chosen", None)):
        metadata: WidgetMetadata[str] = WidgetMetadata(
            widget, lambda value: value or "", lambda value: value, "string_value", fragment_id=fragment
        )
        state._set_widget_metadata(metadata)
        state._new_widget_state.set_from_value(widget, "old")
    session = SimpleNamespace(
        _scriptrunner=None,
        _create_scriptrunner=begun.append,
        _state=AppSessionState.APP_NOT_RUNNING,
        _client_state=ClientState(),
        _session_state=state,
        has_fragment=lambda _: True,
        page_to_come="",
    )
    for asked in (
        _asked("fragment", typed="new"),
        _asked("fragment", typed="newer", chosen="old"),  # told for the first time, and as it is here
        _asked("fragment", typed="newest", chosen="new"),
        _asked("fragment", typed="last", chosen="new"),
    ):
        AppSession.request_rerun(session, asked)  # type: ignore[arg-type]
    assert [one.fragment_id or "" for one in begun] == ["fragment", "fragment", "", "fragment"]
