"""Panel 3: which tokens drove the decision, by a method of choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components import charts, compute, state
from components.frame import Opened
from components.panels._shared import explained_errors, select_token, selected_in, shown_index
from components.panels.predictions import masked_position
from components.text import plain
from components.token_strip import clicked_token, token_strip
from components.tokens import shown_positions, strip_tokens

if TYPE_CHECKING:
    import glassbert as gb

#: What can be explained → how the choice is called.
_EXPLAINED = {"class": "Class", "mask": "Masked word", "next": "Next sentence"}


@st.fragment
def saliency_panel(opened: list[Opened]) -> None:
    """Cost: from 1 forward pass to about 26 (integrated gradients), as the method declares."""
    state.redraw_page_if_asked()
    with explained_errors():
        possible = _possible(opened)
        if not possible:
            st.info("There is no decision to explain yet: select a word, or open a model with a trained head.")
            return
        _controls(possible)
        view = state.view()
        kind = view.explain if view.explain in possible else next(iter(possible))
        _draw(opened, *possible[kind])
    state.write_address()


def _possible(opened: list[Opened]) -> dict[str, tuple[Opened, gb.Target]]:
    """What these models decide about this text: kind → (model, target); the one the text asks for comes first."""
    gb = compute.library()
    view = state.view()
    possible: dict[str, tuple[Opened, gb.Target]] = {}
    gap_typed = False
    for one in opened:
        heads = one.model.heads
        if "classification" in heads:
            possible.setdefault("class", (one, gb.ClassTarget()))
        if "next_sentence" in heads and view.pair:
            possible.setdefault("next", (one, gb.NextSentenceTarget()))
        if "masked_words" in heads and (position := masked_position(opened, one)) is not None:
            possible.setdefault("mask", (one, gb.MaskTarget(position)))
            gap_typed |= one.model.mask_token in compute.encode(one.text(view)).tokens
    order = ["mask"] * gap_typed + ["next", "class", "mask"]
    return {kind: possible[kind] for kind in dict.fromkeys(order) if kind in possible}


def _controls(possible: dict[str, tuple[Opened, gb.Target]]) -> None:
    methods = compute.methods()
    left, right = st.columns([0.42, 0.58], gap="small")
    left.selectbox(
        "Explain",
        list(possible),
        format_func=_EXPLAINED.__getitem__,
        **state.bind("explain", options=possible),
    )
    right.selectbox(
        "Method",
        list(methods),
        format_func=lambda method: methods[method].label,
        **state.bind("method", options=methods),
    )


def _draw(opened: list[Opened], one: Opened, target: gb.Target) -> None:
    view = state.view()
    methods = compute.methods()
    method = methods.get(view.method) or next(iter(methods.values()))
    request = one.text(view)
    result = compute.attribute(request, method.id, target)
    positions = shown_positions(result.encoded, view.special)
    selected = selected_in(opened, one)
    version = compute.version(request, view.special)
    st.markdown(f"What speaks for **{plain(charts.readable(result.target_label))}** · {plain(one.name)}")
    token_strip(
        strip_tokens(result.encoded, one.model, positions, result.scores),
        key="saliency",
        label=f"{method.label} of each token",
        selected=shown_index(positions, selected),
        version=version,
        legend="against · for" if method.signed else "none · most",
        signed=method.signed,
        on_select=select_token("saliency", version, positions, clicked_token, request, opened[0].text(view)),
    )
    st.plotly_chart(charts.scores(result, positions, selected), key="scores", config=charts.CONFIG, width="stretch")
    st.caption(_summary(result, method, view.special))


def _summary(result: gb.TokenScores, method: gb.Method, special: bool) -> str:
    parts = [f"{plain(method.label)}: {plain(method.meaning)}."]
    if result.delta is not None and result.baseline_value is not None:
        parts.append(
            f"Sum {plain(f'{result.scores.sum():+.2f}')} = F(text) {plain(f'{result.value:+.2f}')} − "
            f"F([{plain(str(result.baseline).upper())}]) {plain(f'{result.baseline_value:+.2f}')} logits, off by "
            f"{plain(f'{result.relative_delta:.1%}')}."
        )
    else:
        parts.append("The scores need not add up to anything.")
    if not special:
        hidden = result.encoded.special_tokens_mask.astype(bool)
        total = abs(result.scores).sum()
        share = abs(result.scores[hidden]).sum() / total if total else 0.0
        parts.append(f"Hidden special tokens hold {share:.0%} of all magnitude.")
    parts.append(f"{result.forward_passes} passes, {plain(f'{result.seconds:.2f}')} s.")
    parts.append("*Another method can rank the words differently: one view, not the reason.*")
    return " ".join(parts)
