"""The Data set page: a model judged, explained and searched over a whole table."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway.library import import_library
from components.gateway.runs import store
from components.gateway.runs.queue import state_of
from components.shared.errors import explained_errors
from components.views.data_set.draft import draw_draft
from components.views.data_set.fields import DataSetFields
from components.views.data_set.result import draw_result
from components.views.data_set.running import draw_running, draw_stopped
from components.views.data_set.runs import LIST, draw_runs

__all__ = ["DataSetFields", "draw_data_set_page"]


def draw_data_set_page() -> None:
    """The list of analyses, or one: what is chosen for it, how far it is, or what came of it."""
    with st.spinner("Opening …"):
        import_library()
    run = state.fields(DataSetFields).run
    if not run:
        draw_runs()
        return
    request = store.request_of(run)
    if request is None or request.work != "analysis":
        st.warning("There is no analysis with this address: it was deleted, or the link is damaged.")
        draw_runs()
        return
    LIST.knows(run)
    found = state_of(run)
    with explained_errors():
        if found.name == "draft":
            draw_draft(run, request)
        elif found.is_active:
            draw_running(run, request, found)
        elif found.name == "done":
            draw_result(run, request)
        else:
            draw_stopped(run, request, found)
    state.write_address()
