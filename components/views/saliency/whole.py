"""A text longer than the model reads at once, explained as a whole."""

from __future__ import annotations

import numpy as np
import streamlit as st

from components import state
from components.gateway import code, saliency, windows
from components.gateway.library import gb
from components.gateway.models import is_quick
from components.gateway.requests import Opened, TextRequest, version_of
from components.shared import charts
from components.shared.jobs import run_at_once_if_quick, run_job
from components.shared.plain_view import cost_ahead
from components.shared.receipts import draw_receipt
from components.shared.save_and_code import Kept, save_and_code
from components.shared.whole_text import draw_whole_text
from components.text import plain
from components.views.saliency.fields import SaliencyFields

__all__ = ["draw_whole"]

#: Those whose cost does not grow faster than the text.
_METHODS = dict.fromkeys(
    ("attn_lrp", "input_x_gradient", "saliency", "integrated_gradients", "occlusion", "leave_one_out")
)


def draw_whole(opened: list[Opened]) -> None:
    """Cost: the method's passes for each window, behind a button unless they are quick; a receipt behind another."""
    one = next((one for one in opened if "classification" in one.model.task_heads), None)
    if one is None or one.part is None:
        return
    view, own = state.view(), state.fields(SaliencyFields)
    request = one.whole(view)
    count, longest = windows.passes(request)
    st.subheader("The whole text", anchor=False)
    known = saliency.methods()
    names = {method: saliency.told(known[method]) for method in _METHODS}
    st.selectbox(
        "Method",
        list(_METHODS),
        format_func=names.__getitem__,
        **state.bind("whole_by", SaliencyFields, options=_METHODS, initial="index"),
    )
    target = gb.ClassTarget(threshold=view.threshold)
    needed = saliency.passes_of(known[own.whole_by], longest) * count
    found = run_at_once_if_quick(
        "explain_whole",
        version_of(request, view.decided_by, own.whole_by, target),
        is_quick(one.model, 3 * needed, longest),
        lambda: windows.scores(request, view.decided_by, own.whole_by, target),
        lambda: windows.long_scores(request, view.decided_by, own.whole_by, target),
        label="Explain the whole text",
        cost=cost_ahead(f"{needed:,} passes of up to {longest:,} tokens.", one.model, 3 * needed, longest),
    )
    if found is None:
        return
    _draw(opened, one, request, found)
    computed = code.attribute_whole(request, windows.plan(view.decided_by), own.whole_by, target)
    kept = [Kept.of("Scores of the whole text", computed, found)]
    checked = _check(one, request, found, longest, count)
    if checked is not None:
        draw_receipt(checked, key="whole_receipt")
    save_and_code("whole", one.name, kept)
    st.subheader(f"Window {one.part.number + 1} of {one.part.of}", anchor=False)


def _check(one: Opened, request: TextRequest, found: gb.TokenScores, longest: int, count: int) -> gb.Receipt | None:
    # two checks of 20 orderings at five shares each
    passes = 2 * 5 * 21 * count
    return run_job(
        "check_whole",
        version_of(request, found.method, found.scores.tobytes()),
        lambda: windows.receipt(request, found),
        label="Check it",
        cost="Do the answer's words carry it? Removed, kept alone, and compared with 20 random orders. "
        + cost_ahead(f"{passes:,} passes of up to {longest:,} tokens.", one.model, passes // 2, longest),
    )


def _draw(opened: list[Opened], one: Opened, request: TextRequest, found: gb.TokenScores) -> None:
    encoded = found.encoded
    version = version_of(request, found.method, found.options, found.scores.tobytes())
    decided = found.value if found.baseline_value is None else found.value - found.baseline_value
    st.markdown(
        f"Evidence for **{plain(charts.readable(found.target_label))}**, logit {plain(charts.signed(found.value))} · "
        f"{plain(one.name)} · {len(encoded):,} tokens in {max(1, len(encoded.windows))} windows"
    )
    draw_whole_text(
        opened,
        encoded,
        found.scores.astype(np.float64),
        key="whole_text",
        label="The whole text, coloured by the scores of its words",
        version=version,
        legend="logits",
        signed=bool((found.scores < 0).any()),
    )
    told = "A word's score is the sum over its pieces and windows, each window weighted by its share in the decision."
    if found.delta is not None:
        told += f" The scores add up to {charts.signed(decided)} within {abs(found.delta):.2g}."
    st.caption(plain(told) + " *Colours say what the method found, not that it is right: check it below.*")
