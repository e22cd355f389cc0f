"""The dialog that makes a report of the answer that is looked at: what it holds, how long it takes, the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import reports
from components.gateway.files import file_name
from components.gateway.requests import Opened
from components.shared.errors import explained_errors
from components.shared.jobs import run_job
from components.text import plain

if TYPE_CHECKING:
    from components.shared.questions import Question

__all__ = ["draw_report_button", "draw_report_dialog"]

#: Where it was opened: the page's id.
_OPEN = "report_open_on"
#: Kind of question → what was decided.
_WHAT = {
    "class": "its class",
    "mask": "the masked word",
    "next": "whether text B follows text A",
    "entity": "the type of an entity",
    "token": "the label of the selected word",
    "replaced": "whether a word looks replaced",
    "span": "the answer to the question",
    "start": "where the answer starts",
    "end": "where the answer ends",
}


def draw_report_button() -> None:
    st.button(
        "Report",
        key="report",
        icon=":material/description:",
        type="tertiary",
        help="One file about this answer, to read without GlassBERT",
        on_click=state.remember,
        args=(_OPEN, state.page()),
    )


def draw_report_dialog(opened: list[Opened]) -> None:
    """Draw it if it is open. It stays open while the page runs again, until it is closed or the page changes."""
    if opened and state.remembered(_OPEN) == state.page():
        _dialog(opened)
    else:
        _close()


def _close() -> None:
    state.remember(_OPEN, None)


@st.dialog("Report", width="medium", icon=":material/description:", on_dismiss=_close)
def _dialog(opened: list[Opened]) -> None:
    # numpy comes with it, which the shell of a cold page does without
    from components.shared.questions import as_chosen, one_of, question_of_page, questions

    with explained_errors():
        of_page = question_of_page(opened)
        if of_page is not None:
            _draw(of_page)
            return
        possible = questions(opened)
        if not possible:
            st.info("There is no answer to report on: select a word, or open a model that decides something.")
            return
        question = as_chosen(possible[one_of(possible, state.view().explain)])
        _draw(question)


def _draw(question: Question) -> None:
    st.markdown(
        f"One HTML file that explains what **{plain(question.one.name)}** decided about this text: "
        f"{_WHAT[question.kind]}. It opens without a server or a network connection, and prints."
    )
    st.markdown(
        "- **One page for everybody**: the answer, the words that carry it, what flips it, how far to trust that.\n"
        "- **The evidence**: predictions, several methods with their receipts, attention.\n"
        "- **Limits**, and a **passport**: the model's hashes, versions, settings, and the Python that computes every "
        "number again."
    )
    st.caption("It contains your text. It is made on this server, kept for this session only, and never logged.")
    took = reports.duration_of_report(question.request)
    proposer = question.proposer.request if question.proposer is not None else None
    made = run_job(
        "report",
        question.key,
        lambda: reports.report(question.request, question.target, proposer),
        label="Make the report",
        cost=f"{took[0].upper()}{took[1:]}. Nothing on the page changes.",
    )
    if made is not None:
        st.download_button(
            f"Download ({len(made) / 1e6:.1f} MB)",
            made,
            file_name=file_name("report", question.request.text, "html"),
            mime="text/html",
            type="primary",
            icon=":material/download:",
            key="report_download",
            on_click="ignore",
            width="stretch",
        )
