"""The Fine-tune page: from a table of labelled texts to a model that can be looked into, and what it learned."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway.library import import_library
from components.gateway.runs import store
from components.gateway.runs.queue import state_of
from components.shared.errors import explained_errors
from components.views.fine_tuning.draft import draw_draft
from components.views.fine_tuning.fields import FineTuningFields
from components.views.fine_tuning.result import draw_result
from components.views.fine_tuning.runs import LIST, draw_runs, may_see
from components.views.fine_tuning.training import draw_stopped, draw_training

__all__ = ["FineTuningFields", "draw_fine_tuning_page"]


def draw_fine_tuning_page() -> None:
    """The list of runs, or one run: what is chosen for it, how far it is, or what came of it."""
    with st.spinner("Opening …"):
        import_library()
    run = state.fields(FineTuningFields).run
    if not run:
        draw_runs()
        return
    request = store.request_of(run) if may_see(run) else None
    if request is None or request.work != "training":
        st.warning("There is no run with this address: it was deleted, or the link is damaged.")
        draw_runs()
        return
    LIST.knows(run)
    found = state_of(run)
    with explained_errors():
        if found.name == "draft":
            draw_draft(run, request)
        elif found.is_active:
            draw_training(run, request, found)
        elif found.name == "done":
            draw_result(run, request)
        else:
            draw_stopped(run, request, found)
