"""The model of a page that is about one task: an open model that was trained for it, or the one on board."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import models, windows
from components.gateway.requests import Opened
from components.shared.errors import explained_errors
from components.shell.opening import model_name

if TYPE_CHECKING:
    from components.state import PageFields
    from glassbert.families import Task

__all__ = ["choose_model"]


def choose_model(opened: list[Opened], head: Task, on_board: str, field: str, group: type[PageFields]) -> Opened | None:
    """Draw the choice, kept in a field of the page, and open the model; None, with the reason shown, if that fails.

    An open model that was trained for the task comes first, so that whoever opens one sees it here. Of a text that is
    longer than it reads at once, it has the part that the view shows.
    """
    fitting = [one for one in opened if head in one.model.task_heads]
    sources = dict.fromkeys([*(one.request.source for one in fitting), on_board])
    chosen = getattr(state.fields(group), field)
    source = chosen if chosen in sources else next(iter(sources))
    names = {each: model_name(each) for each in sources}
    place, _ = st.columns([0.4, 0.6])
    place.selectbox(
        "Model",
        list(sources),
        format_func=names.__getitem__,
        help="The model that ships with GlassBERT for this task, or an open one that was trained for it.",
        **state.bind(field, group, options=sources, shown=source, initial="index"),
    )
    with explained_errors(), st.spinner("Opening the model …"):
        one = next((one for one in fitting if one.request.source == source), None)
        if one is None:
            request = models.request_of(source, state.view().device if opened else "auto")
            one = Opened("model", request, models.load(request), model_name(source))
        return windows.in_part([replace(one, part=None)], state.view())[0]
    return None
