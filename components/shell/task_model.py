"""The model of a page that is about one task: an open model that was trained for it, or the one on board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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

__all__ = ["TaskModel", "choose_model"]


@dataclass(frozen=True, slots=True)
class TaskModel:
    """Which models a page can use: those trained for a task, among them ``on_board``. ``field`` of the page's
    ``group`` has the chosen one."""

    head: Task
    on_board: str
    field: str
    group: type[PageFields]

    def sources(self, opened: Sequence[Opened]) -> list[str]:
        """What can be chosen. An open model comes first, so that whoever opens one sees it on the page."""
        fitting = [one.request.source for one in opened if self.head in one.model.task_heads]
        return list(dict.fromkeys([*fitting, self.on_board]))

    def source(self, opened: Sequence[Opened]) -> str:
        """The chosen one."""
        chosen: str = getattr(state.fields(self.group), self.field)
        sources = self.sources(opened)
        return chosen if chosen in sources else sources[0]


def choose_model(opened: list[Opened], own: TaskModel) -> Opened | None:
    """Draw the choice and open the model; None, with the reason shown, if that fails.

    Of a text that is longer than it reads at once, it has the part that the view shows.
    """
    sources, source = own.sources(opened), own.source(opened)
    names = {each: model_name(each) for each in sources}
    place, _ = st.columns([0.4, 0.6])
    place.selectbox(
        "Model",
        sources,
        format_func=names.__getitem__,
        help="The model that ships with GlassBERT for this task, or an open one that was trained for it.",
        **state.bind(
            own.field, own.group, options=dict.fromkeys(sources), shown=source, initial="index", whole_page=True
        ),
    )
    with explained_errors(), st.spinner("Opening the model …"):
        one = next((one for one in opened if one.request.source == source), None)
        if one is None:
            request = models.request_of(source, state.view().device if opened else "auto")
            one = Opened("model", request, models.load(request), model_name(source))
        return windows.in_part([replace(one, part=None)], state.view())[0]
    return None
