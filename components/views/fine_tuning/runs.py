"""All runs with their state, and the data for a new one."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway.runs import store
from components.gateway.runs.queue import queue
from components.gateway.runs.tables import SHORTCUT, on_board, watched_of
from components.gateway.settings import is_shared, settings
from components.shared.errors import explained_errors
from components.shared.run_list import RunList, choose_file, say_refused, with_error
from components.text import plain
from components.views.fine_tuning.fields import FineTuningFields

__all__ = ["LIST", "delete_run", "draw_back", "draw_delete", "draw_head", "draw_runs", "may_see", "open_run", "reuse"]


def may_see(run: str) -> bool:
    """Whether this visitor may see a run: who has its id in the address. An id is never looked up before."""
    return store.is_id(run)


def open_run(run: str) -> None:
    """Show this run; "": the list."""
    if run:
        LIST.knows(run)
    fresh = FineTuningFields()
    state.change(
        FineTuningFields, run=run, section=fresh.section, measured_on=fresh.measured_on, true_class=-1,
        answered_class=-1, example=-1, watched=0,
    )  # fmt: skip


LIST = RunList("training", "Runs", "training", ":material/model_training:", "known_runs", open_run)


def draw_head(run: str, request: store.RunRequest) -> None:
    """What was refused last, the way to the list, the name of the run, and a button to delete it."""
    say_refused()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        draw_back()
        st.markdown(f"**{plain(request.name)}**", width="content")
        draw_delete(run)


def draw_back() -> None:
    """The way to the list of runs."""
    st.button("All runs", key="all_runs", icon=":material/arrow_back:", type="tertiary", on_click=open_run, args=("",))


def draw_delete(run: str) -> None:
    """Delete a run, after a second click."""
    with st.popover("Delete", icon=":material/delete:", type="tertiary", key="delete_run"):
        st.markdown("The run goes with its data, its checkpoints and its model.")
        st.button("Delete this run", key="delete_now", type="primary", on_click=delete_run, args=(run,))


def delete_run(run: str) -> None:
    """Delete a run and show the list."""
    queue().delete(run)
    open_run("")


def reuse(run: str) -> None:
    """A new run with the data and the settings of this one."""
    with_error(lambda: open_run(store.copy(run)))


def draw_runs() -> None:
    """What a new run can be made from, and the runs that there are."""
    say_refused()
    left, right = st.columns([0.5, 0.5], gap="large")
    with left:
        _new_run()
    with right:
        LIST.draw()


# --- a new run ------------------------------------------------------------------------------------------------------


def _new_run() -> None:
    st.subheader("New run", anchor=False)
    limits = settings()
    uploaded = st.file_uploader(
        "A table with texts and labels",
        type=[ending.removeprefix(".") for ending in (*store.ENDINGS, ".gz")],
        key=f"new_table_{state.remembered('uploads', 0)}",
        max_upload_size=limits.upload,
        help="CSV, TSV, JSON lines, JSON or Parquet, also compressed as .gz; of plain text, one text a line. Columns "
        "are found by their names, and can be changed afterwards.",
    )
    st.caption(
        f"At most {limits.upload:,} MB and {limits.rows:,} rows. The table is kept on "
        f"{'this server' if is_shared() else 'this machine'} with its run, until you delete that."
    )
    if uploaded is not None:
        with explained_errors():
            _created(store.create(uploaded.name, uploaded.name, uploaded.getvalue()))
    choose_file(
        f"file_{state.remembered('uploads', 0)}",
        lambda name, content: _created(store.create(name, name, content)),
    )
    st.markdown("**Or start with a set on board**")
    with explained_errors():
        for name, (label, about) in on_board().items():
            with st.container(key=f"board_{name}", gap=None):
                st.button(
                    plain(label),
                    key=f"on_board_{name}",
                    icon=":material/school:" if name == SHORTCUT else ":material/table_chart:",
                    type="tertiary",
                    on_click=_create_on_board,
                    args=(name, label),
                )
                st.caption(plain(f"{about[:1].upper()}{about[1:]}."))


def _created(run: str) -> None:
    # the next uploader is another one, and empty
    state.remember("uploads", state.remembered("uploads", 0) + 1)
    open_run(run)
    st.rerun()


def _create_on_board(name: str, label: str) -> None:
    def create() -> None:
        run = store.create(label, name)
        store.change(run, pinned=watched_of(name))
        open_run(run)

    with_error(create)
