"""The tour: one screen for each step, with a way back and forth.

It has a sentence of its own and leaves the visitor's alone. The step is in the address and in the session, so that one
can leave the tour at any point and come back to it.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from components import state
from components.examples import FIRST
from components.shared.errors import explained_errors
from components.shell.navigation import PAGES
from components.text import plain
from components.views.tour import slides
from components.views.tour.cast import open_cast
from components.views.tour.fields import TourFields
from components.views.tour.offer import tour_offer
from components.views.tour.sentence import SENTENCE
from components.views.tour.steps import STEPS, Step

__all__ = ["TourFields", "draw_tour", "tour_offer"]

_STYLE = (Path(__file__).parent / "tour.css").read_text(encoding="utf-8")
# As a slide is: everything grows with the screen, and what fits on one fits on all.
_SLIDE = "html { font-size: clamp(100%, min(1.5625vw, 2.7778vh), 300%); }"


@st.fragment
def draw_tour() -> None:
    """Cost: as each step says; the first one opens the models."""
    state.redraw_page_if_asked()
    number = state.fields(TourFields).step
    step = STEPS[number - 1]
    st.html(f"<style>{_STYLE}{_SLIDE if state.view().present else ''}</style>")
    with st.container(key="tour", gap="small"):
        st.html(slides.progress(number, len(STEPS)))
        st.header(step.title, anchor=False)
        said = st.container(key="tour_text")
        picture = st.container(key="tour_picture")
        caveat = st.container(key="tour_caveat")
        _draw_buttons(number, step)
    with picture, explained_errors():
        with st.spinner("Opening the models …"):
            cast = open_cast()
            text = step.say(cast)
        said.markdown(plain(text))
        step.draw(cast)
        caveat.markdown(f":material/lightbulb: {plain(step.caveat(cast))}")
    state.write_address()


def _draw_buttons(number: int, step: Step) -> None:
    with st.container(key="tour_buttons", horizontal=True, vertical_alignment="center", gap="small"):
        st.button("Back", key="tour_back", icon=":material/arrow_back:", disabled=number == 1, on_click=_go, args=(-1,))
        st.markdown(f"{number} of {len(STEPS)}", width="content", help="Keys: → and ←. P presents.")
        if number < len(STEPS):
            st.button(
                "Next",
                key="tour_next",
                icon=":material/arrow_forward:",
                icon_position="right",
                type="primary",
                on_click=_go,
                args=(1,),
            )
        else:
            st.button("Start again", key="tour_restart", icon=":material/replay:", on_click=_start_again)
        if st.button("Try this with your own sentence", key="tour_own", icon=":material/edit:", type="tertiary"):
            if state.view().text == FIRST.text:  # nobody's own: what was seen here goes on there, to be overwritten
                state.change(text=SENTENCE, pair="")
            state.lead_to_text()
            st.switch_page(PAGES[step.page].file, query_params=state.link(step.page))


def _go(steps: int) -> None:
    # from where the visitor is by now: a second click may come before the page is drawn
    now = state.fields(TourFields).step
    state.change(TourFields, step=min(max(now + steps, 1), len(STEPS)))


def _start_again() -> None:
    fresh = TourFields()
    state.change(TourFields, step=fresh.step, guesses=fresh.guesses, outcome=fresh.outcome)
