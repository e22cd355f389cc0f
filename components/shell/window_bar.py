"""Of a text longer than the models read at once: which part the page shows, and what is decided about the whole."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from components import state
from components.gateway import windows
from components.gateway.library import gb
from components.gateway.models import is_quick
from components.gateway.requests import Opened, Part, version_of
from components.shared import charts
from components.shared.jobs import run_at_once_if_quick
from components.shared.plain_view import cost_ahead
from components.text import plain, shortened

__all__ = ["draw_window_bar"]

_RULES = {"mean": "the mean of all windows", "strongest": "the most certain window"}


def draw_window_bar(opened: Sequence[Opened], *, decides: bool = True) -> None:
    """Draw nothing unless the models have a part of a text. If the page is about what they decide: cost: one pass per
    window for the decision of the whole, at once if that is quick, else behind a button."""
    part = opened[0].part if opened else None
    if part is None:
        return
    with st.container(key="window_bar", border=True, gap="xsmall"):
        _choose(opened, part)
        for one in opened if decides else ():
            if "classification" in one.model.task_heads:
                _decide(one)
                break


def _choose(opened: Sequence[Opened], part: Part) -> None:
    view = state.view()
    most = min(one.model.max_tokens for one in opened)
    words = (view.text, view.pair)[part.which][part.start : part.stop].split()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _step("Previous", -1, part)
        st.markdown(
            f"**Window {part.number + 1} of {part.of}**",
            width="content",
            help=f"This text is longer than the {most:,} tokens that the models read at once, so it is read in "
            f"{part.of} overlapping windows. Every page shows one of them. Saliency also explains the whole text, "
            "and Masked words has its surprise; a map of attention is of one window, because no token attends from one "
            "window to another.",
        )
        _step("Next", 1, part)
        st.caption(plain(f"“{shortened(' '.join(words[:9]), 60)} … {' '.join(words[-5:])[-36:]}”"), width="stretch")


def _step(label: str, by: int, part: Part) -> None:
    st.button(
        label,
        key=f"window_{label.lower()}",
        icon=":material/chevron_left:" if by < 0 else ":material/chevron_right:",
        disabled=not 0 <= part.number + by < part.of,
        on_click=_show,
        args=(part.number + by,),
    )


def _show(number: int) -> None:
    state.change(window=number)


def _decide(one: Opened) -> None:
    view = state.view()
    request = one.whole(view)
    count, longest = windows.passes(request)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch"):
            found = run_at_once_if_quick(
                "decide_whole",
                version_of(request, view.decided_by),
                is_quick(one.model, count, longest),
                lambda: windows.decided(request, view.decided_by),
                lambda: windows.decision(request, view.decided_by),
                label="Decide the whole text",
                cost=cost_ahead(f"{count} passes of up to {longest:,} tokens.", one.model, count, longest),
            )
            if found is not None:
                _say(one, found)
        with st.popover(f"By {_RULES[view.decided_by]}", type="tertiary", key="window_rule"):
            st.segmented_control(
                "The whole text is decided by",
                list(_RULES),
                format_func=_RULES.__getitem__,
                **state.bind("decided_by", options=_RULES),
            )
            st.caption(
                "The mean weights the logits of each window by its share of tokens that no window before it has. The "
                "most certain window has the highest probability of one class; it suits a finding that stands in one "
                "place."
            )


def _say(one: Opened, found: gb.Classification) -> None:
    if found.regression:
        told = ", ".join(f"{label} {score:.4g}" for label, score in zip(found.labels, found.logits, strict=True))
    elif found.multi_label:
        likely = [
            f"{label} {charts.percent(float(share))}"
            for label, share in zip(found.labels, found.probabilities, strict=True)
            if share >= 0.5
        ]
        told = ", ".join(likely) or "no label"
    else:
        answer = found.decided(state.view().threshold)
        told = f"{found.labels[answer]} {charts.percent(float(found.probabilities[answer]))}"
    st.markdown(f"The whole text: **{plain(told)}** · {plain(one.name)}")
