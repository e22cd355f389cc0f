"""What these models predict for this text, and so what can be explained, edited and compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, TypeVar
from zlib import crc32

from components import state
from components.gateway.inputs import encode
from components.gateway.language import (
    answer,
    classify,
    entities,
    entity_types,
    fill_mask,
    next_sentence,
    replaced_tokens,
)
from components.gateway.library import gb
from components.gateway.models import load
from components.gateway.requests import Opened, TextRequest, version_of
from components.gateway.saliency import methods, told
from components.shared.charts import readable
from components.shared.selection import masked_position, selected_in
from components.text import plain, shortened

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from glassbert.targets import Output

__all__ = [
    "KINDS",
    "Question",
    "Wording",
    "as_chosen",
    "ask_method",
    "ask_units",
    "ask_which",
    "keep_as_question_of_page",
    "model_shown",
    "one_of",
    "question_of_page",
    "questions",
    "refined",
    "short_names",
]

#: What can be explained → its label.
KINDS = {
    "class": "Class",
    "mask": "Masked word",
    "next": "Next sentence",
    "entity": "Entity",
    "token": "Label of the selected token",
    "replaced": "Replaced token",
    "span": "Answer",
    "start": "Start of the answer",
    "end": "End of the answer",
}
_UNITS: dict[Output, str] = {"logit": "Logit", "probability": "Probability"}
_T = TypeVar("_T")
# As many words as the Workbench shows: the pass is computed once.
_CHOICES = 8


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One prediction of one open model for one text, and its units. ``kind`` is one of `KINDS`."""

    kind: str
    opened: list[Opened]  # every open model, the main one first
    one: Opened
    request: TextRequest
    target: gb.Target
    output: Output = "logit"

    @property
    def key(self) -> str:
        """The question's key: equal questions have equal keys."""
        return version_of(self.request, self.target, self.output)

    @property
    def encoded(self) -> gb.Encoded:
        return encode(self.request)

    @property
    def main(self) -> TextRequest:
        """The text of the model whose tokens the view counts."""
        return self.opened[0].text(state.view())

    @property
    def gap(self) -> int | None:
        """The token of the gap being predicted, if there is one."""
        return self.target.position if isinstance(self.target, gb.MaskTarget) else None

    @property
    def proposer(self) -> Opened | None:
        """The model that suggests words: the first open model with a masked-word head."""
        return next((one for one in self.opened if "masked_words" in one.model.task_heads), None)


@dataclass(frozen=True, slots=True)
class Wording:
    """The labels of a target's controls, and their placeholders when nothing is selected."""

    label: str = "Why"
    no_label: str = ""  # "": the predicted label, by its name
    word: str = "Why this word"
    no_word: str = ""  # "": the first choice, by its name


def questions(opened: list[Opened], among: list[Opened] | None = None) -> dict[str, Question]:
    """Kind → question, the most suitable for the text first. ``among`` restricts them to some of the open models."""
    view = state.view()
    found: dict[str, tuple[Opened, gb.Target]] = {}
    gap_typed = False
    for one in among or opened:
        heads = one.model.task_heads
        if "classification" in heads:
            found.setdefault("class", (one, gb.ClassTarget(threshold=view.threshold)))
        if "next_sentence" in heads and view.pair:
            follows = next_sentence(one.text(view)).predicted == 0
            found.setdefault("next", (one, gb.NextSentenceTarget(is_next=follows)))
        if "masked_words" in heads and (position := masked_position(opened, one)) is not None:
            found.setdefault("mask", (one, gb.MaskTarget(position)))
            gap_typed |= one.model.mask_token in encode(one.text(view)).tokens
        if "token_classification" in heads and (position := _selected_word(opened, one)) is not None:
            found.setdefault("entity", (one, _entity_at(one, position)))
            found.setdefault("token", (one, gb.TokenTarget(position)))
        if "replaced_tokens" in heads:
            position = _selected_word(opened, one) if view.token >= 0 else None
            place = replaced_tokens(one.text(view)).most_suspicious if position is None else position
            found.setdefault("replaced", (one, gb.TokenTarget(place)))
        if "question_answering" in heads and view.pair:
            found.setdefault("span", (one, gb.SpanTarget()))
            found.setdefault("start", (one, gb.AnswerTarget("start")))
            found.setdefault("end", (one, gb.AnswerTarget("end")))
    order = ["mask"] * gap_typed + ["span", "start", "end", "entity", "next", "class", "token", "replaced", "mask"]
    return {
        kind: Question(kind, opened, one, one.text(view), target)
        for kind in dict.fromkeys(order)
        if kind in found
        for one, target in [found[kind]]
    }


