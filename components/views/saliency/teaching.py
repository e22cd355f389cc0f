"""Explanations broken on purpose: what a receipt looks like when the colours are meaningless."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import code, saliency
from components.gateway.library import gb
from components.gateway.models import is_quick
from components.gateway.requests import version_of
from components.gateway.saliency import Explanations
from components.shared.jobs import asked_for
from components.shared.plain_view import cost_ahead
from components.shared.questions import Question
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.saliency.fields import SaliencyFields
from components.views.saliency.rows import draw_row, in_words, shown_units

if TYPE_CHECKING:
    from glassbert.evaluation._broken import BrokenKind

__all__ = ["draw_teaching"]

_KINDS: dict[BrokenKind, tuple[str, str]] = {
    "random": ("Random scores", "drawn at random, unrelated to the text"),
    "flipped": ("Signs flipped", "evidence for the prediction is shown as evidence against it"),
    "other_sentence": ("From another sentence", "scores of another text, shown on this one"),
}


def draw_teaching(question: Question, explanations: Explanations, methods: list[str]) -> None:
    """Cost: one receipt, and one more run of the method for the scores of another sentence."""
    here = [method for method in methods if method in explanations.scores]
    known = saliency.methods()
    st.markdown("A meaningless explanation can look just as convincing. Break one and read its receipt.")
    first, second = st.columns([0.55, 0.45])
    first.segmented_control(
        "How to break it",
        list(_KINDS),
        format_func=lambda kind: _KINDS[kind][0],
        **state.bind("broken", SaliencyFields, options=_KINDS),
    )
    own = state.fields(SaliencyFields)
    kind, seed = own.broken, own.broken_seed
    method = second.selectbox(
        "Method", here, format_func=lambda method: known[method].label, key="broken_method", persist_state="session"
    )
    if kind == "random":
        st.button(
            "Draw again", icon=":material/casino:", on_click=lambda: state.change(SaliencyFields, broken_seed=seed + 1),
            key="broken_again",
        )  # fmt: skip
    model, tokens = question.one.model, len(question.encoded)
    _, checking = saliency.passes_needed([], [method], tokens)
    if not asked_for(
        "check_broken",
        version_of(question.key, method, kind, seed),
        is_quick(model, checking / 4, tokens),  # many of its inputs are short, and they share passes
        label="Check it",
        cost=cost_ahead(f"About {checking:,} passes on shorter texts.", model, checking / 2, tokens),
    ):
        return
    with st.spinner("Checking it …"):
        result, receipt = saliency.broken(question.request, method, question.target, question.output, kind, seed)
    name, told = _KINDS[kind]
    shown = shown_units(result.encoded, question.one, by_word=in_words())
    draw_row(
        question,
        shown,
        result,
        receipt,
        key="broken",
        title=f":red-badge[:material/warning: Broken on purpose] **{name}** · {told}",
    )
    honest: gb.Receipt | None = explanations.receipts.get(method)
    if honest is not None:
        st.markdown("For comparison, the explanation as computed:")
        draw_row(question, shown, explanations.scores[method], honest, key="honest")
    st.caption(plain("A broken explanation sometimes passes a check by chance, which is why a receipt has several."))
    scores = code.attribute(question.request, method, question.target, question.output)
    broken = code.broken(question.request.model, scores, kind, seed)
    kept = [
        Kept.of("Broken scores", broken, result),
        Kept.of("Their receipt", code.receipt(question.request.model, broken), receipt),
    ]
    save_and_code("teaching", question.one.name, kept)
