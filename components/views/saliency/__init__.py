"""The Saliency page: methods side by side, how far they agree, and which to trust."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway.requests import Opened
from components.shared.errors import explained_errors
from components.shared.questions import questions
from components.views.saliency.agreement import draw_agreement
from components.views.saliency.ask import ask_what, choose_methods, run_controls
from components.views.saliency.board import draw_board
from components.views.saliency.fields import SaliencyFields
from components.views.saliency.rows import draw_rows
from components.views.saliency.teaching import draw_teaching
from components.views.saliency.whole import draw_whole

__all__ = ["SaliencyFields", "draw_saliency_page"]

_SECTIONS = {
    "rows": ("Side by side", draw_rows),
    "agreement": ("Do they agree?", draw_agreement),
    "board": ("Which to trust?", draw_board),
    "teaching": ("Broken examples", draw_teaching),
}


@st.fragment
def draw_saliency_page(opened: list[Opened]) -> None:
    """Cost: nothing before the button is pressed; then the cost stated next to it."""
    state.redraw_page_if_asked()
    with explained_errors():
        draw_whole(opened)
        possible = questions(opened)
        if not possible:
            st.info("Nothing to explain yet: select a word, or open a model with a trained head.")
            return
        question = ask_what(possible)
        tokens = len(question.encoded)
        methods = choose_methods()
        explanations = run_controls(question, methods, tokens)
        if not any(method in explanations.scores for method in methods):
            return
        st.segmented_control(
            "Section",
            list(_SECTIONS),
            format_func=lambda section: _SECTIONS[section][0],
            label_visibility="collapsed",
            **state.bind("section", SaliencyFields, options=_SECTIONS),
        )
        draw = _SECTIONS[state.fields(SaliencyFields).section][1]
        draw(question, explanations, methods)
    state.write_address()
