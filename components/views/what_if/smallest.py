"""The smallest change of the text that flips the prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import code, what_if
from components.gateway.expressions import stopped
from components.gateway.requests import version_of
from components.shared.changed_words import marked
from components.shared.charts import readable
from components.shared.definitions import how_computed
from components.shared.jobs import current_job, found_so_far, run_job
from components.shared.plain_view import cost_ahead, for_experts
from components.shared.questions import Question
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.what_if.ask import decides
from components.views.what_if.fields import BUDGET, WhatIfFields
from components.views.what_if.listing import Action, draw_refusal, draw_row, open_text
from components.views.what_if.variant_list import VariantList, current_variants, outcomes

if TYPE_CHECKING:
    from components.gateway.library import gb
    from glassbert.whatif.results import FlipSearch, Variants

__all__ = ["draw_smallest"]

_PROPOSALS = {"masked_model": "Fluent: the masked model", "gradient": "Gradient: HotFlip"}
_EDITS = {1: "1 word", 2: "1 or 2 words"}


def draw_smallest(question: Question) -> None:
    """Cost: at most the budget's number of passes."""
    if not decides(question):
        return
    _of_the_verdict(question)
    _controls()
    own = state.fields(WhatIfFields)
    options = {name: getattr(own, name) for name in ("proposals", "deletions", "max_edits", "budget")}
    # a model with the head proposes for itself; another model's tokens would have to be matched to its own
    helper = None if "masked_words" in question.one.model.task_heads else question.proposer
    key = version_of(question.request, question.target, options, helper and helper.request)
    result = run_job(
        "flip",
        key,
        lambda: what_if.flip_search(
            question.request, question.target, helper.request if helper is not None else None, **options
        ),
        label="Search",
        cost=cost_ahead(
            f"At most {own.budget:,} passes on a text of this length, including proposals and distances.",
            question.one.model,
            own.budget,
            len(question.encoded),
            may_end_early=True,
        ),
    )
    if result is None:
        st.caption("The smallest changes that flip the prediction will be listed here, one text in each row.")
    else:
        interrupted = current_job("flip", key).interrupted
        _found(question, result, interrupted=interrupted)
        _how(result)
        proposer = helper.request if helper is not None else None
        written = code.find_flip(question.request, question.target, proposer, **options)
        if interrupted:
            written = stopped(written)
        kept = Kept.of("Smallest change", written, result)
        save_and_code("smallest", question.one.name, [kept], [kept.code.flips.frame()])


def _of_the_verdict(question: Question) -> None:
    """The flip that the verdict names, as soon as it is known. No pass of its own."""
    verdict: gb.Verdict | None = found_so_far("verdict", question.key) if state.view().verdict else None
    flip = verdict.flip if verdict is not None else None
    if flip is None or (found := flip.smallest) is None:
        return
    st.markdown(f"**In the verdict:** {plain(flip.sentence)}")
    _row(question, current_variants(question), found, 0, "Verdict", "", key="turned_verdict")
    st.caption(
        "The verdict prefers changes after which the text reads well. The search below puts changes of fewer words "
        "first, and then those closer in meaning, so it may show others."
    )


def _controls() -> None:
    first, second, third, fourth = st.columns([0.36, 0.22, 0.2, 0.22], vertical_alignment="bottom")
    first.segmented_control(
        "Proposals", list(_PROPOSALS), format_func=_PROPOSALS.__getitem__,
        **state.bind("proposals", WhatIfFields, options=_PROPOSALS),
    )  # fmt: skip
    second.segmented_control(
        "Change at most",
        list(_EDITS),
        format_func=_EDITS.__getitem__,
        **state.bind("max_edits", WhatIfFields, options=_EDITS),
    )
    third.number_input(
        for_experts("Budget in passes", "Texts to try, about"),
        min_value=BUDGET.least,
        max_value=BUDGET.most,
        step=100,
        **state.bind("budget", WhatIfFields),
    )
    fourth.toggle("Words may be deleted", **state.bind("deletions", WhatIfFields))


