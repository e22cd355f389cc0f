"""The Masked words page: six sections, one file each. Only the open one is computed and drawn."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway.requests import Opened
from components.shared.errors import explained_errors
from components.shared.questions import one_of
from components.views.masked_words.candidates import draw_candidates
from components.views.masked_words.fields import MaskedWordsFields
from components.views.masked_words.lens import draw_lens
from components.views.masked_words.probe import draw_probe
from components.views.masked_words.replaced import draw_replaced
from components.views.masked_words.surprise import draw_surprise
from components.views.masked_words.why import draw_why

__all__ = ["MaskedWordsFields", "draw_masked_page"]

_SECTIONS = {
    "candidates": ("Candidates", draw_candidates),
    "surprise": ("Surprise", draw_surprise),
    "lens": ("Layer by layer", draw_lens),
    "why": ("Why this word", draw_why),
    "probe": ("Template probe", draw_probe),
    "replaced": ("Replaced tokens", draw_replaced),
}


@st.fragment
def draw_masked_page(opened: list[Opened]) -> None:
    """Cost: one forward pass for candidates and lens; one input per token for the surprise."""
    state.redraw_page_if_asked()
    sections = {
        section: one
        for section in _SECTIONS
        for one in opened[::-1]
        if ("replaced_tokens" if section == "replaced" else "masked_words") in one.model.task_heads
    }
    if not sections:
        st.info(
            "No open model has a trained head for masked words or replaced tokens. The bundled model has one for "
            "masked words: choose it in the line under the text. For replaced tokens, open an ELECTRA discriminator "
            "by its hub id or folder."
        )
        st.button("Open GlassBERT pretrained", on_click=_open_pretrained)
        return
    st.segmented_control(
        "Section",
        list(sections),
        format_func=lambda section: _SECTIONS[section][0],
        label_visibility="collapsed",
        **state.bind("section", MaskedWordsFields, options=sections),
    )
    with explained_errors():
        section = one_of(sections, state.fields(MaskedWordsFields).section)
        _SECTIONS[section][1](opened, sections[section])
    state.write_address()


def _open_pretrained() -> None:
    state.change(model="pretrained")
    state.redraw_page()
