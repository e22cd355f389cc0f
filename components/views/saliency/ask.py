"""What is explained, by which methods, and what that costs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import compute
from components.shared.questions import KINDS, Question
from components.shared.scores_view import passes
from components.shared.selection import explained_errors
from components.text import plain
from components.views.saliency.fields import SaliencyFields
from components.views.saliency.study import Asked, Study

if TYPE_CHECKING:
    import glassbert as gb

__all__ = ["ask_what", "choose_methods", "chosen_methods", "default_methods", "run_controls"]

_UNITS = {"logit": "Logit", "probability": "Probability"}
_FAMILIES = {
    "gradient": "Gradient",
    "decomposition": "Decomposition",
    "perturbation": "Perturbation",
    "attention": "Attention",
}


def ask_what(possible: dict[str, Question]) -> tuple[Question, Asked]:
    """The controls of what is explained, and what they say."""
    kinds = list(possible)
    first, second, third, fourth = st.columns([0.3, 0.25, 0.25, 0.2])
    first.selectbox(
        "Explain", kinds, format_func=KINDS.__getitem__, **state.bind("explain", options=dict.fromkeys(kinds))
    )
    view = state.view()
    question = possible[view.explain if view.explain in possible else kinds[0]]
    target = _refined(question, second, third)
    fourth.selectbox("In units of", list(_UNITS), format_func=_UNITS.__getitem__, **state.bind("units", options=_UNITS))
    asked = Asked(question.one.text(view), target, state.view().units)
    return question, asked


def _refined(
    question: Question, second: st.delta_generator.DeltaGenerator, third: st.delta_generator.DeltaGenerator
) -> gb.Target:
    """The target with what the visitor says about it: which class or word, and rather than which."""
    target = question.target
    if question.kind in ("class", "token"):
        labels = dict.fromkeys(("", *question.one.model.labels))
        second.selectbox(
            "Why",
            list(labels),
            format_func=lambda label: label or "the predicted one",
            **state.bind("label", options=labels),
        )
        third.selectbox(
            "rather than",
            list(labels),
            format_func=lambda label: label or "no other",
            **state.bind("foil_label", options=labels),
        )
        view = state.view()
        chosen = view.label if view.label in labels else ""
        foil = view.foil_label if view.foil_label in labels else ""
        return replace(target, label=chosen or None, foil=foil or None)
    if question.kind == "mask":
        second.text_input("Why this word", placeholder="the first choice", **state.bind("word"))
        third.text_input("rather than", placeholder="no other word", **state.bind("foil_word"))
        view = state.view()
        return replace(target, token=view.word.strip() or None, foil=view.foil_word.strip() or None)
    return target


def default_methods() -> tuple[str, ...]:
    """The library's default set."""
    return tuple(compute.default_methods())


def chosen_methods() -> list[str]:
    """The methods the visitor compares, in the order of the list."""
    known = compute.methods()
    named = [method for method in state.fields(SaliencyFields).methods.split() if method in known]
    return named or list(default_methods())


def choose_methods(tokens: int) -> list[str]:
    """The picker of methods; each with its family and cost."""
    known = compute.methods()
    chosen = chosen_methods()

    def told(method_id: str) -> str:
        method = known[method_id]
        cost = passes(method.cost(tokens, {**method.options, **compute.page_options(method_id)}))
        return f"{method.label} · {_FAMILIES.get(method.family, method.family)} · {cost}"

    picked = st.multiselect(
        "Methods",
        list(known),
        default=chosen,
        format_func=told,
        key=f"methods_{compute.version(chosen)}",
        on_change=_pick,
        args=(f"methods_{compute.version(chosen)}",),
        help="Passes are inputs of this length sent through the network; some methods run backwards as well.",
    )
    return picked or chosen


def _pick(key: str) -> None:
    picked = state.value(key) or []
    names = "" if tuple(picked) == default_methods() else " ".join(picked)
    state.change(SaliencyFields, methods=names)


def run_controls(study: Study, methods: list[str], tokens: int) -> None:
    """The button, with what pressing it costs; progress and a way to stop while it works."""
    known = compute.methods()
    lacking = study.lacking(methods)
    needed = sum(
        known[method].cost(tokens, {**known[method].options, **compute.page_options(method)})
        for method in lacking
        if method not in study.scores
    )
    if study.running:
        _progress(study.arrived)
        return
    left, right = st.columns([0.25, 0.75], vertical_alignment="center")
    left.button(
        "Explain",
        type="primary",
        icon=":material/play_arrow:",
        disabled=not lacking,
        on_click=lambda: study.start(methods),
        key="study_start",
        width="stretch",
    )
    if lacking:
        names = (
            f"{len(lacking)} of {len(methods)} methods" if len(lacking) < len(methods) else f"{len(methods)} methods"
        )
        more = "Stopped; what was found stays. " if study.stopped else ""
        right.caption(f"{more}{names}: about {passes(needed)}, and as many again and more for their receipts.")
    else:
        took = sum(study.scores[method].seconds for method in methods if method in study.scores)
        right.caption(f"All {len(methods)} methods are here; the scores took {took:.1f} s.")
    with explained_errors():
        study.raise_error()
    for method in methods:
        if method in study.refusals:
            st.warning(f"**{known[method].label}**: {plain(study.refusals[method])}", icon=":material/info:")


@st.fragment(run_every=0.3)
def _progress(drawn: int) -> None:
    study: Study | None = state.remembered("study")
    if study is None or study.job is None or not study.running or study.arrived != drawn:
        st.rerun()
        return
    left, right = st.columns([0.75, 0.25], vertical_alignment="center")
    doing = "Computing the scores …" if study.doing == "methods" else "Checking them: receipts …"
    left.progress(min(study.job.share, 1.0), text=doing)
    right.button("Stop", on_click=study.stop, key="study_stop", width="stretch")
