"""How far the methods agree on this text, and their consensus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import state
from components.gateway import code, saliency
from components.gateway.requests import version_of
from components.gateway.saliency import Explanations
from components.shared.plots import draw_chart
from components.shared.questions import Question
from components.shared.save_and_code import Kept, save_and_code
from components.shared.selection import dark_page, select_token, selected_in
from components.text import plain
from components.views.saliency.fields import SaliencyFields
from components.views.saliency.rows import kept_scores, shown_units
from components.widgets.token_strip import Token, clicked_token, token_strip

if TYPE_CHECKING:
    from glassbert.evaluation.results import MethodAgreement

__all__ = ["draw_agreement"]

_MEASURES = {"kendall": "Kendall's τ", "overlap": "Top tokens in common"}


def draw_agreement(question: Question, explanations: Explanations, methods: list[str]) -> None:
    """Cost: none beyond the scores already computed."""
    from glassbert.pictures.matrices import agreement

    here = [explanations.scores[method] for method in methods if method in explanations.scores]
    if len(here) < 2:
        if len(methods) < 2:
            st.info("Agreement needs at least two methods: choose another one above.")
        elif explanations.lacking(methods):
            st.info("Agreement needs the scores of at least two methods, which **Explain** computes.")
        else:
            st.info("Agreement needs at least two methods that can explain this: choose another one above.")
        return
    result = saliency.method_agreement(here)
    known = saliency.methods()
    left, right = st.columns([0.5, 0.5], gap="large")
    with left:
        st.markdown("**Agreement between methods**")
        st.segmented_control(
            "Measure",
            list(_MEASURES),
            format_func=_MEASURES.__getitem__,
            label_visibility="collapsed",
            **state.bind("agreement", SaliencyFields, options=_MEASURES),
        )
        measure = state.fields(SaliencyFields).agreement
        values = result.overlap if measure == "overlap" else result.kendall
        draw_chart(
            agreement(
                values.tolist(),
                [known[score.method].label for score in here],
                signed=measure != "overlap",
                dark=dark_page(),
            ),
            key="agreement",
        )
        st.caption(
            f"The share of the {result.top_k} highest-scoring tokens that two methods have in common."
            if measure == "overlap"
            else "1: the same token order; 0: no relation; −1: the reverse order. Special tokens are left out."
        )
    with right:
        st.markdown("**Consensus**")
        _consensus(question, result)
    scores = kept_scores(question, explanations, [score.method for score in here])
    written = code.method_agreement([one.code for one in scores])
    save_and_code("agreement", question.one.name, [Kept.of("Agreement", written, result)])


def _consensus(question: Question, result: MethodAgreement) -> None:
    from glassbert.pictures.bars import score_bars

    encoded = result.encoded
    view = state.view()
    shown = shown_units(encoded, question.one, by_word=view.by_word)
    mean = shown.scores(result.consensus)
    # covariances between pieces of a word are not kept: their spreads are added, which is an upper bound
    spread = shown.scores(result.spread)
    version = version_of(question.key, "consensus", view.special, view.by_word, tuple(result.methods))
    selected = shown.of(selected_in(question.opened, question.one))
    tokens = [
        Token(unit.text, unit.kind, float(score), unit.joined, f"{unit.note}\nspread ± {wide:.2f}".strip())
        for unit, score, wide in zip(shown.tokens, mean, spread, strict=True)
    ]
    token_strip(
        tokens,
        key="consensus",
        label="Mean over methods for each token",
        selected=selected,
        version=version,
        legend="against · for",
        scale=float(np.abs(mean[[unit.kind != "special" for unit in shown.tokens]]).max(initial=0.0)) or None,
        signed=bool((mean < 0).any()),
        on_select=select_token("consensus", version, shown.firsts, clicked_token, question.request, question.main),
    )
    words = [index for index, unit in enumerate(shown.tokens) if unit.kind != "special"]
    draw_chart(
        score_bars(
            [shown.tokens[index].text for index in words],
            mean[words].tolist(),
            words.index(selected) if selected in words else None,
            named=True,
            spreads=spread[words].tolist(),
            share=True,
            height_px=230,
        ),
        key="consensus_bars",
    )
    doubtful = int((spread[words] > np.abs(mean[words])).sum())
    st.caption(
        plain(
            f"Each method's scores are divided by the sum of their magnitudes. Bars show the mean over methods, "
            f"lines ± one standard deviation; for {doubtful} of the {len(words)} bars the methods differ by more than "
            "the mean."
        )
        + " *Methods without negative scores can only count in favour.*"
    )