def keep_as_question_of_page(question: Question) -> None:
    """What this page explains, with a model that need not be open elsewhere: what a report of the page is about."""
    kept = (state.page(), question.kind, question.one.name, question.request, question.target)
    state.remember("question_of_page", (*kept, (state.view().text, state.view().pair)))


def question_of_page(opened: list[Opened]) -> Question | None:
    """What the open page explains of this text, if it has said so."""
    page, kind, name, request, target, texts = state.remembered("question_of_page", ("",) * 6)
    if page != state.page() or texts != (state.view().text, state.view().pair):
        return None
    one = Opened("model", request.model, load(request.model), name)
    return Question(kind, [one, *opened], one, request, target)


def short_names(opened: list[Opened]) -> dict[str, str]:
    """By role, without the words that all names begin with: a switch in a narrow panel has no room for them."""
    words = [one.name.split() for one in opened]
    shared = len(list(takewhile(lambda same: len(set(same)) == 1, zip(*words, strict=False))))
    return {one.role: plain(" ".join(own[shared:]) or one.name) for one, own in zip(opened, words, strict=True)}


def model_shown(opened: list[Opened]) -> Opened:
    """The model whose attention is shown: the one that the user chose, else the one whose decision is explained."""
    view = state.view()
    chosen = next((one for one in opened if one.role == view.shown_model), None)
    if chosen is not None:
        return chosen
    possible = questions(opened)
    return possible[one_of(possible, view.explain)].one if possible else opened[0]


def _entity_at(one: Opened, position: int) -> gb.EntityTarget:
    """The entity that this token is part of; of none, the first entity, or the token if the text has no entity."""
    spans = entities(one.text(state.view())).spans.tolist()
    if not spans:
        return gb.EntityTarget(position, position + 1)
    return gb.EntityTarget(*next((span for span in spans if span[0] <= position < span[1]), spans[0]))


def _selected_word(opened: list[Opened], one: Opened) -> int | None:
    """The selected token, if it is not a special one; else the first word."""
    special = encode(one.text(state.view())).special_tokens_mask
    selected = selected_in(opened, one)
    return selected if selected is not None and not special[selected] else int((special == 0).argmax())


# --- controls --------------------------------------------------------------------------------------------------


def one_of(options: Iterable[_T], chosen: object) -> _T:
    """The option that equals ``chosen``, or the first if a link or a cleared widget gives something else."""
    known = list(options)
    return next((option for option in known if option == chosen), known[0])


def ask_which(possible: dict[str, Question], slot: DeltaGenerator, label: str = "Explain") -> Question:
    """Draw the control that selects the question, and return the selected one."""
    slot.selectbox(
        label,
        list(possible),
        format_func=KINDS.__getitem__,
        **state.bind("explain", options=possible, initial="index", whole_page=True),
    )
    return possible[one_of(possible, state.view().explain)]


def refined(question: Question, *slots: DeltaGenerator, wording: Wording | None = None) -> Question:
    """The question with the user's choices: which class or word, and, with a second slot, which one to contrast.

    Draws nothing if there is nothing to choose.
    """
    wording, target = wording or Wording(), question.target
    told: list[int | str | None]
    if question.kind == "replaced":  # a discriminator has one label
        return question
    if isinstance(target, gb.SpanTarget):
        foils = _other_answers(question)
        for slot in slots[1:2]:
            slot.selectbox(
                "Rather than",
                list(foils),
                format_func=lambda answer: answer or "none",
                **state.bind("foil_label", options=foils, initial="index"),
            )
        return replace(question, target=replace(target, foil=foils[one_of(foils, state.view().foil_label)]))
    if isinstance(target, gb.ClassTarget | gb.TokenTarget | gb.EntityTarget):
        none = wording.no_label or _predicted_label(question)
        controls = ((wording.label, none, "label"), ("Rather than", "none", "foil_label"))
        told = [_label(question, slot, *control) for slot, control in zip(slots, controls, strict=False)]
        return replace(question, target=replace(target, label=told[0], foil=told[1] if len(told) > 1 else None))
    if isinstance(target, gb.MaskTarget):
        none = wording.no_word or _first_choice(question, target.position)
        controls = ((wording.word, none, "word"), ("Rather than", "none", "foil_word"))
        told = [_word(slot, *control) for slot, control in zip(slots, controls, strict=False)]
        return replace(question, target=replace(target, token=told[0], foil=told[1] if len(told) > 1 else None))
    return question


