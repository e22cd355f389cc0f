"""A click in the browser, as AppTest can make it: the trigger message that the component's script would send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from streamlit.proto.BidiComponent_pb2 import BidiComponent
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.testing.v1 import AppTest


def mounted(app: AppTest, key: str) -> BidiComponent:
    """The message that the last run sent for the component of this key."""
    found = [block.proto for block in app.get("bidi_component") if f"-{key}" in block.proto.id]
    assert len(found) == 1, f"{len(found)} components with key {key!r}"
    return found[0]


def click(app: AppTest, key: str, event: Mapping[str, Any]) -> AppTest:
    """Run the app again as if the component of this key had sent the event.

    ``session_state[key]`` could be set instead, but that stays for all later runs and calls no callback.
    """
    return click_at_once(app, {key: event})


def click_at_once(app: AppTest, events: Mapping[str, Mapping[str, Any]]) -> AppTest:
    """The same for several clicks that come with one run, in this order."""
    states = WidgetStates()
    for key, event in events.items():
        widget = states.widgets.add()
        widget.id = f"$$STREAMLIT_INTERNAL_KEY_{mounted(app, key).id}__events"
        widget.json_trigger_value = json.dumps([{"event": "select", "value": dict(event)}])
    return app._run(states)
