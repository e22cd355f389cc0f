"""The verdict above the pictures: which words carry the answer, what flips it, and how far to trust that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import code, saliency, verdicts
from components.gateway.library import gb
from components.gateway.requests import Opened
from components.gateway.turns import turns
from components.gateway.visitors import visitor
from components.shared.errors import explained_errors
from components.shared.jobs import Job, current_job, found_so_far
from components.shared.questions import Question, one_of, questions
from components.shared.save_and_code import Kept, save_and_code
from components.shared.steady import SteadyPlace
from components.text import plain

if TYPE_CHECKING:
    from components.gateway.saliency import Explanations

__all__ = ["verdict_strip"]

_PAGES = {"saliency": "pages/saliency.py", "what_if": "pages/what_if.py"}
_TRUST = {
    "holds": (":material/check_circle:", "green"),
    "doubtful": (":material/help:", "orange"),
    "fails": (":material/cancel:", "red"),
    "not_applicable": (":material/remove:", "gray"),
}
_SECONDS = 0.5  # between two looks at a verdict that is being computed
_USUAL_SECONDS = 3  # that a verdict on a sentence takes


def verdict_strip(opened: list[Opened], place: SteadyPlace) -> None:
    """Draw the verdict on the answer that is explained. It is computed in the background, part by part, for the newest
    text only; while other visitors wait for the machine, on a click."""
    if not state.view().verdict:
        return
    possible = questions(opened)
    if not possible:
        place.draw(_no_answer)
        return
    question = possible[one_of(possible, state.view().explain)]
    job: Job[gb.Verdict] = current_job("verdict", question.key)
    if not job.done and not job.running and job.error is None and not turns.others_wait(visitor()):
        _start(job, question)
    if job.running:
        place.draw(lambda: _draw_while_running(job, question), every=_SECONDS)
    else:
        place.draw(lambda: _draw(job, question))


def _start(job: Job[gb.Verdict], question: Question) -> None:
    proposer = question.proposer.request if question.proposer is not None else None
    work = verdicts.verdict(question.request, question.target, proposer, job.publish)
    job.page = ""  # all pages show it: it ends with the text, not with the page
    job.start(work, wait=False)


def _no_answer() -> None:
    with st.container(key="verdict"):
        st.caption("There is no answer to give a verdict on: select a word, or open a model that decides something.")


def _draw_while_running(job: Job[gb.Verdict], question: Question) -> None:
    if not job.running:
        st.rerun()
    _draw(job, question)


def _draw(job: Job[gb.Verdict], question: Question) -> None:
    with st.container(key="verdict"), explained_errors():
        if not job.running:
            job.raise_error()
        found = job.found
        if found is None and not job.running:
            st.button("Give a verdict", key="verdict_start", on_click=_start, args=(job, question))
            why = "Other visitors are waiting for the machine" if turns.others_wait(visitor()) else "It was stopped"
            st.caption(f"{why}, so the verdict on this answer comes on a click.")
            return
        words, flip, trust = (found.words_sentence, found.flip, found.trust) if found else ("", None, None)
        wait = _waited(job)
        limits = plain(verdicts.about_probabilities(question.one.model))
        if found is not None and found.answer.is_undecided:
            st.markdown(f":orange[:material/balance:] {plain(found.answer.sentence)}", help=limits or None)
        carried, flipped, trusted = st.columns([0.28, 0.32, 0.4], gap="medium")
        with carried:
            voters = found.words.methods if found is not None and found.words is not None else verdicts.voters()
            asked = "; ".join(plain(saliency.told(saliency.methods()[method])) for method in voters)
            about, methods = f"By quick methods: {asked}", " ".join(voters)
            title = "What raises it" if found is not None and found.answer.score_name else "What carries it"
            _part(title, words, "saliency", "rows", wait, about=about, methods=methods)
        with flipped:
            _part("What flips it", flip.sentence if flip is not None else "", "what_if", "smallest", wait)
        with trusted:
            icon, colour = _TRUST[trust.verdict] if trust is not None else ("", "")
            mark = f":{colour}[{icon}] " if icon else ""
            told = f"{trust.sentence}{_receipts(question)}" if trust is not None else ""
            _part("How reliable this is", told, "saliency", "board", wait, mark, about=limits)
            if found is not None and job.done and not job.interrupted:
                save_and_code("verdict", question.one.name, [_kept(question, found)], panel=True)


def _kept(question: Question, found: gb.Verdict) -> Kept:
    one = question.one
    proposer = question.proposer.request if question.proposer is not None else None
    proposer = verdicts.proposer_of(one.model, one.request, proposer)
    return Kept.of("Verdict", code.verdict(question.request, question.target, proposer), found)


def _receipts(question: Question) -> str:
    """What the receipts of the methods on the page say, once they are computed: one test that is passed is not all."""
    found: Explanations | None = found_so_far("explain", question.key) if state.page() == "saliency" else None
    receipts = list(found.receipts.values()) if found is not None else []
    failing = sum(any(line.verdict == "fails" for line in receipt.lines) for receipt in receipts)
    if not failing:
        return ""
    fails, their = ("fails", "its") if failing == 1 else ("fail", "their")
    return f" Below, {failing} of {len(receipts)} methods {fails} at least one check of {their} own."


def _waited(job: Job[gb.Verdict]) -> str:
    """How long the work takes already, once that is longer than usual: parts of a long text come one by one."""
    seconds = time.monotonic() - job.began
    return f" {seconds:.0f} s so far" if job.running and seconds >= _USUAL_SECONDS else ""


def _part(
    title: str, sentence: str, page: str, section: str, wait: str, mark: str = "", *, about: str = "", **own: str
) -> None:
    """One part of the verdict; its title leads to where it comes from, with the page's ``own`` fields. ``wait``: how
    long it takes already."""
    st.page_link(
        _PAGES[page],
        label=title,
        icon=":material/arrow_outward:",
        icon_position="right",
        query_params=state.link(page, state.view(), section=section, **own),
        help=about or None,
    )
    st.markdown(mark + plain(sentence) if sentence else f"*Computing …{wait}*")
