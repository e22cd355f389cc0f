"""All analyses with their state, and the data for a new one."""

from __future__ import annotations

from typing import Any

import streamlit as st

from components import state
from components.gateway import data_sets
from components.gateway.runs import store
from components.gateway.runs.queue import queue
from components.gateway.settings import is_shared, settings
from components.shared.errors import explained_errors
from components.shared.run_list import RunList, choose_file, say_refused, with_error
from components.text import plain
from components.views.data_set.fields import DataSetFields

__all__ = ["LIST", "delete_run", "draw_head", "draw_runs", "open_run"]

_UPLOADS = "analysis_uploads"


def open_run(run: str) -> None:
    """Show this analysis from the start; "": the list."""
    if run:
        LIST.knows(run)
    fresh = DataSetFields()
    state.change(
        DataSetFields, run=run, section=fresh.section, where="", order=fresh.order, descending=False, offset=0, row=-1,
        words_by="", other="",
    )  # fmt: skip


LIST = RunList("analysis", "Analyses", "running", ":material/query_stats:", "known_analyses", open_run)


def draw_head(run: str, request: store.RunRequest, about: str = "") -> None:
    """What was refused last, the way to the list, the name of the analysis, and a button to delete it."""
    say_refused()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "All analyses",
            key="all_analyses",
            icon=":material/arrow_back:",
            type="tertiary",
            on_click=open_run,
            args=("",),
        )
        st.markdown(f"**{plain(request.name)}**{about}", width="content")
        with st.popover("Delete", icon=":material/delete:", type="tertiary", key="delete_analysis"):
            st.markdown(
                "It goes from this list. Its result folder, which the command line made, stays where it is."
                if request.folder
                else "The analysis goes with its table and its results."
            )
            st.button("Delete", key="delete_analysis_now", type="primary", on_click=delete_run, args=(run,))


def delete_run(run: str) -> None:
    """Delete an analysis and show the list."""
    queue().delete(run)
    open_run("")


def draw_runs() -> None:
    """What a new analysis can be made from, and those that there are."""
    say_refused()
    left, right = st.columns([0.5, 0.5], gap="large")
    with left:
        _new()
    with right:
        LIST.draw()


# --- a new one ------------------------------------------------------------------------------------------------------


def _new() -> None:
    st.subheader("New analysis", anchor=False)
    limits = settings()
    uploaded = st.file_uploader(
        "A table with texts, and labels if there are some",
        type=[ending.removeprefix(".") for ending in (*store.ENDINGS, ".gz")],
        key=f"analysed_table_{state.remembered(_UPLOADS, 0)}",
        max_upload_size=limits.upload,
        help="CSV, TSV, JSON lines, JSON or Parquet, also compressed as .gz; of plain text, one text a line. Other "
        "columns are kept, to filter by them.",
    )
    st.caption(
        f"At most {limits.upload:,} MB and {limits.rows:,} rows; `glassbert analyse` takes more. The table is kept on "
        f"{'this server' if is_shared() else 'this machine'} with its analysis, until you delete that."
    )
    if uploaded is not None:
        with explained_errors():
            _created(store.create(uploaded.name, uploaded.name, uploaded.getvalue(), **_chosen()))
    choose_file(
        f"analysed_file_{state.remembered(_UPLOADS, 0)}",
        lambda name, content: _created(store.create(name, name, content, **_chosen())),
    )
    _from_a_folder()
    st.markdown("**Or a set on board**")
    with explained_errors():
        for name, (label, about) in data_sets.on_board().items():
            with st.container(key=f"analysed_board_{name}", gap=None):
                st.button(
                    plain(label),
                    key=f"analyse_{name}",
                    icon=":material/table_chart:",
                    type="tertiary",
                    on_click=with_error,
                    args=(lambda name=name, label=label: open_run(store.create(label, name, **_chosen())),),
                )
                st.caption(plain(f"{about[:1].upper()}{about[1:]}."))


def _chosen() -> dict[str, Any]:
    """A new analysis is by the embedded classifier, with one method and some receipts."""
    return {
        "work": "analysis",
        "base": "sentiment",
        "settings": {"methods": ["attn_lrp"], "receipts": 0.05},
    }


def _created(run: str) -> None:
    # the next uploader is another one, and empty
    state.remember(_UPLOADS, state.remembered(_UPLOADS, 0) + 1)
    open_run(run)
    st.rerun()


def _from_a_folder() -> None:
    if is_shared() and not settings().tables:
        return
    path = st.text_input(
        "Or a result folder of `glassbert analyse`",
        key=f"analysed_folder_{state.remembered(_UPLOADS, 0)}",
        placeholder="Type its path",
    )
    if path.strip():
        with explained_errors():
            folder, model = data_sets.result_folder(path)
            chosen = _chosen() | {"folder": str(folder), "base": model, "started": True}
            _created(store.create(folder.name, "", None, **chosen))
