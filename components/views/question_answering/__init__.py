"""The Question answering page: where the answer to text A is in text B, how sure that is, and why there."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway import inputs, windows
from components.gateway.requests import Opened
from components.shared.errors import explained_errors
from components.shared.unknown_words import say_unknown
from components.shell.task_model import TaskModel, choose_model
from components.views.question_answering.asked import draw_other_questions
from components.views.question_answering.fields import AnswersFields
from components.views.question_answering.found import draw_found
from components.views.question_answering.why import draw_why

__all__ = ["MODEL", "AnswersFields", "draw_answers_page"]

MODEL = TaskModel("question_answering", "answers", "reader", AnswersFields)
_EXAMPLE = "when"


@st.fragment
def draw_answers_page(opened: list[Opened]) -> None:
    """Cost: one pass, or one per window of a long text; the method's for the answer that is explained, one for the
    attention, and one for each other question."""
    state.redraw_page_if_asked()
    state.write_address()  # before the work: whoever reloads meanwhile loses no choice
    one = choose_model(opened, MODEL)
    if one is None:
        return
    view = state.view()
    if not view.text.strip() or not view.pair.strip():
        question, text = "a question in **Text A**", "the text that has the answer in **Text B**"
        lacking = [told for told, given in ((question, view.text), (text, view.pair)) if not given.strip()]
        st.info(f"Type {' and '.join(lacking)}: the answer appears here.")
        st.button("Open an example", icon=":material/play_arrow:", on_click=open_example, key="answers_example")
        return
    with explained_errors():
        windows.passes(one.whole(view))  # a text that no model can read is said once, for the whole page
        say_unknown([(one, inputs.coverage(one.text(view)))])
        found = draw_found(one)
        if found is not None:
            draw_why(one, found)
            draw_other_questions(one)


def open_example() -> None:
    """A question, and a text with several dates and names."""
    state.open_example(_EXAMPLE)
    state.redraw_page()
