"""Other questions about the same text, and what the model answers to each."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway import language
from components.gateway.models import duration, is_quick
from components.gateway.requests import Opened, TextRequest
from components.shared import charts
from components.text import plain, shortened
from components.views.question_answering.fields import AnswersFields
from components.views.question_answering.found import MOST, may_find_none

__all__ = ["draw_other_questions"]

_MOST_QUESTIONS = 8


def draw_other_questions(one: Opened) -> None:
    """One pass for each question; of a text in windows, none: too much for a side question."""
    view = state.view()
    request = one.whole(view)
    st.subheader("What if the question is changed?", anchor=False)
    st.text_area(
        "Other questions, one a line",
        placeholder=view.text,
        height=100,
        max_chars=2000,
        **state.bind("asked", AnswersFields),
    )
    lines = [line.strip() for line in state.fields(AnswersFields).asked.splitlines() if line.strip()]
    questions = list(dict.fromkeys(lines))[:_MOST_QUESTIONS]
    if not questions:
        st.caption("Ask the same in other words, or ask for something that the text does not say.")
        return
    tokens = len(language.answer(request, MOST, may_find_none()).encoded)
    if not is_quick(one.model, len(questions), tokens):
        st.caption(f"Takes {duration(one.model, len(questions), tokens)}.")
    rows = []
    for question in [view.text, *questions]:
        found = language.answer(TextRequest(one.request, question, view.pair), MOST, may_find_none())
        share = plain(charts.percent(float(found.span_probabilities[0])))
        answer = plain(shortened(found.answers[0] or "no answer", 80))
        rows.append(f"| {plain(shortened(question, 120))} | {answer} | {share} |")
    st.markdown("| Question | Answer | Probability |\n|---|---|---:|\n" + "\n".join(rows))
    if len(dict.fromkeys(lines)) > _MOST_QUESTIONS:
        st.caption(f"The first {_MOST_QUESTIONS} questions.")
