"""Why one answer rather than another: the words it leans on, and the attention between question and text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import state
from components.gateway import inputs, windows
from components.gateway.library import gb
from components.gateway.requests import Opened, TextRequest
from components.shared.changed_words import draw_changes, search_for_changes
from components.shared.crossing import draw_crossing
from components.shared.questions import Question, ask_method, keep_as_question_of_page
from components.shared.receipts import offer_receipt
from components.shared.save_and_code import save_and_code
from components.shared.scores_view import draw_scores, kept_scores, scores_of
from components.text import plain, shortened
from components.views.question_answering.fields import AnswersFields
from components.views.question_answering.found import chosen_answer, named, other_answer

if TYPE_CHECKING:
    from glassbert.language.predictions import AnswerPrediction

__all__ = ["draw_why"]


def draw_why(one: Opened, found: AnswerPrediction) -> None:
    """Cost: the method's passes, one for the attention, a search and a receipt on request."""
    number = chosen_answer(found)
    st.subheader(f"Why “{plain(shortened(named(found, number), 60))}”?", anchor=False)
    first, second, third = st.columns([0.3, 0.3, 0.4])
    number, foil = _asked(found, number, first, second)
    method = ask_method(third)
    placed = _where(one, found, number, foil)
    if placed is None:
        st.info(
            "No pass of this model reads the question and both places: choose an answer by itself, or shorten the "
            "question."
        )
        return
    part, request, target = placed
    question = Question("span", [part], part, request, target)
    keep_as_question_of_page(question)
    left, right = st.columns([0.56, 0.44], gap="large")
    with left:
        with st.spinner(f"{method.label} …"):
            result = scores_of(question, method, key="span")
        if result is not None:
            draw_scores(question, result, method, key="span", linked=False)
            st.caption(_share(result))
            checked = offer_receipt(question, method.id, key="span")
            save_and_code("span", one.name, [kept_scores(question, result), *checked])
        st.markdown("**What changes the answer?**")
        asked = replace(question, target=replace(target, foil=None))
        search = search_for_changes(asked, key="answer_flip", label="Search")
        if search is not None:
            draw_changes(asked, search, kept="it stays the answer", key="answer_flip")
    with right:
        st.markdown("**Attention between question and text**")
        draw_crossing(part)


def _asked(found: AnswerPrediction, number: int, *slots: st.delta_generator.DeltaGenerator) -> tuple[int, int | None]:
    names = {place: f"{place + 1}. {shortened(named(found, place), 50)}" for place in range(len(found.answers))}
    slots[0].selectbox(
        "Why",
        list(names),
        format_func=names.__getitem__,
        **state.bind("answer", AnswersFields, options=names, shown=number, initial="index"),
    )
    other = state.fields(AnswersFields).other_answer
    foils = {number: "by itself"} | {place: name for place, name in names.items() if place != number}
    if other not in foils:
        other = other_answer(found, number)
    slots[1].selectbox(
        "Rather than",
        list(foils),
        format_func=foils.__getitem__,
        **state.bind("other_answer", AnswersFields, options=foils, shown=other, initial="index"),
    )
    return number, None if other == number else other


def _where(
    one: Opened, found: AnswerPrediction, number: int, foil: int | None
) -> tuple[Opened, TextRequest, gb.SpanTarget] | None:
    """The model with the text that one pass reads around an answer, and where it and its foil are in it; None if no
    part of the text shows both."""
    view, none = state.view(), found.no_answer
    spans = [found.spans[each].tolist() for each in (number, *([] if foil is None else [foil]))]
    if not len(found.encoded.windows):
        whole = replace(one, part=None)
        other = (spans[1][0], spans[1][1]) if len(spans) > 1 else None
        return whole, whole.whole(view), gb.SpanTarget(spans[0][0], spans[0][1], other, none)
    offsets = found.encoded.offsets
    places = [(int(offsets[first, 0]), int(offsets[last, 1])) for first, last in spans if last]
    middle = (min(start for start, _ in places) + max(stop for _, stop in places)) // 2 if places else 0
    shown = replace(view, window=windows.part_around(one.whole(view), 1, middle))
    here = windows.in_part([replace(one, part=None)], shown)[0]
    if here.part is None or here.part.which != 1:
        return None
    request = here.text(shown)
    moved = [_in_part(request, here.part.start, *place) for place in places]
    if any(one is None for one in moved):
        return None
    (first, last), *rest = [one for one in moved if one is not None]
    return here, request, gb.SpanTarget(first, last, rest[0] if rest else None, no_answer=False)


def _in_part(request: TextRequest, begins: int, start: int, stop: int) -> tuple[int, int] | None:
    """The first and last token of these characters of the whole text B."""
    inside = inputs.tokens_at(request, 1, max(start - begins, 0), stop - begins)
    return (int(inside[0]), int(inside[-1])) if len(inside) and start >= begins else None


def _share(result: gb.TokenScores) -> str:
    """How the scores are divided between question, answer and the rest of the text."""
    encoded, target = result.encoded, result.target
    assert isinstance(target, gb.SpanTarget)
    magnitudes = np.abs(result.scores.astype(np.float64)) * (encoded.special_tokens_mask == 0)
    total = max(float(magnitudes.sum()), 1e-12)
    asked = float(magnitudes[encoded.sequence_ids == 0].sum()) / total
    own = float(magnitudes[target.start : (target.end or 0) + 1].sum()) / total if target.end else 0.0
    return (
        f"Of these scores, **{asked:.0%}** are on the question, **{own:.0%}** on the answer itself and "
        f"{max(1 - asked - own, 0):.0%} on the rest of the text."
    )
