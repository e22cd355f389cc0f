"""The Behaviour page: does a model do what it should, and for whom does it not?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from components import state
from components.gateway import code, suites
from components.gateway.models import load, request_of
from components.gateway.requests import Opened, version_of
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.errors import explained_errors
from components.shared.jobs import run_job
from components.shared.save_and_code import Kept, save_and_code
from components.shell.opening import model_name
from components.text import plain, shortened
from components.views.behaviour_tests.fields import BehaviourFields
from components.views.behaviour_tests.suite import ask_labels, choose_suite, draw_editor

if TYPE_CHECKING:
    from glassbert.suites import Behaviour, Suite
    from glassbert.suites.results import BehaviourFailure, GroupRate, TestedBehaviour

__all__ = ["BehaviourFields", "draw_behaviour_page"]

_ON_BOARD = {"classification": "sentiment", "masked_words": "pretrained"}
_SHOWN, _TEXT_CHARACTERS = 10, 300
_MOST = ("50", "200", "1000")
_KINDS = {
    "invariance": "the answer must stay",
    "direction": "the probability must not move the wrong way",
    "minimum_ability": "the label is known",
    "minimal_pair": "the right sentence must be likelier",
}


def draw_behaviour_page(opened: Sequence[Opened]) -> None:
    """A suite, a model, and what came of it. Nothing is computed without a click."""
    with explained_errors():
        chosen = choose_suite()
        if chosen is not None:
            _ask(*chosen, opened)
    state.write_address()


def _ask(suite: str, chosen: Suite, opened: Sequence[Opened]) -> None:
    head = suites.head_for(chosen)
    able = {one.request.source: one.name for one in opened if head in one.model.task_heads}
    on_board = _ON_BOARD[head]
    able.setdefault(on_board, model_name(on_board))
    fields = state.fields(BehaviourFields)
    source = fields.tester if fields.tester in able else next(iter(able))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.selectbox(
            "Model",
            list(able),
            format_func=lambda one: shortened(able[one], 40),
            width=320,
            help="Open models that can be asked, and the one on board.",
            **state.bind("tester", BehaviourFields, options=able, shown=source, initial="index"),
        )
        st.segmented_control(
            "Examples of each test, at most", _MOST, **state.bind("most", BehaviourFields, options=dict.fromkeys(_MOST))
        )
    request = next((one.request for one in opened if one.request.source == source), request_of(source, "cpu"))
    load(request)
    _about(chosen)
    draw_editor(suite, chosen)
    labels = ask_labels(request, suite, chosen) if head == "classification" else {}
    if labels is None:
        return
    texts = own_texts(fields) if any(test.changes_texts for test in chosen.tests) else ()
    found = run_job(
        "behaviour",
        version_of(request, repr(chosen), chosen.tests, chosen.lists, fields.most, texts, labels),
        lambda: suites.test(request, chosen, int(fields.most), texts, labels),
        label="Test",
        cost="One pass a text; for pairs of sentences one a token.",
    )
    if found is not None:
        _result(found, Asked(suite, source, able[source], texts, labels), fields)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of which model: the id of the suite, the model's source and name, the visitor's own texts, and
    the model's names of labels."""

    suite: str
    source: str
    name: str
    texts: tuple[str, ...]
    labels: Mapping[str, str]


def own_texts(fields: BehaviourFields) -> tuple[str, ...]:
    """The visitor's texts, which take the place of the suite's."""
    return tuple(line.strip() for line in fields.texts.splitlines() if line.strip())


def _about(chosen: Suite) -> None:
    flaws = f"Known flaws: {chosen.flaws}" if chosen.flaws else ""
    parts = [chosen.about, flaws, f"Source: {chosen.licence}" if chosen.licence else ""]
    st.caption(plain(" ".join(part for part in parts if part)))


