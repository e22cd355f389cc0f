"""The Attention page: five sections, one file each. Only the open one is computed and drawn.

``shared`` holds what the sections have in common.
"""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway.requests import Opened
from components.shared.errors import explained_errors
from components.shared.questions import model_shown, short_names
from components.views.attention.ablation import draw_ablation
from components.views.attention.bertviz_views import draw_bertviz
from components.views.attention.beyond import draw_beyond
from components.views.attention.fields import AttentionFields
from components.views.attention.heads import draw_heads
from components.views.attention.roles import draw_roles
from components.views.attention.shared import Subject

__all__ = ["AttentionFields", "draw_attention_page"]

_SECTIONS = {
    "heads": ("Heads", draw_heads),
    "beyond": ("Beyond the weights", draw_beyond),
    "roles": ("What each head does", draw_roles),
    "ablation": ("Switch heads off", draw_ablation),
    "bertviz": ("BertViz", draw_bertviz),
}


@st.fragment
def draw_attention_page(opened: list[Opened]) -> None:
    """Cost: one forward pass per text and model for the weights; each section states its additional cost."""
    state.redraw_page_if_asked()
    one = model_shown(opened)
    left, right = st.columns([0.68, 0.32], gap="small", vertical_alignment="center")
    left.segmented_control(
        "Section",
        list(_SECTIONS),
        format_func=lambda section: _SECTIONS[section][0],
        label_visibility="collapsed",
        **state.bind("section", AttentionFields, options=_SECTIONS),
    )
    if len(opened) > 1:
        names = short_names(opened)
        right.segmented_control(
            "Model",
            list(names),
            format_func=names.__getitem__,
            label_visibility="collapsed",
            **state.bind("shown_model", options=names, shown=one.role),
        )
    with explained_errors():
        draw = _SECTIONS[state.fields(AttentionFields).section][1]
        draw(Subject.of(opened, one))
    state.write_address()
