"""When a page's run is over, and when its window is closed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from components.gateway import visitors as gateway


def requests_of(**rerun: object):
    from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

    requests = ScriptRequests()
    if rerun:
        requests.request_rerun(RerunData(**rerun))
    return requests


def test_a_run_is_over_when_another_was_requested_or_the_window_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against Streamlit's own queue: over means what makes Streamlit itself end the run at its next call."""
    stopped = requests_of()
    stopped.request_stop()
    cases = {
        "nothing requested": (requests_of(), False),
        "another run": (requests_of(page_script_hash="another"), True),
        "one fragment": (requests_of(fragment_id="one"), False),
        "a fragment with the page": (requests_of(fragment_id_queue=["one"], is_fragment_scoped_rerun=True), True),
        "closed": (stopped, True),
    }
    for name, (requests, over) in cases.items():
        context = SimpleNamespace(session_id="me", script_requests=requests)
        monkeypatch.setattr(gateway, "get_script_run_ctx", lambda suppress_warning, context=context: context)
        assert gateway.run_is_over() is over, name
        assert (requests.on_scriptrunner_yield() is not None) is over, f"{name}: Streamlit sees it otherwise"


def test_outside_of_a_page_nothing_is_over() -> None:
    assert not gateway.run_is_over()


def test_a_window_is_closed_when_it_stays_away_for_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    there, now = [True], [0.0]
    monkeypatch.setattr(gateway.runtime, "exists", lambda: True)
    monkeypatch.setattr(gateway, "is_present", lambda session: there[0])
    gone = gateway.unattended("me", clock=lambda: now[0])
    assert not gone()
    there[0] = False
    assert not gone()
    now[0] = 0.9
    assert not gone()
    there[0] = True
    assert not gone()
    there[0], now[0] = False, 5.0
    assert not gone(), "a connection that broke for a moment"
    now[0] = 6.0
    assert gone()