def _found(question: Question, result: FlipSearch, *, interrupted: bool) -> None:
    flips, decided = result.flips, plain(readable(result.prediction))
    spent = for_experts(f"The budget of {result.budget:,} passes was spent", "The number of texts to try was reached")
    why = "The search was stopped" if interrupted else spent
    ended = "" if result.complete else f" {why} before everything was tried."
    counted = for_experts(f", {result.forward_passes:,} passes")
    tried = f"{result.tried:,} changed texts{counted}, {plain(f'{result.seconds:.1f}')} s."
    if not flips.texts:
        st.warning(
            f"No flip found{for_experts(f' within {result.forward_passes:,} passes')}: it is still **{decided}** after "
            f"each of {result.tried:,} changes.{ended}",
            icon=":material/info:",
        )
        if result.closest.texts:
            st.markdown("The closest attempt:")
            _row(question, current_variants(question), result.closest, 0, "Closest", "no flip", key="turned_closest")
        return
    shown = f"the {len(flips.texts)} smallest" if result.found > len(flips.texts) else "smallest first"
    st.markdown(f"**{result.found} changes flip the prediction from {decided}**, {shown}")
    st.caption(tried + ended)
    st.caption(
        "Meaning distance: how far apart a model's states of the two texts are. It tells a change of topic, but hardly "
        "notices a negation or an opposite."
    )
    variants = current_variants(question)
    draw_refusal(variants)
    for number in range(len(flips.texts)):
        words = len(flips.edits[number])
        far = float(result.distances[number])
        distance = "under 0.01" if 0 < far < 0.005 else f"{far:.2f}"
        note = f"{words} {'word' if words == 1 else 'words'} changed; meaning distance {distance} (0 = same)"
        _row(question, variants, flips, number, str(number + 1), note, key=f"turned_{number}")


def _row(
    question: Question, variants: VariantList, flips: Variants, number: int, title: str, note: str, *, key: str
) -> None:
    changes = tuple(flips.edits[number])
    added = changes in variants.changes.values()
    actions = [
        Action("open", "Open", lambda: open_text(question, changes), "Use it as the text of all pages"),
        Action("add", "Added to variants" if added else "Add to variants", lambda: variants.add(question, changes)),
    ]
    draw_row(title, marked(question.request, changes), outcomes(flips)[number], actions, key=key, note=note)


def _how(result: FlipSearch) -> None:
    with how_computed("What if"):
        if result.proposals == "gradient":
            st.markdown(
                r"""
HotFlip (Ebrahimi et al. 2018): how much the logit $F$ of the prediction would fall, to first order, if the embedding
$e_i$ of a word were replaced by that of another vocabulary entry $w$. One backward pass ranks all of them.

$$\text{fall}(i \to w) = (e_i - e_w) \cdot \frac{\partial F}{\partial e_i}$$
"""
            )
        else:
            st.markdown(
                r"""
Each word is masked in turn and replaced by the masked model's likeliest whole words (as in BERT-Attack, Li et al.
2020): most candidates read fluently.
"""
            )
        st.markdown(
            r"""
Every single change is tried first, then pairs of changes, in order of the summed drops in the prediction's lead.
Changing fewer words counts as smaller; for the same number of words, the smaller distance comes first: one minus the
cosine between the mean last-layer states $\bar h$ of the two texts.

$$d(x, x') = 1 - \frac{\bar h(x) \cdot \bar h(x')}{\lVert \bar h(x) \rVert \, \lVert \bar h(x') \rVert}$$
"""
        )
        if len(result.distances):
            st.latex(
                rf"d = {result.distances[0]:.4f}, \qquad p: {result.flips.probability:.4f} \to "
                rf"{result.flips.probabilities[0]:.4f}"
            )
        st.caption(plain(f"Distances measured by {result.measured_by}. Another model would give different ones."))
