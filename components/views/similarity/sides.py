"""What each text's own words do for the cosine, by one method."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway.library import gb
from components.shared.errors import explained_errors
from components.shared.questions import Question, ask_method
from components.shared.receipts import offer_receipt
from components.shared.save_and_code import save_and_code
from components.shared.scores_view import draw_scores, kept_scores, scores_of
from components.views.similarity.encoder import Encoder

__all__ = ["draw_scores_of", "draw_sides"]


def draw_sides(encoder: Encoder) -> None:
    """Cost: what the method declares, for each text."""
    view = state.view()
    place, _ = st.columns([0.4, 0.6])
    method = ask_method(place)
    sides = {"A": (view.text, view.pair), "B": (view.pair, view.text)}
    for column, (name, (text, other)) in zip(st.columns(2, gap="large"), sides.items(), strict=True):
        with column, explained_errors():
            st.markdown(f"**Text {name}**, with the other text as it is")
            target = gb.SimilarityTarget(other, pooling=encoder.pooling)
            draw_scores_of(encoder, text, target, method, key=f"similar_{name.lower()}")


def draw_scores_of(
    encoder: Encoder, text: str, target: gb.SimilarityTarget, method: gb.Method, *, key: str, panel: bool = True
) -> None:
    """The scores of one text's tokens, with a receipt on a click."""
    question = Question("similarity", [encoder.one], encoder.one, encoder.text(text), target)
    with st.spinner(f"{method.label} …"):
        result = scores_of(question, method, key=key)
    if result is None:
        return
    draw_scores(question, result, method, key=key, linked=False)
    checked = offer_receipt(question, method.id, key=key)
    save_and_code(key, encoder.one.name, [kept_scores(question, result), *checked], panel=panel)
