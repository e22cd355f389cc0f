"""A place that can draw itself again by a timer, and that every page has.

Streamlit names a fragment after its function and its place on the page. What a timer sends while the page changes asks
for a fragment of the page before; as the new page has the same one, it is found there, and draws what is there now.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

__all__ = ["SteadyPlace"]


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
