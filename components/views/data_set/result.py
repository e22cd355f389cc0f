"""A finished analysis, or what is there of one: the filter, what the model is like on these rows, and the rows."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from components import state
from components.gateway.runs import store
from components.shared.errors import explained_errors
from components.text import plain
from components.views.data_set.beside import draw_beside
from components.views.data_set.fields import SECTIONS, DataSetFields
from components.views.data_set.labels import draw_labels
from components.views.data_set.layout import draw_map
from components.views.data_set.quality import draw_quality
from components.views.data_set.receipts import draw_receipts
from components.views.data_set.rows import draw_filter, draw_rows, filter_in_force
from components.views.data_set.runs import draw_head
from components.views.data_set.shown import Shown, shown_of
from components.views.data_set.slices import draw_slices
from components.views.data_set.words import draw_words

__all__ = ["draw_result", "draw_sections"]

_DRAW: dict[str, Callable[[Shown], None]] = {
    "quality": draw_quality,
    "slices": draw_slices,
    "words": draw_words,
    "labels": draw_labels,
    "receipts": draw_receipts,
    "map": draw_map,
    "beside": draw_beside,
}


def draw_result(run: str, request: store.RunRequest) -> None:
    manifest = shown_of(run, request, "").manifest
    errors = f", {manifest.errors:,} with an error" if manifest.errors else ""
    draw_head(run, request, f" · {plain(str(manifest.model['name']))} on {manifest.rows:,} rows{errors}")
    draw_sections(run, request)


def draw_sections(run: str, request: store.RunRequest) -> None:
    """The filter, one section, and the rows below it."""
    whole = shown_of(run, request, "")
    draw_filter(whole)
    shown = shown_of(run, request, filter_in_force(whole))
    sections = {name: title for name, title in SECTIONS.items() if _has(name, shown)}
    own = state.fields(DataSetFields)
    section = own.section if own.section in sections else next(iter(sections))
    st.segmented_control(
        "Section",
        list(sections),
        format_func=sections.__getitem__,
        label_visibility="collapsed",
        **state.bind("section", DataSetFields, options=sections, shown=section),
    )
    with explained_errors(), st.spinner("Asking …"):
        _DRAW[section](shown)
    with explained_errors():
        draw_rows(shown)


def _has(section: str, shown: Shown) -> bool:
    manifest = shown.manifest
    if section == "words":
        return bool(manifest.methods)
    if section == "receipts":
        return bool(manifest.receipts.get("share"))
    if section == "slices":
        return manifest.table.get("label") is not None
    return True
