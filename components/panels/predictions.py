"""Panel 2: what the models answer: the word at a mask, the class, the next sentence, labels, an answer."""

from __future__ import annotations

import streamlit as st

from components import charts, compute, state
from components.frame import Opened
from components.panels._shared import explained_errors, select_token, selected_in, shown_index
from components.text import plain
from components.token_strip import clicked_token, token_strip
from components.tokens import shown_positions, strip_tokens


@st.fragment
def predictions_panel(opened: list[Opened]) -> None:
    """Cost: one forward pass a head that answers."""
    state.redraw_page_if_asked()
    st.subheader("Predictions", anchor=False)
    with explained_errors():
        _strip(opened)
    sections = {
        "masked_words": _masked_word,
        "classification": _classes,
        "next_sentence": _next_sentence,
        "token_classification": _token_labels,
        "question_answering": _answers,
    }
    answered = [(draw, one) for head, draw in sections.items() for one in opened if head in one.model.heads]
    for draw, one in answered:
        with explained_errors():
            draw(opened, one)
    if not answered:
        st.info("These models have no trained head, so there is nothing to predict; their attention is on the left.")
    state.write_address()


def _strip(opened: list[Opened]) -> None:
    """The sentence to click in; of the model that fills masks, if there is one."""
    view = state.view()
    one = next((one for one in opened if "masked_words" in one.model.heads), opened[0])
    request = one.text(view)
    encoded = compute.encode(request)
    positions = shown_positions(encoded, view.special)
    version = compute.version(request, view.special)
    token_strip(
        strip_tokens(encoded, one.model, positions),
        key="strip",
        label="Sentence: select a token to mask it",
        selected=shown_index(positions, selected_in(opened, one)),
        version=version,
        on_select=select_token("strip", version, positions, clicked_token, request, opened[0].text(view)),
    )


def _masked_word(opened: list[Opened], one: Opened) -> None:
    position = masked_position(opened, one)
    if position is None:
        st.caption(f"**Masked word**, {plain(one.name)}: select a word above and the model guesses it from the rest.")
        return
    request = one.text(state.view())
    prediction = compute.fill_mask(request, (position,))
    original = prediction.original_tokens[0]
    best, share = charts.readable(prediction.candidates[0][0]), float(prediction.probabilities[0, 0])
    if original:
        rank = int(prediction.original_ranks[0])
        told = (
            f"In place of **{plain(charts.readable(original))}**, which is the model's choice number {rank:,} "
            f"({plain(charts.percent(float(prediction.original_probabilities[0])))})"
        )
    else:
        told = f"At the gap, first choice **{plain(best)}** ({plain(charts.percent(share))})"
    st.caption(f"**Masked word**, {plain(one.name)}. {told}:")
    _chart(charts.candidates(prediction, 0), "candidates")
    st.caption(
        "A softmax over the whole vocabulary, from the words around the gap. *It says what is likely in this model's "
        "training texts, not what is true.*"
    )


def _classes(opened: list[Opened], one: Opened) -> None:
    result = compute.classify(one.text(state.view()))
    how = "one sigmoid a label" if result.multi_label else "a softmax over its labels"
    st.caption(f"**Class**, {plain(one.name)}: **{plain(result.labels[result.predicted])}**")
    _chart(charts.probabilities(result), "classes")
    st.caption(f"The classifier's probabilities, {how}. *A high number is confidence, not correctness.*")


def _next_sentence(opened: list[Opened], one: Opened) -> None:
    view = state.view()
    if not view.pair:
        return
    st.caption(f"**Next sentence**, {plain(one.name)}")
    _chart(charts.next_sentence(compute.next_sentence(one.text(view))), "next")
    st.caption("Whether text B follows text A in a document. *It is easiest when the topics differ.*")


def _token_labels(opened: list[Opened], one: Opened) -> None:
    result = compute.label_tokens(one.text(state.view()))
    found = [
        f"{plain(piece)} ({plain(result.labels[label])})"
        for piece, label, special in zip(
            result.encoded.pieces, result.predicted, result.encoded.special_tokens_mask, strict=True
        )
        if not special and result.labels[label] != "O"
    ]
    st.caption(f"**Labels**, {plain(one.name)}: {', '.join(found) or 'no token is labelled'}")
    position = selected_in(opened, one)
    if position is not None:
        st.caption(f"Labels of **{plain(result.encoded.pieces[position])}**:")
        _chart(charts.token_labels(result, position), "labels")


def _answers(opened: list[Opened], one: Opened) -> None:
    view = state.view()
    if not view.pair:
        st.caption(f"**Answer**, {plain(one.name)}: put the question in text A and the text to search in text B.")
        return
    st.caption(f"**Answer**, {plain(one.name)}: the best spans of text B")
    _chart(charts.answers(compute.answer(one.text(view))), "answers")
    st.caption("P(start) × P(end). *The model must choose a span, even where the text has no answer.*")


def masked_position(opened: list[Opened], one: Opened) -> int | None:
    """Where a word is asked for: the selected token, else the first gap that was typed."""
    encoded = compute.encode(one.text(state.view()))
    selected = selected_in(opened, one)
    if selected is not None and not encoded.special_tokens_mask[selected]:
        return selected
    gaps = [index for index, token in enumerate(encoded.tokens) if token == one.model.mask_token]
    return gaps[0] if gaps else None


def _chart(figure: object, key: str) -> None:
    st.plotly_chart(figure, key=key, config=charts.CONFIG, width="stretch")
