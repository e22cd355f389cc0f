"""What the sections of the Masked words page have in common: the clickable sentence, and where the gaps are."""

from __future__ import annotations

import re

import numpy as np
import streamlit as st

from components import state
from components.gateway import inputs
from components.gateway.requests import Opened, TextRequest, version_of
from components.shared.selection import select_token, selected_in, shown_index, shown_positions, strip_tokens
from components.text import plain
from components.widgets.token_strip import clicked_token, token_strip

__all__ = ["SHOWN_WORDS", "gap_chooser", "say_if_words_are_left_out", "sentence_strip", "words_asked"]

#: More words than this cannot be read side by side.
SHOWN_WORDS = 12


def words_asked(text: str) -> tuple[str, ...]:
    """``"he, she ,they" → (he, she, they)``: separated by commas or line breaks, duplicates dropped."""
    return _words(text)[:SHOWN_WORDS]


def say_if_words_are_left_out(text: str) -> None:
    """A line on the page if `words_asked` does not take all of them."""
    count = len(_words(text))
    if count > SHOWN_WORDS:
        st.caption(f"The first {SHOWN_WORDS} of {count:,} words are compared.")


def _words(text: str) -> tuple[str, ...]:
    words = (word.strip() for word in re.split(r"[,;\n]", text))
    return tuple(dict.fromkeys(word for word in words if word))


def sentence_strip(opened: list[Opened], one: Opened, label: str) -> int | None:
    """The sentence to select a position in; returns it: the selected token, else the first typed gap."""
    view = state.view()
    request = one.text(view)
    encoded = inputs.encode(request)
    positions = shown_positions(encoded, view.special)
    version = version_of(request, view.special)
    selected = selected_in(opened, one)
    token_strip(
        strip_tokens(encoded, one.model, positions),
        key="sentence",
        label=label,
        selected=shown_index(positions, selected),
        version=version,
        on_select=select_token("sentence", version, positions, clicked_token, request, opened[0].text(view)),
    )
    if selected is not None and not encoded.special_tokens_mask[selected]:
        return selected
    gaps = np.flatnonzero(np.asarray(encoded.tokens) == one.model.mask_token)
    if len(gaps):
        return int(gaps[0])
    st.info("Select a word to mask it and let the model predict it from the rest, or type [MASK] in the text.")
    return None


def gap_chooser(one: Opened, request: TextRequest, place: int) -> str:
    """The name of the position for captions, "superb" or "the gap", safe in Markdown."""
    encoded = inputs.encode(request)
    token = encoded.tokens[place]
    return "the gap" if token == one.model.mask_token else f"“{plain(encoded.pieces[place])}”"
