"""An analysis under way, or one that ended before its end."""

from __future__ import annotations

from functools import partial

import streamlit as st

from components.gateway import data_sets
from components.gateway.library import gb
from components.gateway.runs import analysing, store
from components.gateway.runs.queue import RunState, queue, state_of
from components.shared.run_list import with_error
from components.text import plain
from components.views.data_set.result import draw_sections
from components.views.data_set.runs import LIST, draw_head, open_run

__all__ = ["draw_running", "draw_stopped"]

_REFRESH, _STOPPING = 1.0, 0.3  # seconds between two looks


def draw_running(run: str, request: store.RunRequest, found: RunState) -> None:
    """The live view; the page is drawn anew when the state of the run changes."""
    draw_head(run, request)
    st.fragment(_live, run_every=_STOPPING if found.name == "stopping" else _REFRESH)(run, request, found.name)
    st.caption(
        "It runs beside the app and goes on when this window is closed. The results appear when it is done; stop it to "
        "see those that are there."
    )


def _live(run: str, request: store.RunRequest, drawn: str) -> None:
    now = state_of(run)
    if now.name != drawn:
        st.rerun()
    left, right = st.columns([0.8, 0.2], vertical_alignment="center")
    with left:
        _status(run, request, now)
    right.button(
        "Stop" if now.name != "waiting" else "Leave the queue",
        key="stop_analysis",
        icon=":material/stop:",
        width="stretch",
        disabled=now.name == "stopping",
        on_click=lambda: queue().stop(run),
    )


def _status(run: str, request: store.RunRequest, now: RunState) -> None:
    if now.name == "waiting":
        others = "one other run is" if now.place == 1 else f"{now.place} other runs are"
        st.progress(0.0, text=f"Waiting: {others} before this one. It starts by itself.")
        return
    done, total = analysing.progress(run), _total(run, request)
    share = min(1.0, done / total) if total else 0.0
    if now.name == "stopping":
        st.progress(share, text="Stopping: what is done is kept, and the analysis can be resumed.")
        return
    told = f"{done:,} of {total:,} texts" if done else "Starting"
    st.progress(share, text=f"{told} …")


def _total(run: str, request: store.RunRequest) -> int:
    try:
        return data_sets.columns_of(run, request)[1]
    except (gb.GlassBERTError, OSError):
        return 0


def draw_stopped(run: str, request: store.RunRequest, found: RunState) -> None:
    """An analysis that was stopped or failed: why, how it goes on, and what is there."""
    draw_head(run, request, f" · {LIST.in_words(found)}")
    if found.name == "failed":
        st.error(plain(f"The analysis failed: {found.sentence.rstrip('.')}."), icon=":material/error:")
    else:
        st.info("This analysis was stopped. Resumed, it ends with the same results as without the stop.")
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Resume" if found.name == "stopped" else "Try again",
            key="resume_analysis",
            type="primary",
            icon=":material/play_arrow:",
            on_click=with_error,
            args=(partial(queue().start, run),),
        )
        st.button(
            "Change what is chosen",
            key="change_analysis",
            icon=":material/content_copy:",
            help="A new analysis of this table, for which other columns, models or methods can be chosen.",
            on_click=with_error,
            args=(partial(_again, run),),
        )
    folder = store.analysis_folder(run, request)
    if any(folder.glob("predictions-*.parquet")):
        st.subheader("What is there so far", anchor=False)
        draw_sections(run, request)


def _again(run: str) -> None:
    open_run(store.copy(run))
