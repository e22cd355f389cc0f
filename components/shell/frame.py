"""What every page starts with: page set-up, menu, and the sidebar with text, examples, models and device.

The shell is drawn first; :func:`load_models` then fills the sidebar's lower half, because listing devices and models
needs torch, which takes seconds to import in a cold process.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from components import state
from components.examples import EXAMPLES
from components.gateway import cache
from components.gateway.opened import Opened
from components.gateway.settings import settings
from components.gateway.turns import QUEUE_SLOT
from components.shared.jobs import stop_jobs_of_other_pages
from components.shell.model_picker import pick_device, pick_models
from components.shell.navigation import PAGES, draw_menu
from components.state import PageFields, View
from components.text import plain
from components.widgets.sentence_box import sentence_box, submitted_text

__all__ = ["Frame", "load_models", "open_page"]

_STYLE = (Path(__file__).parent / "frame.css").read_text(encoding="utf-8")
# a local file: Streamlit would fetch an icon given by name from a font server
_ICON = Path(__file__).parent / "icon.svg"


@dataclass(frozen=True, slots=True)
class Frame:
    """A page's shell; ``slot`` is the part of the sidebar that is filled once the library is loaded."""

    view: View
    slot: st.delta_generator.DeltaGenerator


def open_page(page_id: str, group: type[PageFields] | None = None) -> Frame:
    """Set up the page and draw its shell: the first call of every page, with its own fields."""
    page = PAGES[page_id]
    st.set_page_config(page_title=f"{page.title} · GlassBERT", page_icon=_ICON, layout="wide")
    st.html(f"<style>{_STYLE}</style>")
    view = state.begin(page_id, group)
    stop_jobs_of_other_pages()
    with st.sidebar:
        st.markdown("### GlassBERT")
        draw_menu()
        _texts(view)
        _examples()
        slot = st.container()
    st.title(page.title, anchor=False)
    st.caption(page.promise)
    state.remember(QUEUE_SLOT, st.empty())
    return Frame(view, slot)


def load_models(frame: Frame) -> list[Opened]:
    """Fill the rest of the sidebar and return the models that are ready, the main one first."""
    cache.turn_to(frame.view.text, frame.view.pair or None)
    with frame.slot:
        opened = pick_models(frame.view)
        pick_device()
        st.toggle(
            "Show special tokens",
            help="[CLS], [SEP] and similar. Hidden tokens still take part in the computation.",
            **state.bind("special"),
        )
        for one in opened:
            if one.model.notice:
                st.warning(plain(one.model.notice), icon=":material/memory:")
    return opened


def _texts(view: View) -> None:
    for name, label, placeholder in (
        ("text", "Text A", "Type a sentence; [MASK] leaves a gap"),
        ("pair", "Text B (optional)", "A second sentence makes a pair"),
    ):
        key = f"box_{name}"

        def submit(name: str = name, key: str = key) -> None:
            text = submitted_text(state.event(key), key)
            if text is not None:
                state.change(**{name: text[: settings().characters]})

        sentence_box(
            label,
            key=key,
            value=getattr(view, name),
            most=settings().characters,
            placeholder=placeholder,
            on_submit=submit,
        )
    if view.text != View().text and view.too_long_for_a_link:
        st.caption("This text is too long for a link: the copied address opens without it.")


def _examples() -> None:
    def chosen() -> None:
        example = state.picked("example")
        if example is not None:
            state.open_example(example)
            state.remember("example", example)

    st.selectbox(
        "Examples",
        list(EXAMPLES),
        index=None,
        format_func=lambda example: EXAMPLES[example].label,
        placeholder="Open an example …",
        key="example",
        on_change=chosen,
    )
    shown = EXAMPLES.get(state.remembered("example", ""))
    view = state.view()
    if shown and (shown.text, shown.pair) == (view.text, view.pair):
        st.caption(f":material/lightbulb: {plain(shown.look)}")