def _result(found: Behaviour, asked: Asked, fields: BehaviourFields) -> None:
    st.markdown(_in_words(found))
    uncounted = any(test.not_counted for test in found.tests)
    rows = []
    for test in found.tests:
        rows.append(_row(test.name, test) | ({"Not counted": test.not_counted} if uncounted else {}))
        rows += [_row(f"· {group.group}", group) for group in test.groups]
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height="content" if len(rows) <= 14 else 520,
        column_config={
            "Test": st.column_config.TextColumn(width="medium"),
            "Fails": st.column_config.ProgressColumn("Fails", width=110, min_value=0, max_value=100, format="%.1f%%"),
            "Examples": st.column_config.NumberColumn(width="small"),
            "Not counted": st.column_config.NumberColumn(width="small"),
        },
    )
    st.caption(_what_must_hold(found))
    if uncounted:
        st.caption(
            "Not counted: texts of which the probability could not move that far, because it is so close to 0 or 1, "
            "texts that the model cannot read, and pairs that share no token."
        )
    if found.left_out:
        names = ", ".join(f"“{shortened(name, 60)}”" for name in found.left_out)
        st.caption(plain(f"Left out, since your own texts are tested: {names}."))
    _differences(found)
    _failures(found, asked, fields)
    with how_computed("Tests of behaviour"):
        st.markdown(
            "Intervals are Wilson's. A rate is about the examples of the suite, which are no sample of what a model "
            "will read."
        )
    given: dict[str, Any] = {"texts": list(asked.texts)} if asked.texts else {}
    given |= {"labels": dict(asked.labels)} if asked.labels else {}
    given |= {} if fields.most == "200" else {"most": int(fields.most)}
    file = suites.own_file(asked.suite)
    suite = asked.suite if file is None else file.name
    written = code.behaviour(request_of(asked.source, "cpu"), suite, **given)
    kept = [Kept.of("Rates", written, found), Kept.of("Failures", written, found, rows="failure_frame")]
    save_and_code("behaviour", asked.name, kept, about=suite)


def _expected(test: TestedBehaviour) -> str:
    """What an example must do so as not to fail."""
    if test.tolerance is None or test.kind in ("minimum_ability", "minimal_pair"):
        return _KINDS.get(test.kind, test.kind)
    most = f"{100 * test.tolerance:g} points"
    if test.kind == "invariance":
        return f"the answer must stay, and its probability may move by at most {most}"
    must = {"lower": "must not rise", "higher": "must not fall"}.get(test.expect, "must not move the wrong way")
    return f"the probability of {test.followed or 'the label'} {must} by more than {most}"


def _what_must_hold(found: Behaviour) -> str:
    """``In *Names* and *Places*, the answer must stay.``; without the names where it is the same in all tests."""
    tests: dict[str, list[str]] = {}
    for test in found.tests:
        tests.setdefault(_expected(test), []).append(f"*{plain(shortened(test.name, 60))}*")
    if len(tests) == 1:
        (expected,) = tests
        return f"What must hold: {expected}."
    return " ".join(f"In {', '.join(names)}: {expected}." for expected, names in tests.items())


def _row(test: str, one: TestedBehaviour | GroupRate) -> dict[str, object]:
    return {
        "Test": test,
        "Fails": None if one.rate is None else 100 * one.rate,
        "95% interval": f"{charts.percent(one.low)} to {charts.percent(one.high)}" if one.examples else "–",
        "Examples": one.examples,
    }


def _in_words(found: Behaviour) -> str:
    failures = sum(test.failures for test in found.tests)
    if not failures:
        return f"None of {found.examples:,} examples fails."
    worst = max((test for test in found.tests if test.examples), key=lambda test: test.rate or 0.0)
    return (
        f"**{failures:,}** of {found.examples:,} examples fail, most often those of *{plain(worst.name)}*: "
        f"{charts.percent(worst.rate or 0.0)} (95% interval {charts.percent(worst.low)} to "
        f"{charts.percent(worst.high)})."
    )


