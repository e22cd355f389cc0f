"""The chosen recipe as a model of its own: written, opened, compared with the original on a text, deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import compression
from components.gateway.requests import ModelRequest, version_of
from components.gateway.settings import is_shared
from components.shared.jobs import run_job
from components.shell.opening import model_name

if TYPE_CHECKING:
    from glassbert.compression import CompressionComparison
    from glassbert.tables import Table

__all__ = ["KEPT", "draw_keeping"]

#: Under which name a session remembers the compressed models that it made.
KEPT = "compressed_models"


def draw_keeping(request: ModelRequest, recipe: str, table: Table, one: CompressionComparison) -> None:
    folder = run_job(
        "compressed_model",
        version_of(request, recipe, table.fingerprint, "kept"),
        lambda: compression.keep(request, model_name(request.source), recipe, table),
        label="Keep this model",
        cost="It is written to a folder, and appears among the models.",
        narrow=True,
    )
    if folder is None:
        return
    state.remember(KEPT, {*state.remembered(KEPT, set()), folder})
    text = one.drift.texts[one.drift.moved(1)[0]] if len(one.drift.texts) else state.view().text
    opened = replace(
        state.view(), model=folder, beside="", half=False, text=text, pair="", token=-1, toward=-1, until=-1,
        explain="", label="", foil_label="", window=0, other_text="", other_pair="",
    )  # fmt: skip
    with st.container(key="kept_model", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(":material/check_circle: It is kept.", width="content")
        st.page_link("app.py", label="Open it", icon=":material/biotech:", query_params=state.link("workbench", opened))
        st.page_link(
            "pages/compare.py",
            label="Compare both on the text that moved most",
            icon=":material/compare_arrows:",
            query_params=state.link("compare", replace(opened, model=request.source, beside=folder), sides="models"),
        )
    if is_shared():
        st.caption("Only whoever has the address of these pages can open it.")
