"""One quiet line that offers the tour to who is new here, and the way back to those who left it halfway."""

from __future__ import annotations

import streamlit as st

from components import state
from components.shell.navigation import PAGES
from components.views.tour.fields import STEPS, TourFields
from components.widgets.dismiss_button import dismiss_button

__all__ = ["tour_offer"]


def tour_offer() -> None:
    """Draw the line, unless the page is being presented or the tour has been taken to its end."""
    step = state.fields(TourFields).step
    if state.view().present or step == STEPS:
        return
    with st.container(key="tour_offer", horizontal=True, vertical_alignment="center", gap="xxsmall", width="content"):
        st.markdown("New here?" if step == 1 else "Still curious?", width="content")
        st.page_link(
            PAGES["tour"].file,
            label="See BERT in five minutes" if step == 1 else f"Go on with the tour, step {step} of {STEPS}",
            icon=":material/tour:",
            query_params=state.link("tour"),
        )
        dismiss_button("tour_offer", label="Do not offer this again", key="tour_dismiss")
