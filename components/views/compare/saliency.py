"""Saliency: how much each word contributed to one prediction on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components.gateway import code, comparison, inputs, saliency
from components.gateway.library import gb
from components.gateway.models import is_quick
from components.gateway.requests import version_of
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.jobs import asked_for
from components.shared.plain_view import cost_ahead, for_experts
from components.shared.plots import draw_chart
from components.shared.questions import ask_method, ask_units, ask_which, refined
from components.shared.save_and_code import Kept, save_and_code
from components.text import passes, plain
from components.views.compare.decisions import WORDING, common_questions
from components.views.compare.sides import NOTHING, Compared, offer_texts
from components.views.compare.summary import nothing_common
from components.widgets.token_strip import Token, clicked_token, token_strip

if TYPE_CHECKING:
    from glassbert.comparison.results import AttributionDifference

# A scale never shrinks below this, in logits or probability, so that rounding stays invisible.
_LEAST = 0.001


def draw_saliency(compared: Compared) -> None:
    """Cost: twice the passes that the method declares."""
    possible = common_questions(compared)
    if not possible:
        reason = nothing_common(compared)
        st.info(plain(f"{reason[:1].upper()}{reason[1:]}."), icon=":material/info:")
        offer_texts(compared, "classification")
        return
    slots = st.columns([0.24, 0.24, 0.34, 0.18])
    question = refined(ask_which(possible, slots[0]), slots[1], wording=WORDING)
    method, output = ask_method(slots[2]), ask_units(question, slots[3])
    model, tokens = compared.larger, len(inputs.encode(compared.request.first))
    needed = 2 * saliency.passes_of(method, tokens)
    if not asked_for(
        "compare_scores",
        version_of(compared.request, method.id, question.target, output),
        is_quick(model, needed, tokens),
        label="Explain both sides",
        cost=cost_ahead(f"{needed:,} passes.", model, needed, tokens),
    ):
        return
    with st.spinner("Explaining both sides …"):
        result = comparison.attributions(compared.request, method.id, question.target, output)
    _draw(compared, result, method)
    written = code.compare_attributions(compared.request, method.id, question.target, output)
    save_and_code("compared-scores", compared.names, [Kept.of("Scores of both", written, result)])


def _draw(compared: Compared, result: AttributionDifference, method: gb.Method) -> None:
    from glassbert.pictures.bars import paired_scores

    unit = "logit" if result.output == "logit" else "probability"
    values = [plain(charts.signed(value)) for value in (result.first_value, result.second_value)]
    told = plain(charts.readable(result.target_label))
    st.markdown(f"Evidence for **{told}** · first {unit} {values[0]}, second {values[1]}")
    largest = float(np.abs(result.differences).max(initial=0.0))
    if largest < NOTHING:
        st.markdown("No word's score differs: **this explanation is the same on both sides**.")
    rows = compared.shown(np.arange(len(result.alignment)))
    alignment = compared.alignment
    # [CLS], which a classifier reads from, would make the words look pale
    words = rows[~alignment.special[rows]]
    everything = (result.first_scores[words], result.second_scores[words], result.differences[words])
    scale = max(_LEAST, *(float(np.abs(part).max(initial=0.0)) for part in everything))
    sides = (
        ("first", plain(compared.titles[0]), alignment.first_labels, result.first_scores),
        ("second", plain(compared.titles[1]), alignment.second_labels, result.second_scores),
        ("difference", "Second − first", alignment.labels, result.differences),
    )
    for side, title, labels, values_by_row in sides:
        _strip(compared, side, title, labels, values_by_row, rows, scale, method)
    labels = alignment.labels
    figure = paired_scores(
        [labels[row] for row in rows],
        result.first_scores[rows].tolist(),
        result.second_scores[rows].tolist(),
        compared.place(rows),
        _LEAST,
    )
    draw_chart(figure, key="score_pairs")
    st.caption(_summary(result, method, len(inputs.encode(compared.request.first))))
    _how(compared, result)


def _strip(
    compared: Compared,
    side: str,
    title: str,
    labels: tuple[str, ...],
    values: np.ndarray,
    rows: np.ndarray,
    scale: float,
    method: gb.Method,
) -> None:
    """The words of one side, or all words with their difference."""
    present = np.asarray([row for row in rows if labels[row]], dtype=np.int64)
    special = compared.alignment.special
    key = f"scores_{side}"
    version = compared.version(key, method.id)
    signed = method.signed or side == "difference"
    st.caption(title)
    token_strip(
        [Token(labels[row], "special" if special[row] else "word", float(values[row])) for row in present],
        key=key,
        label=f"{method.label} of each word, {side}",
        selected=compared.place(present),
        version=version,
        legend="less · more" if side == "difference" else "against · for" if method.signed else "none · most",
        scale=scale,
        signed=signed,
        on_select=compared.select(key, version, present, clicked_token),
    )


def _summary(result: AttributionDifference, method: gb.Method, tokens: int) -> str:
    cost = saliency.passes_of(method, tokens)
    sums = [
        plain(charts.signed(float(part.sum())))
        for part in (result.first_scores, result.second_scores, result.differences)
    ]
    complete = " The sums of a complete method differ by as much as F does." if method.complete else ""
    return (
        f"{plain(method.label)}: {plain(method.meaning)}. A word's score is the sum over its pieces, 0 on a side that "
        f"lacks the word. All strips share one scale. Sums {sums[0]} and {sums[1]}, difference {sums[2]}.{complete} "
        f"{for_experts(f'{passes(2 * cost)}. ')}*Another method may disagree.*"
    )


def _how(compared: Compared, result: AttributionDifference) -> None:
    with how_computed("Comparison"):
        st.markdown(
            r"""
The first side determines what is explained; the second is explained for the class of the same name, or the same word at
the aligned position. Scores of pieces $i$ are summed to words $w$, on each side separately:

$$\Delta_w = \sum_{i \in w^{(2)}} s^{(2)}_i - \sum_{i \in w^{(1)}} s^{(1)}_i$$

The method's own formula and paper are on the Definitions page.
"""
        )
        row = int(np.abs(result.differences).argmax())
        second, first = float(result.second_scores[row]), float(result.first_scores[row])
        st.markdown(f"The largest difference, at “{plain(compared.alignment.labels[row])}”:")
        st.latex(rf"\Delta = {second:.4f} - ({first:.4f}) = {float(result.differences[row]):.4f}")
