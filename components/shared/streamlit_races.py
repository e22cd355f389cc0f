"""Two races of Streamlit 1.67 that a visitor loses who clicks while a page is still being drawn or sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamlit.runtime.app_session import AppSession
from streamlit.runtime.state.session_state import WStates

__all__ = ["mend_races"]


def mend_races() -> None:
    """Change Streamlit's two methods, once in a process."""
    if not getattr(AppSession._clear_queue, "mended", False):
        _send_all_in_order()
        _iterate_over_a_copy()


def _send_all_in_order() -> None:
    """Send what is waiting of a page before the elements of a fragment that runs again.

    Streamlit drops the fragment's own waiting elements and keeps those of the fragments within it, which then arrive
    without the blocks that they stand in: the browser raises "Bad delta path index", and shows nothing more. A click
    within milliseconds of the end of a run is enough. Sent in order, they arrive as if the click had come later.
    """
    drop = AppSession._clear_queue

    def clear_queue(self: AppSession, fragment_ids_this_run: list[str] | None = None) -> None:
        if fragment_ids_this_run is None:
            drop(self)
        else:
            self._browser_queue._delta_index_map = {}  # new elements follow the waiting ones, and do not replace them

    marked: Any = clear_queue
    marked.mended = True
    AppSession._clear_queue = marked  # type: ignore[method-assign]


def _iterate_over_a_copy() -> None:
    """Go through the names of the widgets as they are at the start.

    A run that a click ends may still be drawing while the next one looks for what was clicked: it adds a widget, and
    the page shows "dictionary changed size during iteration".
    """

    def names(self: WStates) -> Iterator[str]:
        return iter(list(self.states))

    WStates.__iter__ = names  # type: ignore[method-assign]
