"""Why this word, or why this word rather than that: attribution over the other tokens."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway import compute
from components.gateway.opened import Opened
from components.shared.receipts import offer_receipt
from components.shared.scores_view import draw_scores
from components.views.masked_words.shared import sentence_strip


def draw_why(opened: list[Opened], one: Opened) -> None:
    """As many passes as the method declares, see its help."""
    place = sentence_strip(opened, one, "Sentence: select the gap to explain")
    if place is None:
        return
    gb, methods = compute.library(), compute.methods()
    first, second, third = st.columns(3)
    first.text_input("Why this word", placeholder="the first choice", **state.bind("word"))
    second.text_input("rather than", placeholder="no other word", **state.bind("foil_word"))
    third.selectbox(
        "Method",
        list(methods),
        format_func=lambda method: methods[method].label,
        **state.bind("method", options=methods),
    )
    view = state.view()
    # a word is read as it would stand there, so "he" is the "Ġhe" of RoBERTa
    target = gb.MaskTarget(place, view.word.strip() or None, view.foil_word.strip() or None)
    method = methods.get(view.method) or next(iter(methods.values()))
    with st.spinner(f"{method.label} …"):
        result = compute.attribute(one.text(view), method.id, target)
    draw_scores(opened, one, result, method, key="why")
    offer_receipt(one.text(view), method.id, target, key="why")
    with st.expander("How this is computed"):
        st.markdown(
            r"""
What is explained is the logit of the word at the gap, $F(x) = z_a$, or a difference of two, $F(x) = z_a - z_b$: then a
positive score speaks for $a$ and a negative one for $b$. Attribution is linear in $F$, so the scores for the difference
are those for $a$ minus those for $b$ (for the same steps of integrated gradients).
"""
        )
        st.latex(rf"F(x) = {result.value:.3f} \text{{ logits for this text}}")
