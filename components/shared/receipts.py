"""A receipt on screen: the verdicts in one line, and every check with its number, sentence and threshold."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import code, saliency
from components.gateway.library import gb
from components.shared import charts
from components.shared.plain_view import for_experts
from components.shared.plots import draw_chart
from components.shared.questions import Question
from components.shared.save_and_code import Kept
from components.text import passes, plain

if TYPE_CHECKING:
    from glassbert.evaluation.results import ReceiptLine

__all__ = ["MARKS", "VERDICTS", "draw_receipt", "draw_verdicts", "offer_receipt"]

#: Verdict → its name, icon and badge colour; never a colour alone.
VERDICTS = {
    "holds": ("holds", ":material/check_circle:", "green"),
    "doubtful": ("doubtful", ":material/help:", "orange"),
    "fails": ("fails", ":material/cancel:", "red"),
    "not_applicable": ("does not apply", ":material/remove:", "gray"),
}
#: Verdict → one character for it, for a table cell.
MARKS = {"holds": "✓", "doubtful": "?", "fails": "✗", "not_applicable": "–"}


def draw_verdicts(receipt: gb.Receipt) -> None:
    """One badge per check: what it says in plain words; its name, number and question when hovered."""
    st.html(f'<div class="gb-checks">{"".join(_hovered(line) for line in receipt.lines)}</div>')


def _hovered(line: ReceiptLine) -> str:
    check = saliency.checks()[line.check]
    name, _, _ = VERDICTS[line.verdict]
    number = "" if line.number is None else f" {charts.readable_number(line.number)}"
    about = for_experts(
        f"{check.label}{number}: {name}. {check.question} {line.threshold}", f"{name}: {check.question}"
    )
    mark, claim = MARKS[line.verdict], html.escape(check.claim)
    return f'<span class="gb-check gb-{line.verdict}" title="{html.escape(about)}">{mark} {claim}</span>'


def _badge(verdict: str) -> str:
    name, icon, colour = VERDICTS[verdict]
    return f":{colour}-badge[{icon} {name}]"


def draw_receipt(receipt: gb.Receipt, *, key: str) -> None:
    """The whole receipt, collapsed."""
    checks = saliency.checks()
    with st.expander(f"Receipt: {_told(receipt)}", icon=":material/receipt_long:", key=f"{key}_receipt"):
        for line in receipt.lines:
            check = checks[line.check]
            if not state.view().expert:
                st.markdown(f"{_badge(line.verdict)} **{check.claim}**: {check.question}")
                continue
            number = "" if line.number is None else f"**{plain(charts.readable_number(line.number))}**, "
            left, right = st.columns([0.86, 0.14], vertical_alignment="center")
            left.markdown(
                f"{_badge(line.verdict)} **{check.claim}** ({check.label}): {check.question}  \n"
                f"{number}{plain(line.sentence)}. *{plain(line.threshold)}*"
            )
            with right.popover("Measure", width="stretch", key=f"{key}_{line.check}"):
                st.markdown(f"**{check.label}** · {plain(check.paper)}")
                st.latex(check.formula)
                st.caption(plain(check.threshold))
        if state.view().expert:
            _curves(receipt, key)
        counted = (
            f"{passes(receipt.forward_passes)}, {plain(f'{receipt.seconds:.2f}')} s; {receipt.orderings} random "
            f"orderings, seed {receipt.seed}. Work shared between receipts is counted in the first. "
        )
        st.caption(
            f"{for_experts(counted)}*Checks that hold do not make an explanation true; each that fails is a reason to "
            "doubt this method on this text.*"
        )


def offer_receipt(question: Question, method: str, *, key: str) -> list[Kept]:
    """The receipt of the explanation above, on request: it costs more than the explanation itself.

    Returns it for "Save & code", if it is there.
    """
    wanted = st.toggle(
        "Receipt: how far to trust it",
        key=f"{key}_wanted",
        persist_state="session",
        help="Takes a few seconds for a short text: random orderings, words left out, random weights, noise.",
    )
    if not wanted:
        return []
    with st.spinner("Checking it …"):
        found = saliency.receipt(question.request, method, question.target, question.output)
    draw_verdicts(found)
    draw_receipt(found, key=key)
    scores = code.attribute(question.request, method, question.target, question.output)
    return [Kept.of("Receipt", code.receipt(question.request.model, scores), found)]


def _told(receipt: gb.Receipt) -> str:
    """``passes 2 of 5 checks, fails 3``."""
    verdicts = [line.verdict for line in receipt.lines if line.verdict != "not_applicable"]
    if not verdicts:
        return "no check applies"
    passed, doubtful, failed = (verdicts.count(verdict) for verdict in ("holds", "doubtful", "fails"))
    told = [f"passes {passed} of {len(verdicts)} {'check' if len(verdicts) == 1 else 'checks'}"]
    told += [f"{doubtful} in doubt"] if doubtful else []
    told += [f"fails {failed}"] if failed else []
    return ", ".join(told)


def _curves(receipt: gb.Receipt, key: str) -> None:
    """Comprehensiveness and sufficiency as curves, over the band of random orderings."""
    lines = [line for line in receipt.lines if "random_curves" in line.details]
    if not lines:
        return
    for column, line in zip(st.columns(len(lines)), lines, strict=True):
        with column:
            check = saliency.checks()[line.check]
            st.markdown(f"**{check.claim}** ({check.label})")
            draw_chart(
                charts.faithfulness_curve(line.details),
                key=f"{key}_{line.check}_curve",
            )
    st.caption("Violet: this explanation. Grey: random orderings, their median and central 90%.")
