"""Beyond the weights: several measures on one sentence, side by side, and how they rank its tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import state
from components.gateway import attention, code
from components.gateway.expressions import named
from components.gateway.library import gb
from components.gateway.requests import version_of
from components.shared.errors import explained_errors
from components.shared.jobs import current_job, run_job
from components.shared.plain_view import cost_ahead, for_experts
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.attention.fields import AttentionFields
from components.views.attention.shared import Subject, draw_map, target_of, target_phrase

if TYPE_CHECKING:
    from glassbert.maps import Measure

__all__ = ["draw_beyond"]

# Number of passes beyond which the user is asked first: a second or two on one core.
_CHEAP_PASSES = 64
_SHORT = {
    "attention": "weights",
    "rollout": "rollout",
    "flow": "flow",
    "value_norms_2020": "value norms",
    "value_norms_2021": "norms + residual",
    "value_zeroing": "value zeroing",
    "attention_relevance": "relevance",
}


def draw_beyond(subject: Subject) -> None:
    """Cost: what each chosen measure declares."""
    measures = attention.measures()
    chosen = _choose(measures)
    model = subject.one.model
    left, right = st.columns([0.5, 0.5], gap="medium", vertical_alignment="bottom")
    left.select_slider(
        "After layer",
        list(range(model.layers)),
        format_func=lambda layer: str(layer + 1),
        **state.bind("layer", options=dict.fromkeys(range(model.layers)), initial="value"),
    )
    target = target_of(subject)
    if any(measures[name].needs_target for name in chosen):
        right.caption(
            plain(f"Relevance explains {target_phrase(subject, target)}.")
            if target is not None
            else "Relevance needs a prediction to explain: select a word, or open a model with a trained head."
        )
    found: dict[str, gb.TokenMaps] = {}
    across = 3 if len(chosen) > 2 else 2
    columns: list[st.delta_generator.DeltaGenerator] = []
    for number, name in enumerate(chosen):
        if number % across == 0:  # a separate row, so that maps are aligned however long the captions above them are
            columns = st.columns(across, gap="medium")
        with columns[number % across], explained_errors():
            maps = _measured(subject, measures[name], target)
            if maps is not None:
                found[name] = maps
                _draw(subject, measures[name], maps)
    if found:
        _ladder(subject, measures, found)
        kept = [_kept(subject, measures[name], target) for name in found]
        layers = {"flow": 0}  # of the open layer alone
        shown = [one.code.values[layers.get(name, subject.layer)] for name, one in zip(found, kept, strict=True)]
        save_and_code("beyond", subject.one.name, kept, shown)


def _choose(measures: dict[str, Measure]) -> list[str]:
    """The measures on screen, in reading order."""
    order = [name for name in _SHORT if name in measures] + [name for name in measures if name not in _SHORT]
    shown = [name for name in state.fields(AttentionFields).measures.split() if name in measures]

    def choose(names: list[str]) -> None:
        state.change(AttentionFields, measures=" ".join(names))

    st.pills(
        "Measures",
        order,
        selection_mode="multi",
        format_func=lambda name: measures[name].label,
        **state.control("measures", shown, choose, options=order),
    )
    return [name for name in order if name in shown]


def _measured(subject: Subject, measure: Measure, target: gb.Target | None) -> gb.TokenMaps | None:
    """(1, query, key) after the open layer; None if the user must act first."""
    tokens = len(subject.encoded)
    st.markdown(f"**{plain(measure.label)}**")
    if measure.needs_target and target is None:
        st.info("Nothing to explain.")
        return None
    passes = measure.cost(tokens)
    if measure.id == "flow":
        maps = _flow(subject)
    elif measure.id == "value_zeroing" and passes > _CHEAP_PASSES:
        every = _value_zeroing(subject, passes)
        if every is None:
            return None
        maps = _layer(every, subject.layer)
    else:
        maps = attention.measure(subject.request, measure.id, target if measure.needs_target else None)
        maps = _layer(maps.over_heads() if maps.per_head else maps, subject.layer)
    return subject.display.of(maps)


def _kept(subject: Subject, measure: Measure, target: gb.Target | None) -> Kept:
    """A measure in every layer, as it is shown in one."""
    request, display = subject.request, subject.display
    if measure.id == "flow":
        layer, row = subject.layer, _flow_row(subject)
        return Kept(
            measure.label,
            code.displayed(code.flow(request, layer, row), display),
            lambda: display.of(attention.flow(request, layer, row)),
        )
    asked = target if measure.needs_target else None
    written = code.measure(request, measure.id, asked)
    job = current_job("value_zeroing", version_of(request)) if measure.id == "value_zeroing" else None

    def find() -> gb.TokenMaps:
        maps = job.found if job is not None and job.done else None
        maps = attention.measure(request, measure.id, asked) if maps is None else maps
        return display.of(maps.over_heads() if measure.per_head else maps)

    written = written.over_heads() if measure.per_head else written
    name = named(code.displayed(written, display), measure.id)
    return Kept(measure.label, name, find)


def _value_zeroing(subject: Subject, passes: int) -> gb.TokenMaps | None:
    """Behind a button with its cost, progress and a stop button: minutes for 512 tokens with a large model."""
    request = subject.request
    return run_job(
        "value_zeroing",
        version_of(request),
        lambda: attention.value_zeroing(request),
        label="Compute",
        cost=cost_ahead(
            f"{passes} forward passes on this text, in batches.", subject.one.model, passes, len(subject.encoded)
        ),
        narrow=True,
    )


def _flow(subject: Subject) -> gb.TokenMaps:
    """All rows if that is quick, else the selected token's."""
    rows = _flow_row(subject)
    if rows is not None:
        piece = subject.encoded.pieces[rows[0]]
        st.caption(plain(f"This text is long for a maximum flow: only the row of “{piece}”."))
    return attention.flow(subject.request, subject.layer, rows)


