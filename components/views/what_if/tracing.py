"""Where the difference between two texts is located: states of one copied into the run of the other."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import state
from components.gateway import code, what_if
from components.gateway.models import is_quick
from components.gateway.requests import version_of
from components.gateway.what_if import TraceRequest
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.jobs import run_job
from components.shared.plain_view import caption_for_experts, cost_ahead
from components.shared.plots import draw_chart
from components.shared.questions import Question
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.what_if.fields import WhatIfFields
from components.views.what_if.second_text import second_text

if TYPE_CHECKING:
    from glassbert.intervention._patches import Kind as TraceKind
    from glassbert.intervention.results import Trace

__all__ = ["draw_tracing", "path"]

_KINDS: dict[TraceKind, str] = {
    "hidden": "Hidden state",
    "head": "Each head",
    "mlp": "MLP",
    "attention": "Attention block",
}
_WHAT = {
    "hidden": "the whole state of a token after a layer",
    "head": "the output of one head, for the whole text at once",
    "mlp": "the output of a layer's feed-forward block at a token",
    "attention": "the output of a layer's attention block at a token",
}
# A trace of this many places takes a second or two: it starts without a click.
_AT_ONCE = 250


def draw_tracing(question: Question) -> None:
    """Cost: less than a third of a pass per place."""
    corrupted = second_text(question)
    if corrupted is None:
        return
    st.segmented_control(
        "What to copy from the first run into the second",
        list(_KINDS),
        format_func=_KINDS.__getitem__,
        **state.bind("patch", WhatIfFields, options=_KINDS),
    )
    kind = state.fields(WhatIfFields).patch
    model = question.one.model
    columns = model.attention_heads if kind == "head" else len(question.encoded)
    places = (model.layers + (kind == "hidden")) * columns
    request = TraceRequest(question.request, corrupted, question.target, kind)
    result = run_job(
        "trace",
        version_of(request),
        lambda: what_if.trace(request),
        label="Trace",
        cost=cost_ahead(
            f"{places:,} places, less than a third of a pass each: {_WHAT[kind]}.",
            model,
            places / 3,
            len(question.encoded),
        ),
        at_once=places <= _AT_ONCE and is_quick(model, places // 3, len(question.encoded)),
    )
    if result is not None and result.nothing_to_trace:
        st.info(plain(result.nothing_to_trace))
    elif result is not None:
        _restored(result)
        _how(result)
        save_and_code("trace", question.one.name, [Kept.of("Trace", code.trace(request), result)])


def _restored(result: Trace) -> None:
    clean, corrupted = (plain(charts.signed(value)) for value in (result.clean_value, result.corrupted_value))
    st.markdown(
        f"**How much of the prediction each place restores** · logit of "
        f"**{plain(charts.readable(result.target_label))}**: {clean} for the first text, {corrupted} for the second"
    )
    draw_chart(charts.trace(result), key="trace")
    st.markdown(path(result))
    st.caption(
        "Orange restores the first text's prediction (1: fully); blue pushes further away. "
        "*A place that restores it carries the difference. It is sufficient by itself, but others may be too; shares "
        "need not add up to 1.*"
    )


def path(result: Trace) -> str:
    """Where the difference is located, in words: by layer for hidden states, else the strongest three places."""
    shares = result.restored[..., 0] if result.kind == "head" else result.restored
    if result.kind != "hidden":
        best = np.argsort(-shares, axis=None)[:3]
        named = []
        for index in best.tolist():
            layer, column = divmod(index, shares.shape[1])
            place = f"head {column + 1}" if result.kind == "head" else f"“{_piece(result, column)}”"
            named.append(f"layer {int(result.layers[layer]) + 1}, {place}: {_share(float(shares[layer, column]))}")
        return f"Most is restored at {plain('; '.join(named))}."
    strongest = shares.argmax(axis=1)
    parts = []
    for column, run_of in groupby(range(len(strongest)), key=lambda layer: int(strongest[layer])):
        layers = list(run_of)
        found = shares[layers, column]
        low, high = _share(float(found.min())), _share(float(found.max()))
        where = _layers(result, layers)
        parts.append(f"{where}: “{_piece(result, column)}” ({low if low == high else f'{low} to {high}'})")
    return f"Most of it is at: {plain('; '.join(parts))}."


def _layers(result: Trace, rows: list[int]) -> str:
    names = ["embeddings" if result.layers[row] == 0 else f"layer {result.layers[row]}" for row in (rows[0], rows[-1])]
    return names[0] if len(rows) == 1 else f"{names[0]} to {names[1]}"


def _piece(result: Trace, column: int) -> str:
    return result.clean.pieces[int(result.spans[column, 0])]


def _share(share: float) -> str:
    return f"{share:.0%}"


def _how(result: Trace) -> None:
    with how_computed("Where the difference lives"):
        st.markdown(
            r"""
Activation patching, or causal tracing (Vig et al. 2020; Meng et al. 2022). The model runs on the second text while its
state at one place is overwritten by the state from its run on the first text; $F$ is the logit being traced.

$$\text{restored} = \frac{F(\text{patched}) - F(\text{second})}{F(\text{first}) - F(\text{second})}$$
"""
        )
        index = np.unravel_index(int(result.restored.argmax()), result.restored.shape)
        value, first, second = float(result.values[index]), result.clean_value, result.corrupted_value
        st.latex(
            rf"\frac{{{value:.3f} - ({second:.3f})}}{{{first:.3f} - ({second:.3f})}} = "
            rf"{float(result.restored[index]):.3f} \quad \text{{at the strongest place}}"
        )
        caption_for_experts(
            f"{result.forward_passes:,} inputs through the network or its upper layers, {result.seconds:.1f} s."
        )
