"""Candidates for one or several gaps, and the probabilities of words the user types."""

from __future__ import annotations

import numpy as np
import streamlit as st

from components import state
from components.gateway import code, inputs, language
from components.gateway.language import score_words, whole_words
from components.gateway.library import gb
from components.gateway.requests import ModelRequest, Opened, version_of
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.errors import explained_errors
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.shared.selection import selected_in, shown_index, shown_positions, strip_tokens
from components.text import plain
from components.views.masked_words.fields import MaskedWordsFields
from components.views.masked_words.shared import say_if_words_are_left_out, words_asked
from components.widgets.token_strip import DESELECTED, Token, clicked_token, token_strip

_SHOWN = 10
_FETCHED = 60  # enough to fill the list when pieces inside words are left out
_MOST_GAPS = 6
_NONE = "none"  # all masks were removed; an empty field masks the selected token


def draw_candidates(opened: list[Opened], one: Opened) -> None:
    """Cost: one forward pass for all gaps together; typed words cost one more, plus one per piece."""
    own = state.fields(MaskedWordsFields)
    request = one.text(state.view())
    masks = _strip(opened, one)
    if not masks:
        _nothing_masked(opened, one)
        return
    left, right = st.columns([0.56, 0.44], gap="large")
    with left:
        first, second = st.columns(2)
        first.toggle(
            "Log scale", help="Small probabilities become visible.", **state.bind("log_scale", MaskedWordsFields)
        )
        second.toggle(
            "Whole words only",
            help="Leave out pieces that continue a word.",
            **state.bind("whole_words", MaskedWordsFields),
        )
        prediction = language.fill_mask(request, tuple(masks[:_MOST_GAPS]), _FETCHED)
        for row in range(len(prediction.positions)):
            _one_gap(one.request, prediction, row, own.whole_words, own.log_scale)
        if len(masks) > _MOST_GAPS:
            st.caption(f"The first {_MOST_GAPS} of {len(masks)} gaps are shown.")
    with right:
        asked = _asked_words(one, masks)
    _how(prediction)
    written = code.fill_mask(request, tuple(masks[:_MOST_GAPS]), _FETCHED)
    save_and_code("candidates", one.name, [Kept.of("Candidates", written, prediction), *asked])


def _nothing_masked(opened: list[Opened], one: Opened) -> None:
    """What will be here, and one click that fills it: the longest word is likely to carry meaning."""
    st.info("Click words to mask them, or type [MASK] in the text: the model's guesses appear here.")
    request, main = one.text(state.view()), opened[0].text(state.view())
    encoded = inputs.encode(request)
    words = [place for place in range(len(encoded)) if encoded.word_ids[place] >= 0]
    if not words:
        return
    longest = max(words, key=lambda place: len(encoded.pieces[place]))
    place = inputs.same_place(request, longest, main)

    def mask() -> None:
        state.change(MaskedWordsFields, masks=str(longest))
        state.change(token=-1 if place is None else place)

    st.button(
        f"Mask “{plain(encoded.pieces[longest])}”", icon=":material/format_shapes:", key="mask_one", on_click=mask
    )


def _strip(opened: list[Opened], one: Opened) -> list[int]:
    """The sentence; a click masks or unmasks a token. Returns the masked positions."""
    view = state.view()
    request, main = one.text(view), opened[0].text(view)
    encoded = inputs.encode(request)
    typed = {index for index, token in enumerate(encoded.tokens) if token == one.model.mask_token}
    selected = selected_in(opened, one)
    masked = state.fields(MaskedWordsFields).masks
    chosen = _masks(masked, encoded)
    if not masked and not typed and selected is not None:
        chosen = _masks(str(selected), encoded)
    positions = shown_positions(encoded, view.special)
    version = version_of(request, view.special, "masks")
    tokens = [
        Token("[MASK]", "masked", note=f"hides {token.text}") if position in chosen else token
        for position, token in zip(positions, strip_tokens(encoded, one.model, positions), strict=True)
    ]

    def toggled() -> None:
        index = clicked_token(state.event("masks"), version, len(positions))
        if index is None:
            return
        position = selected if index == DESELECTED else int(positions[index])
        if position is None or encoded.special_tokens_mask[position] or position in typed:
            return
        place = inputs.same_place(request, position, main)
        masks = " ".join(map(str, sorted(chosen ^ {position}))) or _NONE
        state.change(MaskedWordsFields, masks=masks)
        state.change(token=-1 if place is None else place)

    token_strip(
        tokens,
        key="masks",
        label="Sentence: click words to mask them",
        selected=shown_index(positions, selected),
        version=version,
        on_select=toggled,
    )
    return sorted(chosen | typed)


