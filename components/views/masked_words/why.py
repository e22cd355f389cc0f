"""Why this word, or why this word rather than that: attribution over the other tokens."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway.library import gb
from components.gateway.requests import Opened
from components.shared.definitions import how_computed
from components.shared.questions import Question, ask_method, refined
from components.shared.receipts import offer_receipt
from components.shared.save_and_code import save_and_code
from components.shared.scores_view import draw_scores, kept_scores, scores_of
from components.views.masked_words.shared import sentence_strip


def draw_why(opened: list[Opened], one: Opened) -> None:
    """Cost: the passes that the method declares, see its help."""
    place = sentence_strip(opened, one, "Sentence: select the gap to explain")
    if place is None:
        return
    first, second, third = st.columns(3)
    # a word is tokenized as it would be at the gap, so "he" is RoBERTa's "Ġhe"
    question = Question("mask", opened, one, one.text(state.view()), gb.MaskTarget(place))
    question, method = refined(question, first, second), ask_method(third)
    with st.spinner(f"{method.label} …"):
        result = scores_of(question, method, key="why")
    if result is None:
        return
    draw_scores(question, result, method, key="why")
    checked = offer_receipt(question, method.id, key="why")
    with how_computed("Saliency"):
        st.markdown(
            r"""
The explained value is the logit of the word at the gap, $F(x) = z_a$, or a difference of two logits,
$F(x) = z_a - z_b$: then a positive score is evidence for $a$ and a negative one for $b$. Attribution is linear in $F$,
so the scores for the difference are those for $a$ minus those for $b$ (with the same steps of integrated gradients).
"""
        )
        st.latex(rf"F(x) = {result.value:.3f} \text{{ logits for this text}}")
    save_and_code("why", one.name, [kept_scores(question, result), *checked])
