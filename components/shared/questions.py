"""What these models decide about this text, and so what there is to explain."""

from __future__ import annotations

from dataclasses import dataclass

from components import state
from components.gateway import inputs
from components.gateway.library import gb
from components.gateway.opened import Opened
from components.shared.selection import masked_position, selected_in

__all__ = ["KINDS", "Question", "questions"]

#: What can be explained → how the choice is called.
KINDS = {
    "class": "Class",
    "mask": "Masked word",
    "next": "Next sentence",
    "token": "Label of the selected token",
    "start": "Start of the answer",
    "end": "End of the answer",
}


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One decision of one model."""

    kind: str
    one: Opened
    target: gb.Target


def questions(opened: list[Opened], among: list[Opened] | None = None) -> dict[str, Question]:
    """Kind → question; the one the text asks for comes first. ``among`` asks only some of the open models."""
    view = state.view()
    found: dict[str, tuple[Opened, gb.Target]] = {}
    gap_typed = False
    for one in among or opened:
        heads = one.model.heads
        if "classification" in heads:
            found.setdefault("class", (one, gb.ClassTarget()))
        if "next_sentence" in heads and view.pair:
            found.setdefault("next", (one, gb.NextSentenceTarget()))
        if "masked_words" in heads and (position := masked_position(opened, one)) is not None:
            found.setdefault("mask", (one, gb.MaskTarget(position)))
            gap_typed |= one.model.mask_token in inputs.encode(one.text(view)).tokens
        if "token_classification" in heads and (position := _selected_word(opened, one)) is not None:
            found.setdefault("token", (one, gb.TokenTarget(position)))
        if "question_answering" in heads and view.pair:
            found.setdefault("start", (one, gb.AnswerTarget("start")))
            found.setdefault("end", (one, gb.AnswerTarget("end")))
    order = ["mask"] * gap_typed + ["start", "end", "next", "class", "token", "mask"]
    return {kind: Question(kind, *found[kind]) for kind in dict.fromkeys(order) if kind in found}


def _selected_word(opened: list[Opened], one: Opened) -> int | None:
    """The selected token, if it is not a special one; else the first word."""
    special = inputs.encode(one.text(state.view())).special_tokens_mask
    selected = selected_in(opened, one)
    return selected if selected is not None and not special[selected] else int((special == 0).argmax())
