"""What both sides predict, and so what can be compared or explained for both."""

from __future__ import annotations

from components.gateway import models
from components.gateway.requests import Opened
from components.shared.questions import Question, Wording, questions
from components.views.compare.sides import Compared

__all__ = ["TASK_OF", "WORDING", "common_questions", "heads_of"]

#: Kind of question → the head that answers it.
TASK_OF = {
    "class": "classification",
    "mask": "masked_words",
    "next": "next_sentence",
    "entity": "token_classification",
    "token": "token_classification",
    "replaced": "replaced_tokens",
    "span": "question_answering",
    "start": "question_answering",
    "end": "question_answering",
}
#: The first side determines what is explained on both.
WORDING = Wording(no_label="the first side's prediction", no_word="the first side's top word")


def common_questions(compared: Compared) -> dict[str, Question]:
    """Kind → question to the first side, limited to those for which the second has a head too."""
    return {
        kind: question
        for kind, question in questions(compared.opened, [compared.first]).items()
        if TASK_OF[kind] in compared.second.model.task_heads
    }


def heads_of(one: Opened) -> str:
    """ "masked words, next sentence", or that there is none; plain text."""
    return models.heads_of(one.model) or "no trained head"
