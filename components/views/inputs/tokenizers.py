"""Two tokenizers on the same text, word by word."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway import code, inputs
from components.gateway.expressions import named
from components.gateway.library import gb
from components.gateway.requests import Opened, version_of
from components.shared.save_and_code import Kept, save_and_code
from components.shared.selection import shown_positions, strip_tokens
from components.text import plain
from components.widgets.token_strip import token_strip


def draw_tokenizers(opened: list[Opened]) -> None:
    """Cost: no forward pass."""
    view = state.view()
    if len(opened) < 2:
        st.info("Open a second model in the line under the text, to compare both tokenizers.")
        return
    encoded = [inputs.encode(one.text(view)) for one in opened]
    for one, item in zip(opened, encoded, strict=True):
        vocabulary = one.model.network.config.vocab_size
        unknown = item.tokens.count(one.model.tokenizer.unk_token)
        st.markdown(
            f"**{plain(one.name)}** · {len(item)} tokens from a vocabulary of {vocabulary:,}"
            + (f", {unknown} of them unknown" if unknown else "")
        )
        positions = shown_positions(item, view.special)
        token_strip(
            strip_tokens(item, one.model, positions),
            key=f"tokenizer_{one.role}",
            label=f"Tokens of {one.name}",
            selected=None,
            version=version_of(one.text(view), view.special),
        )
    _compared(opened, encoded)
    kept = [
        Kept.of(one.name, named(code.encode(one.text(view)), name), item)
        for one, item, name in zip(opened, encoded, ("first", "second"), strict=False)
    ]
    save_and_code("tokenizers", " and ".join(one.name for one in opened), kept)


def _compared(opened: list[Opened], encoded: list[gb.Encoded]) -> None:
    """The table, or that both read the same."""
    if encoded[0].tokens == encoded[1].tokens:
        st.info("Both models read exactly the same pieces here: they share a tokenizer or split this text alike.")
        return
    st.dataframe(_by_word(opened, encoded), hide_index=True, width="stretch")
    st.caption(
        "One row per whitespace-separated word, as each tokenizer splits it: rarer words break into more pieces."
    )


def _by_word(opened: list[Opened], encoded: list[gb.Encoded]) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for sequence, text in enumerate(encoded[0].texts):
        start = 0
        for word in text.split():
            start = text.index(word, start)
            end = start + len(word)
            row = {"Text": word}
            for one, item in zip(opened, encoded, strict=True):
                inside = (item.sequence_ids == sequence) & (item.offsets[:, 0] < end) & (item.offsets[:, 1] > start)
                row[one.name] = "  ".join(token for token, here in zip(item.tokens, inside, strict=True) if here)
            rows.append(row)
            start = end
    return rows
