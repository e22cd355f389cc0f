"""What is explained, by which methods, and at what cost."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from components import state
from components.gateway import saliency, verdicts
from components.gateway.library import gb
from components.gateway.models import duration, is_quick
from components.gateway.saliency import Explanations
from components.shared.jobs import Job, current_job, draw_job, found_so_far
from components.shared.questions import Question, ask_units, ask_which, refined
from components.text import plain
from components.views.saliency.fields import SaliencyFields

__all__ = ["ask_what", "choose_methods", "chosen_methods", "run_controls"]

_FAMILIES = {
    "gradient": "Gradient",
    "decomposition": "Decomposition",
    "perturbation": "Perturbation",
    "attention": "Attention",
}


def ask_what(possible: dict[str, Question]) -> Question:
    """Draw the controls of what is explained, and return their values."""
    first, second, third, fourth = st.columns([0.3, 0.25, 0.25, 0.2])
    question = refined(ask_which(possible, first), second, third)
    return replace(question, output=ask_units(question, fourth))


def chosen_methods() -> list[str]:
    """The methods the user compares, in the order of the list."""
    known = saliency.methods()
    named = [method for method in state.fields(SaliencyFields).methods.split() if method in known]
    return named or list(saliency.default_methods())


def choose_methods() -> list[str]:
    """The picker of methods, each with its family, and beside it the names of the chosen ones. The labels of the picker
    are the same for every text: they are its values."""
    known = saliency.methods()
    chosen = chosen_methods()

    names = {
        method_id: f"{method.label} · {_FAMILIES.get(method.family, method.family)}"
        if state.view().expert
        else saliency.told(method)
        for method_id, method in known.items()
    }

    def choose(picked: list[str]) -> None:
        names = "" if tuple(picked) == saliency.default_methods() else " ".join(picked)
        state.change(SaliencyFields, methods=names)

    with st.container(horizontal=True, vertical_alignment="center", key="methods_line"):
        with st.popover(f"{len(chosen)} of {len(known)} methods", icon=":material/checklist:", key="methods_popover"):
            picked = st.pills(
                "Methods",
                list(known),
                selection_mode="multi",
                format_func=names.__getitem__,
                help="What each method measures, and what it costs, is on the page Definitions.",
                **state.control("methods", chosen, choose, options=list(known)),
            )
        st.caption(plain(", ".join(known[method].label for method in chosen)))
    return picked or chosen


def run_controls(question: Question, methods: list[str], tokens: int) -> Explanations:
    """The button with its cost; while it runs, progress and a stop button. Returns the results so far."""
    job: Job[Explanations] = current_job("explain", question.key)
    if job.found is None:
        job.found = _first(question, methods, tokens)
    if not job.running:
        job.found = _with_votes(question, job.found, methods)
    known = job.found or Explanations()

    def start() -> None:
        before = job.found or Explanations()
        work = saliency.scores_and_receipts(
            question.request, question.target, question.output, methods, before, job.publish
        )
        job.start(work, before)

    done = not known.lacking(methods)
    cost = _took(known, methods) if done else _cost(question, known, methods, tokens, stopped=job.stopped)
    draw_job(job, start, name="explain", label="Explain", cost=cost, done=done, repeatable=False)
    found = job.found  # read after the progress bar is drawn, which reruns the page for whatever arrives later
    if not job.running:
        labels = saliency.methods()
        for method in methods:
            if method in found.refusals:
                st.warning(f"**{labels[method].label}**: {plain(found.refusals[method])}", icon=":material/info:")
    return found


def _first(question: Question, methods: list[str], tokens: int) -> Explanations:
    """What is shown before the button is pressed: one method that takes one pass, the Workbench's own if it can be."""
    known = saliency.methods()
    cheap = [one for one in methods if saliency.passes_of(known[one], tokens) == 1]
    if not cheap or not is_quick(question.one.model, 1, tokens):
        return Explanations()
    method = state.view().method if state.view().method in cheap else cheap[0]
    try:
        scores = saliency.attribute(question.request, method, question.target, question.output)
    except gb.GlassBERTError:  # said when all of them are asked for
        return Explanations()
    return Explanations(scores={method: scores})


def _with_votes(question: Question, found: Explanations, methods: list[str]) -> Explanations:
    """With the scores by which the verdict's methods voted, where these alone are shown: they are known."""
    given: gb.Verdict | None = found_so_far("verdict", question.key)
    if given is None or given.words is None:
        return found
    votes = {one.method: one for one in given.words.scores}
    if not set(methods) <= set(verdicts.voters()):
        return found
    return replace(found, scores={**{one: votes[one] for one in methods if one in votes}, **found.scores})


def _took(found: Explanations, methods: list[str]) -> str:
    took = sum(found.scores[method].seconds for method in methods if method in found.scores)
    return f"All {len(methods)} methods are computed; the scores took {took:.1f} s."


def _cost(question: Question, found: Explanations, methods: list[str], tokens: int, *, stopped: bool) -> str:
    lacking = found.lacking(methods)
    scoring, checking = saliency.passes_needed([one for one in lacking if one not in found.scores], lacking, tokens)
    names = f"{len(lacking)} of {len(methods)} methods" if len(lacking) < len(methods) else f"{len(methods)} methods"
    more = "Stopped; results so far are kept. " if stopped else ""
    model = question.one.model
    scores, receipts = duration(model, scoring, tokens), duration(model, checking, tokens)
    return f"{more}{names}: {scores} for the scores, {receipts} for their receipts."
