"""A search behind a button: what it costs, how far it is, a way to stop it, and what it found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from components import state
from components.gateway.job import Job
from components.gateway.library import gb

__all__ = ["run"]

# A quick search is done before the page has to say that it is under way.
_QUICK_SECONDS = 0.3


def run(
    name: str,
    key: str,
    prepare: Callable[[], Callable[..., Any]],
    *,
    label: str,
    cost: str,
    at_once: bool = False,
    narrow: bool = False,
) -> Any | None:
    """Draw the button, and return what the search of this key found; None before that, or while it works.

    ``prepare`` gives the work of a `Job`; what it fetches for it is fetched in the page's thread. ``at_once`` starts
    without a click; ``narrow`` is for a column among others, where the button goes once there is a result. A search of
    another key is stopped. Raises what the work raised.
    """
    job: Job | None = state.remembered(f"{name}_job")
    if job is not None and state.remembered(f"{name}_key") != key:
        job.stop()
        job = None

    def start() -> None:
        fresh = Job(prepare())
        fresh.wait(_QUICK_SECONDS)
        state.remember(f"{name}_job", fresh)
        state.remember(f"{name}_key", key)

    if job is None and at_once:
        start()
        job = state.remembered(f"{name}_job")
    if job is not None and job.running:
        _progress(name, key)
        return None
    done = job is not None and job.error is None
    if job is not None and done and narrow:
        return job.result
    left, right = st.columns([0.45, 0.55] if narrow else [0.25, 0.75], vertical_alignment="center")
    left.button(
        label,
        type="secondary" if done else "primary",
        icon=":material/replay:" if done else ":material/play_arrow:",
        on_click=start,
        key=f"{name}_start",
        width="stretch",
    )
    right.caption(cost)
    if job is None:
        return None
    if isinstance(job.error, gb.StoppedError):
        st.info("Stopped before there was anything to show.")
        return None
    if job.error is not None:
        raise job.error
    return job.result


@st.fragment(run_every=0.3)
def _progress(name: str, key: str) -> None:
    job: Job | None = state.remembered(f"{name}_job")
    if job is None or not job.running or state.remembered(f"{name}_key") != key:
        st.rerun()
        return
    left, right = st.columns([0.75, 0.25], vertical_alignment="center")
    left.progress(min(job.share, 1.0), text=f"{min(job.share, 1.0):.0%}")
    right.button("Stop", on_click=job.stop, key=f"{name}_stop", width="stretch")
