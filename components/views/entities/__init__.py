"""The Entities page: which spans of the text a model names, how sure it is, and why."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway import inputs, windows
from components.gateway.requests import Opened, TextRequest
from components.shared.errors import explained_errors
from components.shared.unknown_words import say_unknown
from components.shell.task_model import TaskModel, choose_model
from components.views.entities.fields import EntitiesFields
from components.views.entities.found import draw_found
from components.views.entities.why import draw_why

__all__ = ["MODEL", "EntitiesFields", "draw_entities_page"]

MODEL = TaskModel("token_classification", "entities", "namer", EntitiesFields)
_EXAMPLE = "names"


@st.fragment
def draw_entities_page(opened: list[Opened]) -> None:
    """Cost: one pass, or one per window of a long text; two more and the method's for the entity that is explained."""
    state.redraw_page_if_asked()
    state.write_address()  # before the work: whoever reloads meanwhile loses no choice
    one = choose_model(opened, MODEL)
    if one is None:
        return
    if not state.view().text.strip():
        st.info("Type a text: the people, organisations and places that the model finds in it appear here.")
        st.button("Open an example", icon=":material/play_arrow:", on_click=open_example, key="entities_example")
        return
    with explained_errors():
        windows.passes(one.whole(state.view()))  # a text that no model can read is said once, for the whole page
        read = one.text(state.view())
        say_unknown([(one, inputs.coverage(TextRequest(read.model, read.text)))])
        found = draw_found(one)
        if found is not None:
            draw_why(one, found)


def open_example() -> None:
    """A sentence with a person, two places and an organisation."""
    state.open_example(_EXAMPLE)
    state.redraw_page()
