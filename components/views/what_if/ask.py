"""What decides: a class, a word at a typed gap, or the next sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import compute
from components.gateway.compute import TextRequest
from components.gateway.opened import Opened
from components.shared.questions import KINDS, Question, questions
from components.shared.selection import selected_in

if TYPE_CHECKING:
    import glassbert as gb

__all__ = ["Asked", "ask_what"]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One decision of one model about the text."""

    opened: list[Opened]
    one: Opened
    kind: str
    request: TextRequest
    target: gb.Target

    @property
    def encoded(self) -> gb.Encoded:
        return compute.encode(self.request)

    @property
    def main(self) -> TextRequest:
        """The text of the model whose tokens the view counts."""
        return self.opened[0].text(state.view())

    @property
    def gap(self) -> int | None:
        """The token of the gap that is asked about, which no edit may touch."""
        return getattr(self.target, "position", None)

    @property
    def proposer(self) -> Opened | None:
        """Who knows which words fit: the first open model with a masked-word head."""
        return next((one for one in self.opened if "masked_words" in one.model.heads), None)


def ask_what(opened: list[Opened], *, refined: bool, foil: bool) -> Asked | None:
    """The controls of what is decided, and what they say; None, with a hint, where nothing can be asked.

    ``refined`` asks whose probability counts, ``foil`` also rather than whose.
    """
    possible = _possible(opened)
    if not possible:
        st.info(
            "There is no decision to turn yet: type [MASK] in the text, type a second text, or open a classifier "
            "beside. An edited text is read anew, so a selected word alone cannot be asked about."
        )
        return None
    kinds = list(possible)
    columns = st.columns([0.3, 0.25, 0.25, 0.2] if foil else [0.3, 0.3, 0.4])
    columns[0].selectbox(
        "What decides", kinds, format_func=KINDS.__getitem__, **state.bind("explain", options=dict.fromkeys(kinds))
    )
    view = state.view()
    question = possible[view.explain if view.explain in possible else kinds[0]]
    target = _refined(question, columns[1], columns[2] if foil else None) if refined else question.target
    return Asked(opened, question.one, question.kind, question.one.text(view), target)


def _refined(
    question: Question, second: st.delta_generator.DeltaGenerator, third: st.delta_generator.DeltaGenerator | None
) -> gb.Target:
    """The target with the class or word the visitor names; with a third column, rather than which."""
    target = question.target
    if question.kind == "class":
        target = replace(target, label=_label(question, second, "Probability of", "the predicted one", "label"))
        if third is not None:
            target = replace(target, foil=_label(question, third, "rather than", "no other", "foil_label"))
    elif question.kind == "mask":
        second.text_input("Probability of the word", placeholder="the first choice", **state.bind("word"))
        target = replace(target, token=state.view().word.strip() or None)
        if third is not None:
            third.text_input("rather than", placeholder="no other word", **state.bind("foil_word"))
            target = replace(target, foil=state.view().foil_word.strip() or None)
    return target


def _possible(opened: list[Opened]) -> dict[str, Question]:
    """The questions that an edited text can be asked; of a masked word only a typed gap keeps its place."""
    found = {}
    for kind, question in questions(opened).items():
        if kind == "mask":
            gap = _typed_gap(opened, question.one)
            if gap is not None:
                found[kind] = Question(kind, question.one, compute.library().MaskTarget(gap))
        elif kind in ("class", "next"):
            found[kind] = question
    return found


def _typed_gap(opened: list[Opened], one: Opened) -> int | None:
    """The selected gap, else the first."""
    tokens = compute.encode(one.text(state.view())).tokens
    gaps = [index for index, token in enumerate(tokens) if token == one.model.mask_token]
    selected = selected_in(opened, one)
    return selected if selected in gaps else next(iter(gaps), None)


def _label(
    question: Question, column: st.delta_generator.DeltaGenerator, title: str, none: str, field: str
) -> str | None:
    labels = dict.fromkeys(("", *question.one.model.labels))
    column.selectbox(title, list(labels), format_func=lambda label: label or none, **state.bind(field, options=labels))
    chosen = getattr(state.view(), field)
    return (chosen if chosen in labels else "") or None
