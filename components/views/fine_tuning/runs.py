"""All runs with their state, and the data for a new one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import streamlit as st

from components import state
from components.gateway.library import gb
from components.gateway.runs import store
from components.gateway.runs.queue import RunState, queue, state_of
from components.gateway.runs.tables import SHORTCUT, offered_files, on_board, read_offered, watched_of
from components.gateway.settings import is_shared, settings
from components.shared import charts
from components.shared.errors import explained_errors
from components.text import plain, shortened
from components.views.fine_tuning.fields import FineTuningFields

__all__ = [
    "draw_back",
    "draw_delete",
    "draw_head",
    "draw_runs",
    "in_words",
    "knows",
    "may_see",
    "open_run",
    "reuse",
    "say_refused",
    "with_error",
]

_REFRESH = 2.0
_ICONS = {
    "draft": ":material/edit_note:",
    "waiting": ":material/hourglass_empty:",
    "running": ":material/model_training:",
    "stopping": ":material/model_training:",
    "stopped": ":material/pause_circle:",
    "failed": ":material/error:",
    "done": ":material/check_circle:",
}
_KNOWN = "known_runs"


def may_see(run: str) -> bool:
    """Whether this visitor may see a run: who has its id in the address. An id is never looked up before."""
    return store.is_id(run)


def knows(run: str) -> None:
    """Remember, for this session, that this visitor has the address of a run."""
    state.remember(_KNOWN, {*state.remembered(_KNOWN, set()), run})


def _visible() -> list[tuple[str, store.RunRequest]]:
    """The runs in the list: on a shared server only those whose address this visitor has."""
    if not is_shared():
        return list(store.listing("training"))
    known = state.remembered(_KNOWN, set())
    found = [(run, request) for run in known if (request := store.request_of(run)) is not None]
    return [(run, request) for run, request in found if request.work == "training"]


def open_run(run: str) -> None:
    """Show this run; "": the list."""
    if run:
        knows(run)
    fresh = FineTuningFields()
    state.change(
        FineTuningFields, run=run, section=fresh.section, measured_on=fresh.measured_on, true_class=-1,
        answered_class=-1, example=-1, watched=0,
    )  # fmt: skip


def in_words(found: RunState) -> str:
    """The state of a run as a reader sees it, plain text."""
    return {
        "draft": "not started",
        "waiting": f"waiting, {charts.ordinal(found.place)} in the queue",
        "running": "training",
        "stopping": "stopping",
        "stopped": "stopped, can be resumed",
        "failed": "failed",
        "done": "done",
    }[found.name]


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
        st.button("Delete this run", key="delete_now", type="primary", on_click=_delete, args=(run,))


def _delete(run: str) -> None:
    queue().delete(run)
    open_run("")


def reuse(run: str) -> None:
    """A new run with the data and the settings of this one."""
    with_error(lambda: open_run(store.copy(run)))


def with_error(work: Callable[[], object]) -> None:
    """Do the work of a callback; what the user can mend is said by the run of the page that follows."""
    try:
        work()
    except gb.GlassBERTError as error:
        state.remember("run_refused", str(error))


def say_refused() -> None:
    """What a callback could not do, once."""
    if told := state.remembered("run_refused"):
        st.warning(plain(f"{told[:1].upper()}{told[1:]}."), icon=":material/info:")
        state.remember("run_refused", None)


def draw_runs() -> None:
    """What a new run can be made from, and the runs that there are."""
    say_refused()
    left, right = st.columns([0.5, 0.5], gap="large")
    with left:
        _new_run()
    with right:
        _list()


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
            run = store.create(uploaded.name, uploaded.name, uploaded.getvalue())
            # the next uploader is another one, and empty
            state.remember("uploads", state.remembered("uploads", 0) + 1)
            open_run(run)
            st.rerun()
    _from_a_file()
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


def _from_a_file() -> None:
    offered = offered_files()
    if is_shared() and not offered:
        return
    names = {path: path.replace("\\", "/").rpartition("/")[2] for path in offered}
    path = st.selectbox(
        "Or a file on this machine" if not is_shared() else "Or a file of this server",
        offered,
        index=None,
        format_func=lambda path: names.get(path, path),
        accept_new_options=not is_shared(),
        placeholder="Type its path" if not is_shared() else "Choose a file",
        key=f"file_{state.remembered('uploads', 0)}",
    )
    if path:
        with explained_errors():
            name = path.replace("\\", "/").rpartition("/")[2]
            run = store.create(name, name, read_offered(path))
            state.remember("uploads", state.remembered("uploads", 0) + 1)
            open_run(run)
            st.rerun()


def _create_on_board(name: str, label: str) -> None:
    def create() -> None:
        run = store.create(label, name)
        store.change(run, pinned=watched_of(name))
        open_run(run)

    with_error(create)


# --- the list -------------------------------------------------------------------------------------------------------


def _list() -> None:
    st.subheader("Runs", anchor=False)
    if is_shared():
        st.caption("On a shared server you see the runs whose address you opened: keep the address of a run.")
    active = any(state_of(run).is_active for run, _ in _visible())
    st.fragment(_rows, run_every=_REFRESH if active else None)()


def _rows() -> None:
    state.redraw_page_if_asked()
    runs = _visible()
    if not runs:
        st.caption("None yet.")
    for run, request in runs:
        found = state_of(run)
        with st.container(key=f"run_{run}", horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                f"{_ICONS[found.name]} {plain(shortened(request.name, 40))}",
                key=f"open_{run}",
                type="tertiary",
                on_click=_open_from_the_list,
                args=(run,),
            )
            when = datetime.fromtimestamp(request.created).strftime("%d %b %Y, %H:%M")
            st.caption(plain(f"{in_words(found)} · {when}"))


def _open_from_the_list(run: str) -> None:
    open_run(run)
    state.redraw_page()
