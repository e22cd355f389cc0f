"""The What if page: four sections, one file each. Only the open one is computed and drawn."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from components import state
from components.gateway.requests import Opened
from components.shared.errors import explained_errors
from components.views.what_if.ask import ask_what
from components.views.what_if.editor import draw_editor
from components.views.what_if.fields import WhatIfFields
from components.views.what_if.reduction import draw_reduction
from components.views.what_if.smallest import draw_smallest
from components.views.what_if.tracing import draw_tracing

__all__ = ["WhatIfFields", "draw_what_if_page"]

_STYLE = (Path(__file__).parent / "what_if.css").read_text(encoding="utf-8")
_SECTIONS = {
    "edit": ("Edit", draw_editor),
    "smallest": ("Smallest change", draw_smallest),
    "reduction": ("Input reduction", draw_reduction),
    "tracing": ("Where the difference lives", draw_tracing),
}


@st.fragment
def draw_what_if_page(opened: list[Opened]) -> None:
    """Cost: one pass per variant, one for suggestions; searches and traces state their cost next to the button."""
    state.redraw_page_if_asked()
    st.html(f"<style>{_STYLE}</style>")
    st.segmented_control(
        "Section",
        list(_SECTIONS),
        format_func=lambda section: _SECTIONS[section][0],
        label_visibility="collapsed",
        **state.bind("section", WhatIfFields, options=_SECTIONS),
    )
    section = state.fields(WhatIfFields).section
    with explained_errors():
        asked = ask_what(opened, refine=section != "reduction", foil=section == "tracing")
        if asked is not None:
            _SECTIONS[section][1](asked)
    state.write_address()
