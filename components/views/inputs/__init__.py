"""The Inputs page: four sections, one file each. Only the open one is computed and drawn."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway.requests import Opened
from components.shared.errors import explained_errors
from components.views.inputs.fields import InputsFields
from components.views.inputs.network import draw_network
from components.views.inputs.padding import draw_padding
from components.views.inputs.steps import draw_steps
from components.views.inputs.tokenizers import draw_tokenizers

__all__ = ["InputsFields", "draw_inputs_page"]

_SECTIONS = {
    "steps": ("From text to numbers", draw_steps),
    "padding": ("Padding", draw_padding),
    "tokenizers": ("Two tokenizers", draw_tokenizers),
    "network": ("The network", draw_network),
}


@st.fragment
def draw_inputs_page(opened: list[Opened]) -> None:
    """Cost: one forward pass; three in the padding section."""
    state.redraw_page_if_asked()
    st.segmented_control(
        "Section",
        list(_SECTIONS),
        format_func=lambda section: _SECTIONS[section][0],
        label_visibility="collapsed",
        **state.bind("section", InputsFields, options=_SECTIONS),
    )
    section = state.fields(InputsFields).section
    with explained_errors():
        _SECTIONS[section if section in _SECTIONS else "steps"][1](opened)
    state.write_address()
