"""The tokens on screen, and the selected one in every model's own tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import streamlit as st

from components import state
from components.gateway import inputs
from components.gateway.library import gb
from components.gateway.requests import Opened, TextRequest
from components.widgets.token_strip import DESELECTED, Token

__all__ = [
    "dark_page",
    "masked_position",
    "second_in",
    "select_token",
    "selected_in",
    "shown_index",
    "shown_positions",
    "strip_tokens",
]

# Clicks that Streamlit brings with one run are handled within this time.
_ONE_RUN = 0.5


def shown_positions(encoded: gb.Encoded, special: bool) -> np.ndarray:
    """The token positions on screen: all, or all but the special tokens."""
    return np.arange(len(encoded)) if special else np.flatnonzero(encoded.special_tokens_mask == 0)


def strip_tokens(
    encoded: gb.Encoded, model: gb.Model, positions: np.ndarray, scores: np.ndarray | None = None
) -> list[Token]:
    """One strip token for each shown position."""
    return [
        Token(
            text=encoded.pieces[position],
            kind=_kind(encoded, model, position),
            score=None if scores is None else float(scores[position]),
            joined=_continues_a_word(encoded, position),
            note=f"token {position}, id {encoded.input_ids[position]}, in the vocabulary: {encoded.tokens[position]}",
        )
        for position in map(int, positions)
    ]


def _continues_a_word(encoded: gb.Encoded, position: int) -> bool:
    words = encoded.word_ids
    return position > 0 and bool(words[position] >= 0 and words[position] == words[position - 1])


def _kind(
    encoded: gb.Encoded, model: gb.Model, position: int
) -> Literal["special", "word", "piece", "unknown", "masked"]:
    if encoded.special_tokens_mask[position]:
        return "special"
    token = encoded.tokens[position]
    if token == model.mask_token:
        return "masked"
    if token == model.tokenizer.unk_token:
        return "unknown"
    return "piece" if _continues_a_word(encoded, position) else "word"


def selected_in(opened: Sequence[Opened], one: Opened) -> int | None:
    """The selected token, counted in this model's own tokens; the view counts in the main model's."""
    return _place_in(opened, one, state.view().token)


def second_in(opened: Sequence[Opened], one: Opened) -> int | None:
    """The second token of the chosen pair, in this model's own tokens; None unless two different ones are chosen."""
    first, second = selected_in(opened, one), _place_in(opened, one, state.view().toward)
    return None if first is None or second == first else second


def _place_in(opened: Sequence[Opened], one: Opened, place: int) -> int | None:
    view = state.view()
    main = opened[0].text(view)
    if not 0 <= place < len(inputs.encode(main)):
        return None
    return place if one is opened[0] else inputs.same_place(main, place, one.text(view))


def shown_index(positions: np.ndarray, selected: int | None) -> int | None:
    """The index of a token among those on screen; None if it is hidden or nothing is selected."""
    if selected is None:
        return None
    found = np.flatnonzero(positions == selected)
    return int(found[0]) if len(found) else None


def select_token(
    key: str,
    version: str,
    positions: np.ndarray,
    read: Callable[[Mapping[str, Any], str, int], int | None],
    own: TextRequest,
    main: TextRequest,
    read_second: Callable[[Mapping[str, Any], str, int], int | None] = lambda *_: None,
) -> Callable[[], None]:
    """The callback of a component whose tokens are ``positions`` of ``own``: select that token everywhere.

    ``read_second`` tells whether the click also chose a second token, and which.
    """

    def in_main(index: int) -> int:
        place = None
        if index != DESELECTED:
            position = int(positions[index])
            place = inputs.same_place(own, position, main)
        return -1 if place is None else place

    def selected() -> None:
        index, second = (find(state.event(key), version, len(positions)) for find in (read, read_second))
        if index is None:
            return
        token, toward = in_main(index), None if second is None else in_main(second)
        if second == index:  # a second token, in a strip that does not know the first yet
            token = state.view().token if state.view().token >= 0 else token
            state.remember("second_alone", (toward, time.monotonic()))
        elif second is None:
            # the first token may have been clicked in another strip, and both clicks come with one run, in any order
            alone, when = state.remembered("second_alone", (None, 0.0))
            toward = alone if time.monotonic() - when < _ONE_RUN and alone != token else None
        state.change(token=token, **({} if toward is None else {"toward": toward}))
        state.redraw_page()

    return selected


def dark_page() -> bool:
    """Whether the theme is dark, for figures whose text colour Plotly would get wrong; a change reruns the page."""
    return st.context.theme.type == "dark"


def masked_position(opened: list[Opened], one: Opened) -> int | None:
    """The position to predict: the selected token, else the first typed gap."""
    encoded = inputs.encode(one.text(state.view()))
    selected = selected_in(opened, one)
    if selected is not None and not encoded.special_tokens_mask[selected]:
        return selected
    gaps = [index for index, token in enumerate(encoded.tokens) if token == one.model.mask_token]
    return gaps[0] if gaps else None
