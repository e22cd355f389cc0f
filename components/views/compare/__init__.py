"""The Compare page: five sections, one file each. Only the open one is computed and drawn.

``sides`` defines what is compared, ``words`` shows it aligned, ``decisions`` finds the questions both sides can answer,
``phrases`` puts changes into words.
"""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway.requests import Opened
from components.shared.errors import explained_errors
from components.views.compare.attention import draw_attention
from components.views.compare.fields import CompareFields
from components.views.compare.hidden import draw_hidden
from components.views.compare.masked import draw_masked
from components.views.compare.saliency import draw_saliency
from components.views.compare.sides import ask_what
from components.views.compare.summary import draw_summary

__all__ = ["CompareFields", "draw_compare_page"]

_SECTIONS = {
    "summary": ("Summary", draw_summary),
    "attention": ("Attention", draw_attention),
    "hidden": ("Hidden states", draw_hidden),
    "saliency": ("Saliency", draw_saliency),
    "masked": ("Masked words", draw_masked),
}


@st.fragment
def draw_compare_page(opened: list[Opened]) -> None:
    """Cost: two forward passes for attention, two for hidden states; saliency and masked words state theirs."""
    state.redraw_page_if_asked()
    with explained_errors():
        compared = ask_what(opened)
        if compared is not None:
            st.segmented_control(
                "Section",
                list(_SECTIONS),
                format_func=lambda section: _SECTIONS[section][0],
                label_visibility="collapsed",
                **state.bind("section", CompareFields, options=_SECTIONS),
            )
            if compared.same:
                st.info("Both sides are the same text on the same model: every difference is zero.")
            _SECTIONS[state.fields(CompareFields).section][1](compared)
    state.write_address()
