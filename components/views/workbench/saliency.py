"""Panel 3: which tokens drove the decision, by a method of choice."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway import saliency
from components.gateway.opened import Opened
from components.shared.questions import KINDS, Question, questions
from components.shared.scores_view import draw_scores
from components.shared.selection import explained_errors


@st.fragment
def saliency_panel(opened: list[Opened]) -> None:
    """Cost: from 1 forward pass to about 26 (integrated gradients), as the method declares."""
    state.redraw_page_if_asked()
    with explained_errors():
        possible = questions(opened)
        if not possible:
            st.info("There is no decision to explain yet: select a word, or open a model with a trained head.")
            return
        _controls(possible)
        view = state.view()
        kind = view.explain if view.explain in possible else next(iter(possible))
        asked = possible[kind]
        methods = saliency.methods()
        method = methods.get(view.method) or next(iter(methods.values()))
        result = saliency.attribute(asked.one.text(view), method.id, asked.target)
        draw_scores(opened, asked.one, result, method, key="saliency")
    state.write_address()


def _controls(possible: dict[str, Question]) -> None:
    methods = saliency.methods()
    left, right = st.columns([0.42, 0.58], gap="small")
    left.selectbox(
        "Explain",
        list(possible),
        format_func=KINDS.__getitem__,
        **state.bind("explain", options=possible),
    )
    right.selectbox(
        "Method",
        list(methods),
        format_func=lambda method: methods[method].label,
        **state.bind("method", options=methods),
    )
