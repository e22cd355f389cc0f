"""Which prediction is asked about: a class, a word at a typed gap, or the next sentence."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from components import state
from components.gateway.inputs import encode
from components.gateway.library import gb
from components.gateway.requests import Opened
from components.shared.questions import Question, Wording, ask_which, questions, refined
from components.shared.selection import selected_in
from components.text import plain

__all__ = ["ask_what", "decides"]

_WORDING = Wording(label="Probability of", word="Probability of the word")


def ask_what(opened: list[Opened], *, refine: bool, foil: bool) -> Question | None:
    """Draw the controls of the question and return it; None, with a hint, where nothing can be asked.

    ``refine`` also offers the class or word whose probability counts, ``foil`` the one to contrast it with.
    """
    possible = _possible(opened)
    if not possible:
        st.info(
            "Nothing to flip yet: type [MASK] in the text, type a second text, or open a classifier as second model. "
            "An edited text is tokenized again, so a selected word alone is not enough."
        )
        return None
    columns = st.columns([0.3, 0.25, 0.25, 0.2] if foil else [0.3, 0.3, 0.4])
    question = ask_which(possible, columns[0], "Prediction")
    return refined(question, *columns[1 : 3 if foil else 2], wording=_WORDING) if refine else question


def decides(question: Question) -> bool:
    """Whether the prediction is a decision that can change; where it is a score, says so."""
    if not (question.kind == "class" and question.one.model.regression):
        return True
    st.info(
        f"{plain(question.one.name)} is a regression: it predicts a score, and no class that could change. "
        "Compare the scores of edited texts in the section Edit."
    )
    return False


def _possible(opened: list[Opened]) -> dict[str, Question]:
    """The questions that still apply to an edited text; for a masked word, only a typed gap keeps its place."""
    found = {}
    for kind, question in questions(opened).items():
        if kind == "mask":
            gap = _typed_gap(opened, question.one)
            if gap is not None:
                found[kind] = replace(question, target=gb.MaskTarget(gap))
        elif kind in ("class", "next", "entity", "span"):
            found[kind] = question
    return found


def _typed_gap(opened: list[Opened], one: Opened) -> int | None:
    """The selected gap, else the first."""
    tokens = encode(one.text(state.view())).tokens
    gaps = [index for index, token in enumerate(tokens) if token == one.model.mask_token]
    selected = selected_in(opened, one)
    return selected if selected in gaps else next(iter(gaps), None)
