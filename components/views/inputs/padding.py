"""Padding: why the texts in a batch are padded to the same length, and that it changes nothing."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from components import state
from components.gateway import code, inputs
from components.gateway.inputs import reading_steps
from components.gateway.requests import Opened, version_of
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.inputs.fields import InputsFields
from components.widgets.aligned_rows import Cell, Row, aligned_rows

# More columns than this show nothing new.
_MOST_SHOWN = 160
_SPARE = 8


def draw_padding(opened: list[Opened]) -> None:
    """Cost: three forward passes: unpadded, padded, and padded with a mask that hides nothing."""
    one, view = opened[0], state.view()
    request = one.text(view)
    own = len(inputs.encode(request))
    most = one.model.max_tokens
    if own >= most:
        st.info(f"This text already fills all {most} positions, so there is no room for padding. Use a shorter one.")
        return
    upper = min(most, max(own + 64, _MOST_SHOWN))
    length = min(max(state.fields(InputsFields).max_length or own + _SPARE, own), upper)
    st.slider(
        "Pad to (max_length)",
        own,
        upper,
        help="Tokens after padding.",
        **state.bind("max_length", InputsFields, shown=length),
    )
    steps = reading_steps(request, length)
    pad = one.model.tokenizer.pad_token
    rows = [
        _row("pieces", "Pieces", "the text, then padding", [*steps.encoded.tokens, *[pad] * (length - own)], own),
        _row("ids", "Input ids", "padding has an id of its own", steps.padded_ids, own),
        _row("mask", "Attention mask", "0 hides a token from every head", steps.padded_mask, own),
        _row("segments", "Token types", "padding counts as text A", steps.padded_segments, own),
        _row("positions", "Positions", "padding takes positions too", steps.padded_positions, own),
    ]
    aligned_rows(
        rows,
        key="padding",
        label="Padded inputs",
        columns=length,
        selected=None,
        reveal=min(own + 3, length - 1),
        version=version_of(request, length),
    )
    changed = steps.padding_difference
    told = "exactly the same" if changed == 0 else f"the same up to rounding (**{changed:.1e}**)".replace("-", "−")
    st.markdown(
        f"With the mask, the padding changes nothing: the last layer's states at your {own} tokens are {told}. "
        "Without it, the heads would attend to the padding and values would change by up to "
        f"**{steps.padding_difference_unmasked:.2f}**."
    )
    st.caption(
        f"Computed now, by {plain(one.name)}: the text alone, padded, and padded with a mask of ones. The texts in a "
        "batch are padded to the longest, so that they form one array."
    )
    kept = Kept("Padding", code.reading_steps(request, length), lambda: reading_steps(request, length))
    shown = (kept.code.padding_difference, kept.code.padding_difference_unmasked)
    save_and_code("padding", one.name, [kept], [kept.code.padded_mask, *shown])


def _row(id: str, label: str, meaning: str, values: Iterable[object], own: int) -> Row:
    return Row(
        id,
        label,
        meaning,
        [
            Cell(str(value), column, column + 1, kind="text" if column < own else "faint")
            for column, value in enumerate(values)
        ],
    )