def as_chosen(question: Question) -> Question:
    """The question with the choices of the view, as `refined` has them, without drawing any control."""
    view, target = state.view(), question.target
    if question.kind == "replaced":
        return question
    if isinstance(target, gb.SpanTarget):
        foils = _other_answers(question)
        return replace(question, target=replace(target, foil=foils[one_of(foils, view.foil_label)]))
    if isinstance(target, gb.ClassTarget | gb.TokenTarget | gb.EntityTarget):
        labels = _labels(question)
        label, foil = (_chosen_label(question, labels, name) for name in (view.label, view.foil_label))
        return replace(question, target=replace(target, label=label, foil=foil))
    if isinstance(target, gb.MaskTarget):
        return replace(
            question, target=replace(target, token=view.word.strip() or None, foil=view.foil_word.strip() or None)
        )
    return question


def _predicted_label(question: Question) -> str:
    """What is explained where no label is chosen. One pass, which the text bar shares."""
    if isinstance(question.target, gb.EntityTarget):
        return "the predicted type"
    if not isinstance(question.target, gb.ClassTarget) or question.one.model.regression:
        return "the predicted label"
    found = classify(question.request)
    return f"{found.labels[found.decided(question.target.threshold)]} (predicted)"


def _first_choice(question: Question, position: int) -> str:
    """The same for a word. One pass, which the Workbench shares."""
    found = fill_mask(question.request, (position,), _CHOICES)
    return f"{readable(found.candidates[0][0], found.encoded.spelling)} (first choice)"


def _label(question: Question, slot: DeltaGenerator, title: str, none: str, field: str) -> int | str | None:
    labels = _labels(question)
    slot.selectbox(
        title,
        list(labels),
        format_func=lambda label: label or none,
        # the browser keeps the words of an option: where the answer is another one, the widget is
        **state.bind(field, options=labels, initial="index", of=f"{crc32(none.encode()):08x}"),
    )
    return _chosen_label(question, labels, getattr(state.view(), field))


def _other_answers(question: Question) -> dict[str, tuple[int, int] | None]:
    """The next best answers by their text → their span; "" is none. One pass, which the Workbench shares."""
    found = answer(question.request, _CHOICES)
    others = list(zip(found.answers, found.spans.tolist(), strict=True))[1:]
    foils: dict[str, tuple[int, int] | None] = {"": None}
    for text, (first, last) in others:
        if (name := clipped_answer(text)) != clipped_answer(found.answers[0]):
            foils.setdefault(name, (first, last))
    return foils


def clipped_answer(text: str) -> str:
    """An answer as a control names it."""
    return shortened(text, 60) or "no answer"


def _labels(question: Question) -> dict[str, int | str | None]:
    """What can be chosen → its id: labels by name, or by name and id where names repeat; "" is none."""
    labels: dict[str, int | str | None] = {"": None}
    if isinstance(question.target, gb.EntityTarget):
        return labels | {name: name for name in entity_types(question.one.request)}
    names = question.one.model.labels
    return labels | {name if names.count(name) == 1 else f"{name} ({id})": id for id, name in enumerate(names)}


def _chosen_label(question: Question, labels: dict[str, int | str | None], name: str) -> int | str | None:
    chosen = one_of(labels, name)
    return chosen if chosen in question.one.model.labels else labels[chosen]


def _word(slot: DeltaGenerator, title: str, none: str, field: str) -> str | None:
    slot.text_input(title, placeholder=none, **state.bind(field))
    written: str = getattr(state.view(), field)
    return written.strip() or None


def ask_units(question: Question, slot: DeltaGenerator) -> Output:
    """Draw the control of the units, and return its value. A regression has scores only, and no control."""
    if question.one.model.regression and isinstance(question.target, gb.ClassTarget):
        return "logit"
    slot.selectbox(
        "Units",
        list(_UNITS),
        format_func=_UNITS.__getitem__,
        **state.bind("units", options=_UNITS, initial="index"),
    )
    return one_of(_UNITS, state.view().units)


def texts_told(request: TextRequest) -> str:
    """What a decision was made from, where that is not plain: both texts."""
    return " (texts A and B)" if request.pair else ""


def ask_method(slot: DeltaGenerator) -> gb.Method:
    """Draw the control of the attribution method, and return its value."""
    known = methods()
    names = {method_id: told(method) for method_id, method in known.items()}
    slot.selectbox(
        "Method",
        list(known),
        format_func=names.__getitem__,
        **state.bind("method", options=known, initial="index"),
    )
    return known[one_of(known, state.view().method)]
