"""The answer in its text, the next best ones, and where each token thinks that the answer starts and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import code, language, verdicts, windows
from components.gateway.models import is_quick
from components.gateway.requests import Opened, TextRequest, version_of
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.jobs import run_at_once_if_quick
from components.shared.plain_view import cost_ahead
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.question_answering.fields import AnswersFields
from components.widgets.marked_text import Mark, clicked_mark, marked_text

if TYPE_CHECKING:
    from glassbert.language.predictions import AnswerPrediction

__all__ = ["MOST", "chosen_answer", "draw_found", "may_find_none", "named", "other_answer"]

#: Answers that are listed.
MOST = 8
#: Below this probability, an answer is shown as unsure.
_SURE = 0.5
_NONE = {"": "As it was trained", "yes": "Yes", "no": "No"}


def draw_found(one: Opened) -> AnswerPrediction | None:
    """One forward pass, or one per window of a long text, behind a button unless they are quick."""
    request, none = one.whole(state.view()), may_find_none()
    count, longest = windows.passes(request)
    found = run_at_once_if_quick(
        "find_answers",
        version_of(request, none),
        is_quick(one.model, count, longest),
        lambda: language.answer(request, MOST, none),
        lambda: language.answer_of_long(request, MOST, none),
        label="Find the answer",
        cost=cost_ahead(f"{count:,} passes of up to {longest:,} tokens.", one.model, count, longest),
    )
    if found is None:
        return None
    left, right = st.columns([0.58, 0.42], gap="large")
    with left:
        best = named(found, 0)
        share = plain(charts.percent(float(found.span_probabilities[0])))
        said = "The model finds **no answer** in the text" if not found.answers[0] else f"Answer: **{plain(best)}**"
        st.markdown(f"{said} ({share}) · {plain(one.name)}")
        _draw_text(request, found)
        st.caption(
            "The answers the model thinks of, marked where they do not overlap; dashed: a probability below "
            f"{_SURE:.0%}. Choose one to see why. *{_forced(found)}*"
        )
        if limits := verdicts.about_probabilities(one.model):
            st.caption(plain(limits))
    with right:
        st.markdown("**The best answers**")
        draw_chart(charts.answers(found), key="best_answers")
        _ask_none(one)
    computed = code.answer(request, MOST, none, windows=count > 1)
    if not len(found.encoded.windows):
        st.markdown("**Where it starts, and where it ends**")
        context = found.encoded.sequence_ids == 1
        start, end = found.start_probabilities[context].tolist(), found.end_probabilities[context].tolist()
        draw_chart(charts.ends_of_answers(found, start, end), key="answer_ends")
        st.caption(
            "Each line is a softmax over the tokens of text B. An answer’s probability is the product of its two."
        )
    with how_computed("Answers"):
        st.markdown(
            "The head gives each token of text B a logit for being the start and one for being the end. A span of at "
            "most 30 tokens that does not end before it starts has the probability P(start) × P(end)."
        )
    save_and_code("answers", one.name, [Kept.of("Answers", computed, found)])
    return found


def _forced(found: AnswerPrediction) -> str:
    if found.no_answer:
        return "“No answer” competes with the spans."
    return "This model must choose a span, even where the text has no answer."


def named(found: AnswerPrediction, number: int) -> str:
    """An answer's text; "no answer" for none."""
    return found.answers[number] or "no answer"


def may_find_none() -> bool | None:
    """Whether "no answer" competes, as the visitor chose; None: as the model was trained."""
    return {"": None, "yes": True, "no": False}[state.fields(AnswersFields).none]


def chosen_answer(found: AnswerPrediction) -> int:
    """The answer that is explained."""
    return min(state.fields(AnswersFields).answer, len(found.answers) - 1)


def other_answer(found: AnswerPrediction, number: int) -> int:
    """The best answer that shares no token with this one; itself if there is none."""
    first, last = found.spans[number].tolist()
    others = [place for place in range(len(found.answers)) if place != number]
    apart = (place for place in others if found.spans[place, 1] < first or found.spans[place, 0] > last)
    return next(apart, number)


def _ask_none(one: Opened) -> None:
    knows = language.knows_no_answer(one.request)
    st.segmented_control(
        "May it find no answer?",
        list(_NONE),
        format_func=_NONE.__getitem__,
        help=(
            "Its name or its card says that it was trained on SQuAD 2.0, where a text may have no answer."
            if knows
            else "Its name and its card do not say that it was trained on questions without an answer."
        ),
        **state.bind("none", AnswersFields, options=_NONE),
    )


def _draw_text(request: TextRequest, found: AnswerPrediction) -> None:
    encoded, shown = found.encoded, []
    taken: set[int] = set()
    order = [chosen_answer(found), *range(len(found.answers))]
    for number in dict.fromkeys(order):
        first, last = found.spans[number].tolist()
        places = set(range(first, last + 1))
        if last and not places & taken:
            taken |= places
            shown.append((int(encoded.offsets[first, 0]), int(encoded.offsets[last, 1]), number))
    shown.sort()
    version = version_of(request, found.spans.tolist(), shown)

    def choose() -> None:
        clicked = clicked_mark(state.event("answers_text"), version, len(shown))
        if clicked is not None:
            number = shown[clicked][2]
            state.change(AnswersFields, answer=number, other_answer=-1)

    marks = []
    for start, stop, number in shown:
        share = float(found.span_probabilities[number])
        note = f"answer {number + 1}, {charts.percent(share)}"
        marks.append(Mark(start, stop, charts.percent(share), note, 0 if number == 0 else 1, share >= _SURE))
    chosen = next((place for place, (_, _, number) in enumerate(shown) if number == chosen_answer(found)), None)
    marked_text(
        encoded.texts[1],
        marks,
        key="answers_text",
        label="Text B with the answers; choose one to see why it is one",
        version=version,
        selected=chosen,
        on_select=choose,
    )