def _flow_row(subject: Subject) -> tuple[int] | None:
    if (subject.layer + 1) * len(subject.encoded) ** 4 <= 8_000_000:
        return None
    return (subject.selected if subject.selected is not None else 0,)


def _layer(maps: gb.TokenMaps, layer: int) -> gb.TokenMaps:
    return replace(maps, values=maps.values[layer : layer + 1], layers=maps.layers[layer : layer + 1])


def _draw(subject: Subject, measure: Measure, maps: gb.TokenMaps) -> None:
    draw_map(
        subject,
        maps,
        key=f"measure_{measure.id}",
        label=f"{measure.label} after layer {subject.layer + 1}",
        height_px=320,
        most=None,
    )
    passes = measure.cost(len(subject.encoded))
    cost = f"{passes} pass{'es' if passes > 1 else ''}{' and one backward' if measure.backward else ''}"
    sums = "Rows sum to 1." if maps.rows_sum_to_one else "Rows do not necessarily sum to 1."
    mean = " This is the mean of the layer's heads." if measure.per_head else ""
    st.caption(
        plain(
            f"{measure.meaning[0].upper()}{measure.meaning[1:]}.{mean} {sums} {for_experts(f'{cost}. {measure.paper}')}"
        )
    )


def _ladder(subject: Subject, measures: dict[str, Measure], found: dict[str, gb.TokenMaps]) -> None:
    """How each measure ranks the sources of one token."""

    from glassbert.pictures.lines import rank_ladder

    st.subheader("Do they agree?", anchor=False)
    position = subject.selected if subject.selected is not None else 0
    rows: dict[str, np.ndarray] = {}
    labels: tuple[str, ...] = ()
    for name, maps in found.items():
        at = np.flatnonzero((maps.queries[:, 0] <= position) & (position < maps.queries[:, 1]))
        if len(at):
            rows[_SHORT.get(name, measures[name].label)] = maps.values[0, at[0]]
            labels = maps.key_labels
    if len(rows) < 2:
        st.caption("Choose at least two measures, and a token that all of them show.")
        return
    draw_chart(rank_ladder(rows, labels), key="ladder")
    piece = subject.encoded.pieces[position]
    chosen = (
        ""
        if subject.selected is not None
        else " Nothing is selected, so this is the first token's row; click another token."
    )
    st.caption(
        plain(f"Sources of “{piece}”, ranked by each measure: where lines cross, the measures rank tokens differently.")
        + chosen
        + " *If the lines cross, do not rely on attention alone.*"
    )
