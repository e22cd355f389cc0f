"""Input reduction: words that the prediction does not need are removed one after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components.gateway import code, inputs, what_if
from components.gateway.expressions import stopped
from components.gateway.requests import version_of
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.jobs import run_job
from components.shared.plain_view import caption_for_experts, cost_ahead
from components.shared.plots import draw_chart
from components.shared.questions import Question
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.what_if.ask import decides
from components.widgets.aligned_rows import Cell, Row, aligned_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassbert.whatif.results import InputReduction

__all__ = ["draw_reduction", "steps_shown"]

_MOST_ROWS = 24


def draw_reduction(question: Question) -> None:
    """Cost: up to n (n + 1) / 2 passes for n words, on shorter and shorter inputs."""
    if not decides(question):
        return
    from glassbert.pictures.lines import over_removals

    encoded = question.encoded
    words = len(np.unique(encoded.word_ids[encoded.special_tokens_mask == 0]))
    result = run_job(
        "reduction",
        version_of(question.request, question.target),
        lambda: what_if.reduction(question.request, question.target),
        label="Reduce",
        cost=cost_ahead(
            f"{words} words: at most {words * (words + 1) // 2:,} passes on shorter and shorter texts.",
            question.one.model,
            words * (words + 1) // 2,
            len(encoded),
            may_end_early=True,
        ),
    )
    if result is None:
        st.caption(
            "The few words that are enough for the same prediction will appear here, and the order in which the others "
            "were removed."
        )
        return
    _remainder(result)
    left, right = st.columns([0.72, 0.28], gap="medium")
    with left:
        _rows(question, result)
    with right:
        st.markdown(f"**Probability of {plain(charts.readable(result.prediction))}**")
        figure = over_removals(result.removed_words, result.probabilities.tolist())
        draw_chart(figure, key="reduction_steps")
    _how(result)
    written = code.reduction(question.request, question.target)
    kept = Kept.of("Input reduction", written if result.complete else stopped(written), result)
    save_and_code("reduction", question.one.name, [kept])


def _remainder(result: InputReduction) -> None:
    left = " / ".join(result.texts[-1])
    gone, share = len(result.removed), float(result.probabilities[-1])
    decided = plain(charts.readable(result.prediction))
    st.caption("Remaining words" if result.complete else "Remaining words when stopped")
    st.header(plain(left), anchor=False)
    if gone == 0:
        st.markdown("No word can be removed: without any one of them, the prediction flips.")
        return
    before = float(result.probabilities[0])
    whole = plain(charts.percent(before))
    st.markdown(
        f"Without {_without(result.removed_words)} the model still predicts **{decided}**, with "
        f"{plain(charts.percent(share))}: {_beside(share, before)} for the whole text ({whole}). *The remainder is "
        "often meaningless to a reader: a high probability does not show that a text was understood.*"
    )


def _without(removed: Sequence[str]) -> str:
    """``the other **8** words``, ``the other **8** words and **2** punctuation marks``."""
    marks = sum(not any(character.isalnum() for character in word) for word in removed)
    told = [
        f"**{count}** {name if count == 1 else f'{name}s'}"
        for count, name in ((len(removed) - marks, "word"), (marks, "punctuation mark"))
        if count
    ]
    return f"the other {' and '.join(told)}"


def _beside(share: float, before: float) -> str:
    """How a probability compares with the one of the whole text."""
    if share > before + 0.005:
        return "higher than"
    if share >= before - 0.005:
        return "as high as"
    return "nearly as high as" if share > before - 0.05 else "lower than"


def steps_shown(count: int) -> list[int]:
    """Which of ``count`` rows are drawn: all, or the first, the last and some in between."""
    if count <= _MOST_ROWS:
        return list(range(count))
    return sorted({round(place) for place in np.linspace(0, count - 1, _MOST_ROWS).tolist()})


def _rows(question: Question, result: InputReduction) -> None:
    labels, group = inputs.words(result.encoded)
    firsts = [int((group == word).argmax()) for word in range(len(labels))]
    inside = [word for word, first in enumerate(firsts) if not result.encoded.special_tokens_mask[first]]
    gone_at = {int(group[place]): step for step, place in enumerate(result.removed.tolist(), start=1)}
    shown = steps_shown(len(result.probabilities))
    rows = []
    for step in shown:
        cells = [
            Cell(
                labels[word],
                column,
                column + 1,
                tone=0.45 if gone_at.get(word) == step else None,
                note="removed in this step" if gone_at.get(word) == step else "",
                kind="struck" if gone_at.get(word, step + 1) <= step else "text",
            )
            for column, word in enumerate(inside)
        ]
        share = charts.percent(float(result.probabilities[step]))
        rows.append(Row(f"step-{step}", f"{step}: {share}", f"the prediction without {step} words", cells))
    aligned_rows(
        rows,
        key="reduction_rows",
        label="The text, with one word fewer in every row",
        columns=len(inside),
        selected=None,
        version=version_of(question.request, question.target, "reduction", len(result.removed)),
    )
    more = "" if len(shown) == len(result.probabilities) else f" {len(shown)} of {len(result.probabilities)} steps."
    st.caption(
        f"One step per row: the number of words removed and the probability; the coloured word is removed.{more}"
    )


def _how(result: InputReduction) -> None:
    with how_computed("What if"):
        st.markdown(
            r"""
Input reduction (Feng et al. 2018). Each step removes the word without which the prediction $\hat y$ is most probable,
as long as the prediction does not flip. All pieces of a word go together; special tokens and a typed gap stay.

$$w^* = \arg\max_{w}\; p(\hat y \mid x \setminus w) \quad \text{with} \quad
\arg\max_y p(y \mid x \setminus w) = \hat y$$
"""
        )
        first, last = float(result.probabilities[0]), float(result.probabilities[-1])
        st.latex(rf"p(\hat y \mid x) = {first:.4f} \quad \to \quad p(\hat y \mid \text{{remainder}}) = {last:.4f}")
        caption_for_experts(f"{result.forward_passes:,} passes, {plain(f'{result.seconds:.2f}')} s.")
