"""Texts of the data with the way to the other pages, where the tuned model looks at them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway.settings import settings
from components.text import plain, shortened

if TYPE_CHECKING:
    from components.views.fine_tuning.shown import Shown
    from glassbert.tables import Table

__all__ = ["PAGES_OF_KIND", "draw_texts", "example_text", "open_links", "places_of"]

#: Kind of table → the page where such a model is looked at first.
PAGES_OF_KIND = {
    "classification": ("saliency", "pages/saliency.py"),
    "multi_label": ("saliency", "pages/saliency.py"),
    "regression": ("saliency", "pages/saliency.py"),
    "tokens": ("entities", "pages/entities.py"),
    "spans": ("question_answering", "pages/question_answering.py"),
    "texts": ("masked_words", "pages/masked_words.py"),
}
_NAMES = {
    "saliency": "Why?",
    "entities": "Entities",
    "question_answering": "Answer",
    "masked_words": "Masked words",
}
_SHOWN = 10
_TEXT_CHARACTERS = 300


def example_text(shown: Shown) -> tuple[str, str]:
    """A text of this run's data, to open its model with."""
    if shown.found.pinned:
        return shown.found.pinned[0].text, shown.found.pinned[0].pair
    for part in ("dev", "test", "data"):
        table = shown.table(part)
        if table is not None and len(table):
            return _texts(table, 0)
    return "", ""


def _texts(table: Table, place: int) -> tuple[str, str]:
    most = settings().characters
    return table.texts[place][:most], table.pairs[place][:most] if table.pairs else ""


def places_of(table: Table, rows: Iterable[int]) -> list[int]:
    """The places of these rows of the table's source, in their order."""
    places = {row: place for place, row in enumerate(table.rows)}
    return [places[row] for row in map(int, rows) if row in places]


def draw_texts(shown: Shown, table: Table, places: Sequence[int], *, key: str, notes: Sequence[str] = ()) -> None:
    """Some texts of the data, each with links; ``notes`` say something about each, plain text."""
    for number, place in enumerate(places[:_SHOWN]):
        text, pair = _texts(table, place)
        with st.container(key=f"{key}_{number}", gap=None):
            st.markdown(plain(shortened(f"{text} / {pair}" if pair else text, _TEXT_CHARACTERS)))
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.caption(plain(notes[number]) if notes else "", width="stretch")
                open_links(shown, text, pair)
    if len(places) > _SHOWN:
        st.caption(f"And {len(places) - _SHOWN:,} more.")


def open_links(shown: Shown, text: str, pair: str) -> None:
    """Links that open this text with the tuned model, on the page of its task and on the Workbench."""
    page, file = PAGES_OF_KIND[shown.found.kind]
    view = replace(
        state.view(), model=shown.folder, beside="", half=False, text=text, pair=pair, token=-1, toward=-1, until=-1,
        explain="", label="", foil_label="", window=0, other_text="", other_pair="",
    )  # fmt: skip
    st.page_link(
        file, label=_NAMES[page], icon=":material/fact_check:", query_params=state.link(page, view), width="content"
    )
    st.page_link(
        "app.py",
        label="Workbench",
        icon=":material/biotech:",
        query_params=state.link("workbench", view),
        width="content",
    )
