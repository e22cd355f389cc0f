"""Before anything is computed: can every open model read this text? If not, say why and offer what helps."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from components import state
from components.gateway import inputs
from components.gateway.library import gb
from components.gateway.opened import Opened
from components.gateway.requests import TextRequest
from components.text import plain

__all__ = ["text_is_readable"]


def text_is_readable(opened: Sequence[Opened]) -> bool:
    """Return True, or False with a message on the page."""
    view = state.view()
    if not view.text.strip():
        st.info("Type a sentence under **Text A**, or open an example: the three panels appear here.")
        return False
    for one in opened:
        request = one.text(view)
        try:
            encoded = inputs.encode(request)
        except gb.TextTooLongError as error:
            st.warning(plain(f"{one.name}: {error}."), icon=":material/content_cut:")
            st.button(
                f"Shorten to the first {error.max_tokens} tokens",
                key=f"shorten_{one.role}",
                on_click=_shorten,
                args=(request,),
            )
            return False
        except gb.TextError as error:
            st.warning(plain(f"{one.name}: {error}."), icon=":material/info:")
            return False
        _unknown(one, encoded)
    return True


def _shorten(request: TextRequest) -> None:
    text, pair = inputs.shorten(request)
    state.change(text=text, pair=pair or "")


def _unknown(one: Opened, encoded: gb.Encoded) -> None:
    """Warn when part of the text is unknown to the model: everything below then refers to [UNK]."""
    unknown = one.model.tokenizer.unk_token
    count = encoded.tokens.count(unknown)
    if count:
        st.info(
            plain(
                f"{one.name} reads {count} of the {len(encoded)} tokens as {unknown}: these characters are not in its "
                "vocabulary."
            ),
            icon=":material/help:",
        )
