"""The Definitions page: formula, paper and limits of every number on screen."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

from components import state
from components.gateway import attention, saliency
from components.shared.definitions import section_id
from components.views.definitions.fields import DefinitionsFields

__all__ = ["DefinitionsFields", "draw_definitions", "sections"]

_TEXT = (Path(__file__).parent / "definitions.md").read_text(encoding="utf-8")


def sections() -> dict[str, tuple[str, str]]:
    """Id → title and text of each section, in reading order."""
    found = {}
    for part in re.split(r"^### ", _TEXT, flags=re.MULTILINE)[1:]:
        title, _, text = part.partition("\n")
        found[section_id(title)] = (title.strip(), text.strip())
    return found


def draw_definitions() -> None:
    """Contents, search, then the sections of definitions.md; methods and measures follow theirs, by their own
    declarations."""
    every = sections()
    left, right = st.columns([0.72, 0.28], vertical_alignment="bottom")
    options = {"": "All"} | {id: title for id, (title, _) in every.items()}
    left.pills(
        "Contents",
        list(options),
        format_func=options.__getitem__,
        label_visibility="collapsed",
        **state.bind("section", DefinitionsFields, options=options),
    )
    right.text_input("Search", placeholder="Search, for example: baseline", **state.bind("search", DefinitionsFields))
    own = state.fields(DefinitionsFields)
    chosen = own.section if own.section in every else ""
    wanted = own.search.casefold().split()
    shown = [
        id
        for id, (title, text) in every.items()
        if chosen in ("", id) and all(word in f"{title} {text}".casefold() for word in wanted)
    ]
    if not shown:
        st.info("No section contains all these words. Try fewer, or choose All.")
    for id in shown:
        title, text = every[id]
        with st.container(key=f"definition_{id}", width=860):
            st.markdown(f"### {title}\n\n{text}")
        if id == "saliency":
            _methods()
        elif id == "attention_weights":
            _measures()
    st.caption(
        "Passes are inputs sent through the network, not counting backward passes. Everything is computed from the "
        "open model and your text when a page is drawn; nothing is precomputed for the text."
    )


def _methods() -> None:
    st.dataframe(
        [
            {
                "Method": method.label,
                "In plain words": method.in_words,
                "A score measures": method.meaning,
                "Signed": method.signed,
                "Adds up": method.complete,
                "Forward passes, 24 tokens": method.cost(24, method.options),
                "Paper": method.paper,
            }
            for method in saliency.methods().values()
        ],
        hide_index=True,
        width="stretch",
    )


def _measures() -> None:
    st.dataframe(
        [
            {
                "Measure": measure.label,
                "A number measures": measure.meaning,
                "Rows sum to 1": measure.rows_sum_to_one,
                "Forward passes, 24 tokens": measure.cost(24),
                "Paper": measure.paper,
            }
            for measure in attention.measures().values()
        ],
        hide_index=True,
        width="stretch",
    )