def _differences(found: Behaviour) -> None:
    """Groups that differ by more than chance explains."""
    told = [(test, one) for test in found.tests for one in test.differences if one.p_adjusted < 0.05]
    any_groups = any(test.differences for test in found.tests)
    if not told:
        if any_groups:
            st.caption("No group fails more often, or is judged otherwise, than chance explains.")
        return
    st.markdown("**Groups that differ**")
    rows = [
        {
            "Test": test.name,
            "Group": one.group,
            "Beside": one.other,
            "What differs": "how often it fails"
            if one.measure == "failure_rate"
            else f"probability of {test.followed}",
            "By": f"{100 * one.difference:+.1f} points",
            "95% interval": f"{100 * one.low:+.1f} to {100 * one.high:+.1f}",
            "By chance": "under 0.1%" if one.p_adjusted < 0.001 else charts.percent(one.p_adjusted),
        }
        for test, one in told
    ]
    st.dataframe(rows, hide_index=True, width="stretch", height="content")


def _failures(found: Behaviour, asked: Asked, fields: BehaviourFields) -> None:
    tests = {test.name: test for test in found.tests if test.failures}
    if not tests:
        return
    shown = fields.test if fields.test in tests else next(iter(tests))
    st.subheader("What fails, the worst first", anchor=False)
    if len(tests) > 1:
        st.selectbox(
            "Failures of",
            list(tests),
            format_func=lambda name: shortened(name, 80),
            width=420,
            **state.bind("test", BehaviourFields, options=tests, shown=shown, initial="index"),
        )
    worst = [one for one in found.failures if one.test == shown]
    for number, one in enumerate(worst[:_SHOWN]):
        with st.container(key=f"failure_{number}", border=True):
            _failure(one, tests[shown], asked.source)
    if len(worst) > _SHOWN:
        st.caption(f"And {len(worst) - _SHOWN:,} more: all of them are in the table of failures under Save & code.")


def _failure(one: BehaviourFailure, test: TestedBehaviour, source: str) -> None:
    st.markdown(plain(shortened(one.text, _TEXT_CHARACTERS)))
    if one.variant:
        st.markdown(plain(shortened(one.variant, _TEXT_CHARACTERS)))
    if one.score is not None and one.variant_score is not None:
        told = f"log-likelihood {one.score:.1f} and {one.variant_score:.1f}"
    else:
        sides = [one.answer] + ([one.variant_answer] if one.variant_answer else [])
        told = " → ".join(sides)
        if one.probability is not None:
            chances = [one.probability] + ([] if one.variant_probability is None else [one.variant_probability])
            told += f"; {one.label}: {' → '.join(charts.percent(value) for value in chances)}"
    st.caption(plain(f"{f'{one.group} · ' if one.group else ''}{told}"))
    _open(one, test, source)


def _open(one: BehaviourFailure, test: TestedBehaviour, source: str) -> None:
    """The failure on What if, with its variant as the other text; a pair of sentences on Masked words."""
    base = replace(
        state.view(), model=source, beside="", half=False, text=one.text, pair="", token=-1, toward=-1, until=-1,
        explain="", label="", foil_label="", window=0, other_text=one.variant, other_pair="",
    )  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        if test.kind == "minimal_pair":
            st.page_link(
                "pages/masked_words.py",
                label="Masked words",
                icon=":material/format_shapes:",
                query_params=state.link("masked_words", base, section="surprise"),
                width="content",
            )
            return
        # the trace puts states of one text into the other, token by token
        traced = one.variant and suites.as_long(request_of(source, "cpu"), one.text, one.variant)
        section = {"section": "tracing"} if traced else {}
        st.page_link(
            "pages/what_if.py",
            label="What if",
            icon=":material/alt_route:",
            query_params=state.link("what_if", base, **section),
            width="content",
        )
        st.page_link(
            "pages/saliency.py",
            label="Why?",
            icon=":material/fact_check:",
            query_params=state.link("saliency", base),
            width="content",
        )
        if one.variant:
            st.page_link(
                "pages/compare.py",
                label="Compare both",
                icon=":material/compare_arrows:",
                query_params=state.link("compare", base, sides="texts"),
                width="content",
            )
