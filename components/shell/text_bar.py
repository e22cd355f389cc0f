"""The bar on top of every page: the texts, the examples, the texts before this one, and what the models answer."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from components import state
from components.examples import EXAMPLES, offered
from components.gateway.settings import settings
from components.state import View
from components.text import plain, shortened
from components.widgets.sentence_box import replaced_text, sentence_box, submitted_text

__all__ = ["TextBar", "draw_text_bar"]

_LABELS = {
    "text": ("Text A", "Type a sentence; [MASK] leaves a gap"),
    "pair": ("Text B", "A second sentence makes a pair"),
}
#: How many of the session's texts can be opened again.
_RECENT = 20


@dataclass(frozen=True, slots=True)
class TextBar:
    """What is filled once the models are open: which they are, and what they answer. ``aside`` is free for a page."""

    models: DeltaGenerator
    answers: DeltaGenerator
    aside: DeltaGenerator


def draw_text_bar(view: View) -> TextBar:
    """Draw the fields, which stay in sight while the page scrolls, and the examples below them."""
    _remember_text(view)
    with st.container(key="text_bar", gap="xsmall"):
        with st.container(key="texts", horizontal=True, vertical_alignment="top", gap="small"):
            _box("text", view)
            if view.pair or state.remembered("pair_open", False):
                _box("pair", view)
                st.button(
                    "Remove text B", key="remove_pair", icon=":material/close:", type="tertiary", on_click=_close_pair
                )
            else:
                st.button("Text B", key="add_pair", icon=":material/add:", type="tertiary", on_click=_open_pair)
        with st.container(key="models_say", horizontal=True, vertical_alignment="center", gap="small"):
            answers = st.container(
                key="answers", width="content", horizontal=True, vertical_alignment="center", gap="small"
            )
            models = st.container(key="models_line", width="stretch")
            aside = st.container(key="aside", width="content")
        if view.text != View().text and view.too_long_for_a_link:
            st.caption("This text is too long for a link: the address opens without it. **Share** saves it as a file.")
    with st.container(key="examples", horizontal=True, vertical_alignment="center", gap="small"):
        _examples(view)
        _recent(view)
        shown = _example_of(view)
        if shown in offered(state.page()):  # elsewhere there is nothing of what it says
            st.caption(f":material/lightbulb: {plain(EXAMPLES[shown].look)}")
    return TextBar(models, answers, aside)


def _box(name: str, view: View) -> None:
    label, placeholder = _LABELS[name]
    key = f"box_{name}"

    def submit() -> None:
        text, over = submitted_text(state.event(key), key), replaced_text(state.event(key), key)
        if text is None:
            return
        text = text[: settings().characters]
        if over is None or over == getattr(state.view(), name):
            state.change(**{name: text})
            _remember_text(state.view())
        elif name == "text":
            _keep_for_later(text, "")

    sentence_box(
        label,
        key=key,
        value=getattr(view, name),
        most=settings().characters,
        placeholder=placeholder,
        shortcut="/" if name == "text" else "",
        focus=state.led_to_text() if name == "text" else 0,
        replaced_by="examples",
        on_submit=submit,
    )


def _open_pair() -> None:
    state.remember("pair_open", True)


def _close_pair() -> None:
    state.remember("pair_open", False)
    state.change(pair="")


# --- examples and earlier texts ------------------------------------------------------------------------------------


def _example_of(view: View) -> str | None:
    """The example whose texts these are."""
    texts = (view.text, view.pair)
    return next((id for id, example in EXAMPLES.items() if (example.text, example.pair) == texts), None)


def _examples(view: View) -> None:
    shown = offered(state.page())
    current = _example_of(view)
    st.pills(
        "Examples",
        shown,
        format_func=lambda example: EXAMPLES[example].label,
        label_visibility="collapsed",
        wrap=False,
        **state.control("example", current if current in shown else None, state.open_example, options=shown),
    )


def _remember_text(view: View) -> None:
    if _example_of(view) is None:
        _keep_for_later(view.text, view.pair)


def _keep_for_later(text: str, pair: str) -> None:
    """Put a text on top of the session's list."""
    if text.strip():
        earlier = [one for one in state.remembered("recent_texts", []) if one != (text, pair)]
        state.remember("recent_texts", [(text, pair), *earlier][:_RECENT])


def _recent(view: View) -> None:
    others = [one for one in state.remembered("recent_texts", []) if one != (view.text, view.pair)]
    if not others:
        return
    with st.popover("Recent", icon=":material/history:", type="tertiary", key="recent"):
        st.caption("Your texts in this window, until it is closed or reloaded.")
        for number, (text, pair) in enumerate(others):
            label = shortened(text, 70) + (f" / {shortened(pair, 40)}" if pair else "")
            st.button(plain(label), key=f"recent_{number}", type="tertiary", on_click=_open_text, args=(text, pair))


def _open_text(text: str, pair: str) -> None:
    state.change(text=text, pair=pair)
