"""A search behind a button: its cost, progress, a stop button, and its result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from components.gateway.search import Search, current_search
from components.shared.selection import explained_errors

__all__ = ["draw_search", "run_search"]

_R = TypeVar("_R")
_WIDE, _NARROW = (0.25, 0.75), (0.45, 0.55)


def run_search(
    name: str,
    key: str,
    prepare: Callable[[], Callable[..., _R]],
    *,
    label: str,
    cost: str,
    at_once: bool = False,
    narrow: bool = False,
) -> _R | None:
    """Draw the search of this name and key, and return its result; None before it starts or while it runs.

    ``prepare`` runs in the page's thread and returns the work of a `Search`. ``at_once`` starts without a click;
    ``narrow`` is for a column among others, where the button disappears once there is a result. A search with another
    key is stopped.
    """
    search: Search[_R] = current_search(name, key)

    def start() -> None:
        search.start(prepare())

    if at_once and not search.started:
        start()
    if not (narrow and search.done):
        draw_search(search, start, name=name, label=label, cost=cost, narrow=narrow)
    return search.found if search.done else None


def draw_search(
    search: Search[Any],
    start: Callable[[], None],
    *,
    name: str,
    label: str,
    cost: str,
    narrow: bool = False,
    done: bool | None = None,
    repeatable: bool = True,
    unit: str = "",
) -> None:
    """The button that starts it, keyed ``{name}_start``, its cost, and why it ended early, if it did.

    While it runs, progress and a stop button are shown instead.

    ``done``: whether nothing is left to search for, if the search itself cannot tell; a search that is not
    ``repeatable`` cannot be started then. ``unit`` follows the percentage: "of the heads".
    """
    if search.running:
        _progress(search, search.arrived, name, unit)
        return
    done = search.done if done is None else done
    again = done and repeatable
    left, right = st.columns(_NARROW if narrow else _WIDE, vertical_alignment="center")
    left.button(
        label,
        type="secondary" if again else "primary",
        icon=":material/replay:" if again else ":material/play_arrow:",
        disabled=done and not repeatable,
        on_click=start,
        key=f"{name}_start",
        width="stretch",
    )
    right.caption(cost)
    if search.stopped and search.found is None:
        st.info("Stopped before there were any results.")
    with explained_errors():
        search.raise_error()


@st.fragment(run_every=0.3)
def _progress(search: Search[Any], drawn: int, name: str, unit: str) -> None:
    """Shown until it ends; the page reruns when it does, and for every partial result."""
    if not search.running or search.arrived != drawn:
        st.rerun()
        return
    left, right = st.columns([0.75, 0.25], vertical_alignment="center")
    left.progress(search.share, text=search.doing or f"{search.share:.0%} {unit}".strip())
    right.button("Stop", on_click=search.stop, key=f"{name}_stop", width="stretch")
