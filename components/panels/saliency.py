"""Panel 3: which tokens drove the decision, by a method of choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components import compute, state
from components.frame import Opened
from components.panels._shared import explained_errors
from components.panels.predictions import masked_position
from components.scores_view import draw_scores

if TYPE_CHECKING:
    import glassbert as gb

#: What can be explained → how the choice is called.
_EXPLAINED = {"class": "Class", "mask": "Masked word", "next": "Next sentence"}


@st.fragment
def saliency_panel(opened: list[Opened]) -> None:
    """Cost: from 1 forward pass to about 26 (integrated gradients), as the method declares."""
    state.redraw_page_if_asked()
    with explained_errors():
        possible = _possible(opened)
        if not possible:
            st.info("There is no decision to explain yet: select a word, or open a model with a trained head.")
            return
        _controls(possible)
        view = state.view()
        kind = view.explain if view.explain in possible else next(iter(possible))
        one, target = possible[kind]
        methods = compute.methods()
        method = methods.get(view.method) or next(iter(methods.values()))
        draw_scores(opened, one, compute.attribute(one.text(view), method.id, target), method, key="saliency")
    state.write_address()


def _possible(opened: list[Opened]) -> dict[str, tuple[Opened, gb.Target]]:
    """What these models decide about this text: kind → (model, target); the one the text asks for comes first."""
    gb = compute.library()
    view = state.view()
    possible: dict[str, tuple[Opened, gb.Target]] = {}
    gap_typed = False
    for one in opened:
        heads = one.model.heads
        if "classification" in heads:
            possible.setdefault("class", (one, gb.ClassTarget()))
        if "next_sentence" in heads and view.pair:
            possible.setdefault("next", (one, gb.NextSentenceTarget()))
        if "masked_words" in heads and (position := masked_position(opened, one)) is not None:
            possible.setdefault("mask", (one, gb.MaskTarget(position)))
            gap_typed |= one.model.mask_token in compute.encode(one.text(view)).tokens
    order = ["mask"] * gap_typed + ["next", "class", "mask"]
    return {kind: possible[kind] for kind in dict.fromkeys(order) if kind in possible}


def _controls(possible: dict[str, tuple[Opened, gb.Target]]) -> None:
    methods = compute.methods()
    left, right = st.columns([0.42, 0.58], gap="small")
    left.selectbox(
        "Explain",
        list(possible),
        format_func=_EXPLAINED.__getitem__,
        **state.bind("explain", options=possible),
    )
    right.selectbox(
        "Method",
        list(methods),
        format_func=lambda method: methods[method].label,
        **state.bind("method", options=methods),
    )
