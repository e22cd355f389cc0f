"""Panel 2: what the models predict: the word at a mask, the class, the next sentence, labels, an answer, replaced
tokens."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from components import state
from components.gateway import code, inputs, language, what_if
from components.gateway.requests import Opened, version_of
from components.shared import charts
from components.shared.errors import explained_errors
from components.shared.plots import draw_chart
from components.shared.questions import texts_told
from components.shared.save_and_code import Kept, save_and_code
from components.shared.selection import (
    masked_position,
    second_in,
    select_token,
    selected_in,
    shown_index,
    shown_positions,
    strip_tokens,
)
from components.text import plain
from components.widgets.token_strip import clicked_second, clicked_token, token_strip


@dataclass(frozen=True, slots=True, eq=False)
class _Subject:
    """One question to one model, the other open models, and how many answers to show."""

    opened: list[Opened]
    one: Opened
    most: int


# With several answers on one panel each list is shorter, so that all fit on a screen.
_FEW, _MANY = 5, 8
_OFFERED = 4  # words to replace the selected one, in one line


@st.fragment
def predictions_panel(opened: list[Opened]) -> None:
    """Cost: one forward pass per head that answers."""
    state.redraw_page_if_asked()
    with explained_errors():
        _strip(opened)
    sections = {
        "next_sentence": _next_sentence,
        "masked_words": _masked_word,
        "classification": _classes,
        "token_classification": _token_labels,
        "question_answering": _answers,
        "replaced_tokens": _replaced,
    }
    if not state.view().pair:
        del sections["next_sentence"]
    answering = [(head, one) for head in sections for one in opened if head in one.model.task_heads]
    most = _FEW if len(answering) > 2 else _MANY
    for head, one in answering:
        with explained_errors():
            sections[head](_Subject(opened, one, most))
    if not answering:
        st.info("These models have no trained head, so there is nothing to predict; their attention is on the left.")
    with explained_errors():
        kept = [_kept(head, _Subject(opened, one, most)) for head, one in answering]
        names = " and ".join(dict.fromkeys(one.name for _, one in answering))
        save_and_code("predictions", names, [one for one in kept if one is not None], panel=True)
    state.write_address()


def _strip(opened: list[Opened]) -> None:
    """The clickable sentence, tokenized by the model that fills masks, if there is one."""
    view = state.view()
    one = next((one for one in opened if "masked_words" in one.model.task_heads), opened[0])
    request = one.text(view)
    encoded = inputs.encode(request)
    positions = shown_positions(encoded, view.special)
    version = version_of(request, view.special)
    token_strip(
        strip_tokens(encoded, one.model, positions),
        key="strip",
        label="Sentence: select a token to mask it",
        selected=shown_index(positions, selected_in(opened, one)),
        version=version,
        pairs=True,
        second=shown_index(positions, second_in(opened, one)),
        on_select=select_token(
            "strip", version, positions, clicked_token, request, opened[0].text(view), clicked_second
        ),
    )


def _masked_word(subject: _Subject) -> None:
    position = masked_position(subject.opened, subject.one)
    if position is None:
        _told(subject.one, "Masked word", "select a word above, and the model predicts it from the rest.")
        return
    prediction = language.fill_mask(subject.one.text(state.view()), (position,), subject.most)
    original = prediction.original_tokens[0]
    if original:
        share = charts.percent(float(prediction.original_probabilities[0]))
        rank = int(prediction.original_ranks[0])
        name = plain(charts.readable(original, prediction.encoded.spelling))
        told = f"with “{name}” hidden, the model ranks it **{charts.ordinal(rank)}** ({plain(share)})"
    else:
        told = "at the gap"
    _told(subject.one, "Masked word", told)
    _chart(charts.candidates(prediction, 0), f"candidates_{subject.one.role}")
    _replacements(subject, position)
    st.caption("Likely words; click one to put it into the text. *Likely in the training texts, not necessarily true.*")


def _replacements(subject: _Subject, position: int) -> None:
    """Whole words to put in the place of the selected one: a click changes the text. Cost: one forward pass."""
    request = subject.one.text(state.view())
    words = [word for word, _ in what_if.suggestions(request, request.model, (), position, _OFFERED)]
    if not words:
        return

    def replace(word: str) -> None:
        after = what_if.edited(request, ((position, "replace", word),))
        state.change(text=after.text, pair=after.pair or "", token=state.view().token)
        state.redraw_page()

    st.pills(
        "Put another word in its place",
        words,
        label_visibility="collapsed",
        width="stretch",
        **state.control("replacements", None, replace, options=words, of=version_of(request, position)),
    )


def _classes(subject: _Subject) -> None:
    request = subject.one.text(state.view())
    result = language.classify(request)
    if result.regression:
        scores = zip(result.labels, result.logits, strict=True)
        _told(subject.one, "Score", ", ".join(f"{plain(name)} **{plain(f'{score:.4g}')}**" for name, score in scores))
        _chart(charts.probabilities(result, subject.most), f"classes_{subject.one.role}")
        st.caption("The raw scores of a regression: they have no probability.")
        return
    view = state.view()
    _told(subject.one, "Class", f"**{plain(result.labels[result.decided(view.threshold)])}**{texts_told(request)}")
    _chart(charts.probabilities(result, subject.most, view.threshold), f"classes_{subject.one.role}")
    how = "each label by itself" if result.multi_label else "all labels sum to 100%"
    if view.decide_at != 50 and result.is_between_two:
        how = f"{plain(result.labels[1])} is predicted only above {view.decide_at}%"
    st.caption(f"The classifier's probabilities; {how}. *Confidence, not correctness.*")


def _next_sentence(subject: _Subject) -> None:
    result = language.next_sentence(subject.one.text(state.view()))
    _told(subject.one, "Next sentence", f"**{result.answer}**")
    _chart(charts.next_sentence(result), f"next_{subject.one.role}")
    st.caption("Trained to tell consecutive sentences from random pairs. *Easiest when the topics differ.*")


def _token_labels(subject: _Subject) -> None:
    entities = language.entities(subject.one.text(state.view()))
    found = [
        f"**{plain(surface)}** {plain(name)} {plain(charts.percent(float(share)))}"
        for surface, name, share in zip(entities.surfaces, entities.names, entities.probabilities, strict=True)
    ]
    more = f" and {len(found) - subject.most} more" if len(found) > subject.most else ""
    _told(subject.one, "Entities", (", ".join(found[: subject.most]) or "none in this text") + more)
    result = language.label_tokens(subject.one.text(state.view()))
    position = selected_in(subject.opened, subject.one)
    if position is None:
        st.caption("Select a token to see the probabilities of its labels.")
        return
    _chart(charts.token_labels(result, position, subject.most), f"labels_{subject.one.role}")
    st.caption(f"Labels of **{plain(result.encoded.pieces[position])}**. *Confidence, not correctness.*")


def _answers(subject: _Subject) -> None:
    view = state.view()
    if not view.pair:
        _told(subject.one, "Answer", "put the question in text A and the text to search in text B.")
        return
    _told(subject.one, "Answer", "the best spans of text B:")
    found = language.answer(subject.one.text(view), subject.most)
    _chart(charts.answers(found), f"answers_{subject.one.role}")
    forced = "“No answer” competes." if found.no_answer else "The model must choose a span, even where none answers."
    st.caption(f"Start probability times end probability. *{forced}*")


def _replaced(subject: _Subject) -> None:
    result = language.replaced_tokens(subject.one.text(state.view()))
    count = int((result.predicted & (result.encoded.special_tokens_mask == 0)).sum())
    looks = (
        "no token looks replaced" if not count else f"{count} {'token looks' if count == 1 else 'tokens look'} replaced"
    )
    _told(subject.one, "Replaced tokens", f"**{looks}**; the likeliest:")
    _chart(charts.replaced_tokens(result, subject.most), f"replaced_{subject.one.role}")
    st.caption("Trained to find words that a small model had put in. *Unlikely here, not necessarily wrong.*")


def _kept(head: str, subject: _Subject) -> Kept | None:
    """What a section shows, for "Save & code"; None where it has no answer yet."""
    request, most, name = subject.one.text(state.view()), subject.most, subject.one.name
    if head == "masked_words":
        position = masked_position(subject.opened, subject.one)
        if position is None:
            return None
        words = language.fill_mask(request, (position,), most)
        return Kept.of(f"Masked word, {name}", code.fill_mask(request, (position,), most), words)
    if head == "classification":
        classes = language.classify(request)
        return Kept.of(f"Classes, {name}", code.classify(request), classes)
    if head == "next_sentence":
        follows = language.next_sentence(request)
        return Kept.of(f"Next sentence, {name}", code.next_sentence(request), follows)
    if head == "token_classification":
        labels = language.label_tokens(request)
        return Kept.of(f"Labels, {name}", code.label_tokens(request), labels)
    if head == "replaced_tokens":
        replaced = language.replaced_tokens(request)
        return Kept.of(f"Replaced tokens, {name}", code.replaced_tokens(request), replaced)
    if not request.pair:
        return None
    answers = language.answer(request, most)
    return Kept.of(f"Answers, {name}", code.answer(request, most), answers)


def _told(one: Opened, what: str, told: str) -> None:
    st.markdown(f"**{what}** · {plain(one.name)} · {told}")


def _chart(figure: object, key: str) -> None:
    draw_chart(figure, key=key)
