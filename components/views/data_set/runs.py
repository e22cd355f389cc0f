"""All analyses with their state, and the data for a new one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import streamlit as st

from components import state
from components.gateway import data_sets
from components.gateway.library import gb
from components.gateway.runs import store
from components.gateway.runs.queue import RunState, queue, state_of
from components.gateway.runs.tables import offered_files, read_offered
from components.gateway.settings import is_shared, settings
from components.shared import charts
from components.shared.errors import explained_errors
from components.text import plain, shortened
from components.views.data_set.fields import DataSetFields

__all__ = ["draw_head", "draw_runs", "in_words", "knows", "listed", "open_run", "say_refused", "with_error"]

_REFRESH = 2.0
_ICONS = {
    "draft": ":material/edit_note:",
    "waiting": ":material/hourglass_empty:",
    "running": ":material/query_stats:",
    "stopping": ":material/query_stats:",
    "stopped": ":material/pause_circle:",
    "failed": ":material/error:",
    "done": ":material/check_circle:",
}
_KNOWN, _REFUSED, _UPLOADS = "known_analyses", "analysis_refused", "analysis_uploads"


def knows(run: str) -> None:
    """Remember, for this session, that this visitor has the address of an analysis."""
    state.remember(_KNOWN, {*state.remembered(_KNOWN, set()), run})


def listed() -> list[tuple[str, store.RunRequest]]:
    """The analyses that this visitor sees: on a shared server only those whose address he has."""
    if not is_shared():
        return list(store.listing("analysis"))
    known = state.remembered(_KNOWN, set())
    found = [(run, request) for run in known if (request := store.request_of(run)) is not None]
    return [(run, request) for run, request in found if request.work == "analysis"]


def open_run(run: str) -> None:
    """Show this analysis from the start; "": the list."""
    if run:
        knows(run)
    fresh = DataSetFields()
    state.change(
        DataSetFields, run=run, section=fresh.section, where="", order=fresh.order, descending=False, offset=0, row=-1,
        words_by="", other="",
    )  # fmt: skip


def in_words(found: RunState) -> str:
    """The state of an analysis as a reader sees it, plain text."""
    return {
        "draft": "not started",
        "waiting": f"waiting, {charts.ordinal(found.place)} in the queue",
        "running": "running",
        "stopping": "stopping",
        "stopped": "stopped, can be resumed",
        "failed": "failed",
        "done": "done",
    }[found.name]


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
            st.button("Delete", key="delete_analysis_now", type="primary", on_click=_delete, args=(run,))


def _delete(run: str) -> None:
    queue().delete(run)
    open_run("")


def with_error(work: Callable[[], object]) -> None:
    """Do the work of a callback; what the user can mend is said by the run of the page that follows."""
    try:
        work()
    except gb.GlassBERTError as error:
        state.remember(_REFUSED, str(error))


def say_refused() -> None:
    """What a callback could not do, once."""
    if told := state.remembered(_REFUSED):
        st.warning(plain(f"{told[:1].upper()}{told[1:]}."), icon=":material/info:")
        state.remember(_REFUSED, None)


def draw_runs() -> None:
    """What a new analysis can be made from, and those that there are."""
    say_refused()
    left, right = st.columns([0.5, 0.5], gap="large")
    with left:
        _new()
    with right:
        _list()


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
    _from_a_file()
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
        key=f"analysed_file_{state.remembered(_UPLOADS, 0)}",
    )
    if path:
        with explained_errors():
            name = path.replace("\\", "/").rpartition("/")[2]
            _created(store.create(name, name, read_offered(path), **_chosen()))


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


# --- the list -------------------------------------------------------------------------------------------------------


def _list() -> None:
    st.subheader("Analyses", anchor=False)
    if is_shared():
        st.caption("On a shared server you see those whose address you opened: keep the address of an analysis.")
    active = any(state_of(run).is_active for run, _ in listed())
    st.fragment(_rows, run_every=_REFRESH if active else None)()


def _rows() -> None:
    state.redraw_page_if_asked()
    runs = listed()
    if not runs:
        st.caption("None yet.")
    for run, request in runs:
        found = state_of(run)
        with st.container(key=f"analysis_{run}", horizontal=True, vertical_alignment="center", gap="small"):
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
