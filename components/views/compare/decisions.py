"""What both sides decide, and so what can be compared or explained for both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import compute
from components.gateway.opened import Opened
from components.shared.questions import KINDS, Question, questions
from components.views.compare.sides import Asked

if TYPE_CHECKING:
    import glassbert as gb

__all__ = ["HEAD_OF", "ask_decision", "common_questions", "heads_of"]

#: Kind of question → the head that answers it.
HEAD_OF = {
    "class": "classification",
    "mask": "masked_words",
    "next": "next_sentence",
    "token": "token_classification",
    "start": "question_answering",
    "end": "question_answering",
}


def common_questions(asked: Asked) -> dict[str, Question]:
    """Kind → question to the first side, of those that the second has a head for too."""
    return {
        kind: question
        for kind, question in questions(asked.opened, [asked.first]).items()
        if HEAD_OF[kind] in asked.second.model.heads
    }


def ask_decision(possible: dict[str, Question], slots: list[st.delta_generator.DeltaGenerator]) -> gb.Target:
    """The controls of what is explained on both sides, and what they say."""
    slots[0].selectbox(
        "Explain",
        list(possible),
        format_func=KINDS.__getitem__,
        **state.bind("explain", options=dict.fromkeys(possible)),
    )
    chosen = state.view().explain
    question = possible[chosen if chosen in possible else next(iter(possible))]
    target = question.target
    if question.kind in ("class", "token"):
        labels = dict.fromkeys(("", *question.one.model.labels))
        slots[1].selectbox(
            "Why",
            list(labels),
            format_func=lambda label: label or "what the first decides",
            **state.bind("label", options=labels),
        )
        label = state.view().label
        return replace(target, label=(label if label in labels else "") or None)
    if question.kind == "mask":
        slots[1].text_input("Why this word", placeholder="the first side's choice", **state.bind("word"))
        return replace(target, token=state.view().word.strip() or None)
    return target


def heads_of(one: Opened) -> str:
    """ "masked words, next sentence", or that there is none; plain text."""
    compute.library()
    from glassbert.families import HEADS

    return ", ".join(HEADS[head] for head in one.model.heads) or "no trained head"