def _masks(written: str, encoded: gb.Encoded) -> set[int]:
    found = {int(part) for part in written.split() if part.isdecimal() and len(part) < 7}
    return {place for place in found if place < len(encoded) and not encoded.special_tokens_mask[place]}


def _one_gap(model: ModelRequest, prediction: gb.MaskPrediction, row: int, whole: bool, log: bool) -> None:
    original = prediction.original_tokens[row]
    place = int(prediction.positions[row])
    if original:
        rank = int(prediction.original_ranks[row])
        share = charts.percent(float(prediction.original_probabilities[row]))
        name = plain(charts.readable(original, prediction.encoded.spelling))
        told = f"“{name}” is ranked **{charts.ordinal(rank)}** ({plain(share)})"
    else:
        told = "a gap you typed"
    st.markdown(f"Token {place} · {told} · entropy {float(prediction.entropy[row]):.1f} bits")
    kept = whole_words(model, prediction, row) if whole else list(range(len(prediction.candidates[row])))
    figure = charts.candidates(prediction, row, kept[:_SHOWN], log=log)
    draw_chart(figure, key=f"gap_{row}")


def _asked_words(one: Opened, masks: list[int]) -> list[Kept]:
    """How likely is *nurse* here? At the first gap, with the others still masked."""
    own = state.fields(MaskedWordsFields)
    st.text_input(
        "How likely are these words?",
        placeholder="for example: he, she, they",
        help="Any words, separated by commas. For a word of several pieces: the product of the pieces' probabilities.",
        **state.bind("words", MaskedWordsFields),
    )
    words = words_asked(own.words)
    say_if_words_are_left_out(own.words)
    if not words:
        st.caption("Type one or more words, separated by commas.")
        return []
    place = masks[0] if len(masks) == 1 else st.selectbox("At token", masks, key="ask_place")
    with explained_errors():
        scores = score_words(one.text(state.view()), place, words)
        draw_chart(charts.words(scores, log=own.log_scale), key="asked")
        several = [word for word, pieces in zip(scores.words, scores.pieces, strict=True) if len(pieces) > 1]
        st.caption(
            "One piece: the softmax over the vocabulary at the gap, with the rank. "
            + (
                f"Several pieces ({plain(', '.join(several))}): the product over the pieces, later pieces hidden "
                "(Kauf & Ivanova 2023); one gap per piece tells the model the length, so compare like with like. "
                if several
                else ""
            )
            + "*Likely in the training texts, not necessarily true or fair.*"
        )
        return [Kept.of("Your words", code.score_words(one.text(state.view()), place, words), scores)]
    return []


def _how(prediction: gb.MaskPrediction) -> None:
    with how_computed("Masked words"):
        best = float(prediction.probabilities[0, 0])
        logit = float(prediction.logits[0, 0])
        st.markdown(
            r"""
A softmax over the vocabulary turns the head's logits $z$ at the gap into probabilities (Devlin et al. 2019):

$$p(w) = \frac{e^{z_w}}{\sum_v e^{z_v}}, \qquad H = -\sum_w p(w) \log_2 p(w)$$
"""
        )
        normaliser = logit - float(np.log(best))
        st.latex(
            rf"p(\text{{first choice}}) = e^{{{logit:.3f} - {normaliser:.3f}}} = {best:.4f}, \qquad "
            rf"\log \textstyle\sum_v e^{{z_v}} = {normaliser:.3f}"
        )
        if prediction.original_tokens[0]:
            share = float(prediction.original_probabilities[0])
            st.markdown("The training loss at this gap, the cross-entropy of the original:")
            st.latex(rf"-\ln p(\text{{original}}) = -\ln {share:.5f} = {-np.log(max(share, 1e-38)):.3f} \text{{ nats}}")
