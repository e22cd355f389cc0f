"""Panel 3: which tokens drove the prediction, by the selected method."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway.requests import Opened
from components.shared.errors import explained_errors
from components.shared.questions import ask_method, ask_which, questions
from components.shared.save_and_code import save_and_code
from components.shared.scores_view import draw_scores, kept_scores, scores_of


@st.fragment
def saliency_panel(opened: list[Opened]) -> None:
    """Cost: from 1 forward pass to about 26 (integrated gradients), as declared by the method."""
    state.redraw_page_if_asked()
    with explained_errors():
        possible = questions(opened)
        if not possible:
            st.info("Nothing to explain yet: select a word, or open a model with a trained head.")
            return
        left, right = st.columns([0.42, 0.58], gap="small")
        question, method = ask_which(possible, left), ask_method(right)
        result = scores_of(question, method, key="workbench")
        if result is not None:
            draw_scores(question, result, method, key="saliency")
            save_and_code("saliency", question.one.name, [kept_scores(question, result)], panel=True)
    state.write_address()
