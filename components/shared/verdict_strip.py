"""The verdict above the pictures: which words carry the answer, what flips it, and how far to trust that."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway import verdicts
from components.gateway.library import gb
from components.gateway.opened import Opened
from components.gateway.turns import turns, visitor
from components.shared.errors import explained_errors
from components.shared.jobs import Job, current_job
from components.shared.options import one_of
from components.shared.questions import Question, questions
from components.text import plain

__all__ = ["verdict_strip"]

_TRUST = {
    "holds": (":material/check_circle:", "green"),
    "doubtful": (":material/help:", "orange"),
    "fails": (":material/cancel:", "red"),
    "not_applicable": (":material/remove:", "gray"),
}


def verdict_strip(opened: list[Opened]) -> None:
    """Draw the verdict on the answer that is explained. It is computed in the background, part by part, for the newest
    text only; while other visitors wait for the machine, on a click."""
    possible = questions(opened) if state.view().verdict else {}
    if not possible:
        return
    question = possible[one_of(possible, state.view().explain)]
    job: Job[gb.Verdict] = current_job("verdict", question.key)
    if not job.done and not job.running and job.error is None and not turns.others_wait(visitor()):
        _start(job, question)
    _draw(job, question) if not job.running else _draw_while_running(job, question)


def _start(job: Job[gb.Verdict], question: Question) -> None:
    proposer = question.proposer.request if question.proposer is not None else None
    work = verdicts.verdict(question.request, question.target, proposer, job.publish)
    job.page = ""  # all pages show it: it ends with the text, not with the page
    job.start(work, wait=False)


@st.fragment(run_every=0.5)
def _draw_while_running(job: Job[gb.Verdict], question: Question) -> None:
    if not job.running:
        st.rerun()
    _draw(job, question)


def _draw(job: Job[gb.Verdict], question: Question) -> None:
    with st.container(key="verdict", border=True), explained_errors():
        if not job.running:
            job.raise_error()
        found = job.found
        if found is None and not job.running:
            st.button("Give a verdict", key="verdict_start", on_click=_start, args=(job, question), type="tertiary")
            return
        carried, flipped, trusted = st.columns([0.34, 0.33, 0.33], gap="medium")
        with carried:
            _part("What carries it", found and found.words and found.words.sentence, job.running)
            _lead_to("saliency", "Saliency", section="rows")
        with flipped:
            _part("What flips it", found and found.flip and found.flip.sentence, job.running)
            _lead_to("what_if", "What if", section="smallest")
        with trusted:
            trust = found and found.trust
            icon, colour = _TRUST[trust.verdict] if trust else ("", "gray")
            _part("How far to trust it", trust and trust.sentence, job.running, f":{colour}[{icon}] " if icon else "")
            _lead_to("saliency", "Receipts", section="board")


def _part(title: str, sentence: str | None, running: bool, mark: str = "") -> None:
    st.caption(title)
    st.markdown(mark + plain(sentence) if sentence else "*Computing …*" if running else "*Not computed.*")


def _lead_to(page: str, label: str, section: str) -> None:
    files = {"saliency": "pages/saliency.py", "what_if": "pages/what_if.py"}
    st.page_link(
        files[page],
        label=label,
        icon=":material/arrow_forward:",
        query_params=state.link(page, state.view(), section=section),
    )
