"""Fragments that stay in step with the page: a place that every page has, and clicks that come while it is sent.

Streamlit names a fragment after its function and its place on the page. What a timer sends while the page changes asks
for a fragment of the page before; as the new page has the same one, it is found there, and draws what is there now.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.runtime.app_session import AppSession

__all__ = ["SteadyPlace", "send_all_in_order"]


class SteadyPlace:
    """One place, made once a run, at the same place of every page: empty until something is drawn there."""

    def __init__(self, key: str) -> None:
        with st.container(key=key):
            self._slot = st.empty()
        self.draw(lambda: None)

    def draw(self, content: Callable[[], None], every: float | None = None) -> None:
        """Put ``content()`` here in place of what was drawn before, and again every so many seconds."""
        with self._slot:
            st.fragment(_content, run_every=every)(content)


def _content(draw: Callable[[], None]) -> None:
    draw()


def send_all_in_order() -> None:
    """Have Streamlit send what is waiting of a page before the elements of a fragment that runs again.

    It drops the fragment's own waiting elements and keeps those of the fragments within it, which then arrive without
    the blocks that they stand in: the browser raises "Bad delta path index", and shows nothing more (1.67). A click
    within milliseconds of the end of a run is enough. Sent in order, they arrive as if the click had come later.
    """
    drop = AppSession._clear_queue
    if getattr(drop, "keeps_fragments", False):
        return

    def clear_queue(self: AppSession, fragment_ids_this_run: list[str] | None = None) -> None:
        if fragment_ids_this_run is None:
            drop(self)
        else:
            self._browser_queue._delta_index_map = {}  # new elements follow the waiting ones, and do not replace them

    marked: Any = clear_queue
    marked.keeps_fragments = True
    AppSession._clear_queue = marked  # type: ignore[method-assign]


send_all_in_order()
