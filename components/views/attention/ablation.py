"""Switch heads off, and see how the predictions and the attention of later layers change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import streamlit as st

from components import state
from components.gateway import attention, code, language
from components.gateway.attention import ablation_sweep
from components.gateway.expressions import named, stopped
from components.gateway.library import gb
from components.gateway.models import duration
from components.gateway.requests import version_of
from components.shared import charts
from components.shared.errors import explained_errors
from components.shared.jobs import Job, current_job, draw_job
from components.shared.kept_maps import kept_heads
from components.shared.plain_view import for_experts
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.attention.fields import AttentionFields
from components.views.attention.marks import MARKS, mark, names
from components.views.attention.shared import (
    Subject,
    draw_map,
    heads_of,
    note_no_decision,
    target_of,
    target_phrase,
    written,
)
from components.widgets import heads_map

if TYPE_CHECKING:
    from glassbert.heads.results import AblationSweep

__all__ = ["draw_ablation"]

_SIDE_PIXELS = 48
_CANDIDATES = 5
_MANY = 50  # that one of both finds likely the other may rank low
_MODES: dict[Literal["one_at_a_time", "greedy"], str] = {
    "one_at_a_time": "Each head alone",
    "greedy": "One after another, until the prediction flips",
}
_BARS = {"": "Nothing", "importance": "Importance (gradient)", "sweep": "What the sweep found"}


def draw_ablation(subject: Subject) -> None:
    """Cost: two forward passes for the weights, and two for each task head."""
    model = subject.one.model
    off = heads_of(state.fields(AttentionFields).heads_off, model.layers, model.attention_heads)
    without = subject.without(off)
    left, right = st.columns([0.6, 0.4], gap="medium")
    target = target_of(subject)
    with left:
        _map(subject, without, off, target)
        _buttons(off)
        _sweep(subject, target)
    with right:
        st.markdown(f"**Predictions** · {plain(subject.one.name)}")
        with explained_errors():
            _predictions(subject, without, bool(off))
    _attention(subject, without, bool(off))
    _keep(subject, without, target)


def _map(subject: Subject, without: Subject, off: list[tuple[int, int]], target: gb.Target | None) -> None:
    """The attention of the current model: heads that are off are crossed out, later layers show their change."""
    model = subject.one.model
    version = version_of(subject.request, subject.display)

    def switched() -> None:
        event = state.event("switches")
        now = set(heads_of(state.fields(AttentionFields).heads_off, model.layers, model.attention_heads))
        layer = heads_map.clicked_layer(event, version, model.layers)
        if layer is not None:
            whole = {(layer, head) for head in range(model.attention_heads)}
            state.change(AttentionFields, heads_off=written(now - whole if whole <= now else now | whole))
            return
        head = heads_map.clicked_head(event, version, model.layers, model.attention_heads)
        if head is not None:
            state.change(AttentionFields, heads_off=written(now ^ {head}))

    st.segmented_control(
        "Mark heads by",
        list(_BARS),
        format_func=_BARS.__getitem__,
        **state.bind("switch_by", AttentionFields, options=_BARS),
    )
    bars = state.fields(AttentionFields).switch_by
    heads_map.heads_map(
        attention.map_thumbnails(without.request, replace(subject.display, rescale=False), _SIDE_PIXELS),
        key="switches",
        version=version,
        layer=subject.layer,
        head=subject.head,
        label="Heads to switch off and on",
        max_thumbnail_px=96,
        max_height_px=min(90 + 42 * model.layers, 560),
        max_stretch=2.0,
        marks=heads_map.Marks(values=_bars(subject, bars, target), off=off, notes=names(subject)),
        switches=True,
        on_select=switched,
    )
    st.caption(
        "Click a head to switch it off or on, or a layer's number for all its heads. A head that is off adds nothing "
        "to its layer's output; the map shows how later layers then attend."
    )


def _bars(subject: Subject, bars: str, target: gb.Target | None) -> np.ndarray | None:
    if bars == "importance":
        found = mark(subject, MARKS["importance"])
        values = None if found is None else found.values
    elif bars == "sweep":
        job = None if target is None else _job(subject, target)
        result = job.found if job is not None and job.done else None
        values = None if result is None else np.nan_to_num(np.abs(result.matrix()))
    else:
        values = None
    return None if values is None else values / max(float(values.max()), 1e-12)


def _buttons(off: list[tuple[int, int]]) -> None:
    listed = ", ".join(f"{layer + 1}·{head + 1}" for layer, head in off[:12]) + (" …" if len(off) > 12 else "")
    left, right = st.columns([0.7, 0.3], vertical_alignment="center")
    left.markdown(f"**{len(off)} off:** {listed}" if off else "**All heads are on.**")
    right.button(
        "Switch all on",
        disabled=not off,
        on_click=lambda: state.change(AttentionFields, heads_off=""),
        width="stretch",
        key="all_on",
    )


# --- predictions -----------------------------------------------------------------------------------------------


def _predictions(subject: Subject, without: Subject, changed: bool) -> None:
    heads, view = subject.one.model.task_heads, state.view()
    drawn = False
    if "classification" in heads:
        before, after = language.classify(subject.request), language.classify(without.request)
        if before.regression:
            _scores(before, after)
        else:
            order = before.probabilities.argsort()[::-1][:6]
            _pairs(
                "ablation_classes",
                [before.labels[index] for index in order],
                [float(before.probabilities[index]) for index in order],
                [float(after.probabilities[index]) for index in order],
            )
        drawn = True
    position = _masked(subject)
    if "masked_words" in heads and position is not None:
        _candidates(subject, without, position)
        drawn = True
    if "next_sentence" in heads and view.pair:
        with_heads, fewer = (language.next_sentence(request) for request in (subject.request, without.request))
        answers = [with_heads.predicted, 1 - with_heads.predicted]
        names = [("B follows A", "B does not follow A")[answer] for answer in answers]
        _pairs("ablation_next", names, with_heads.probabilities[answers], fewer.probabilities[answers])
        drawn = True
    if not drawn:
        note_no_decision()
    elif not changed:
        st.caption("Switch a head off and compare. *If the prediction stays, other heads may be doing the same work.*")


def _masked(subject: Subject) -> int | None:
    position = getattr(target_of(subject), "position", None)
    if position is None and subject.selected is not None and not subject.encoded.special_tokens_mask[subject.selected]:
        position = subject.selected
    return position


def _candidates(subject: Subject, without: Subject, position: int) -> None:
    """The top candidates of both, with the probability that each assigns to them."""
    before = language.fill_mask(subject.request, (position,), _MANY)
    after = language.fill_mask(without.request, (position,), _MANY)
    st.caption(plain(f"Masked word in place of “{subject.encoded.pieces[position]}”:"))
    shares = [dict(zip(one.candidates[0], map(float, one.probabilities[0]), strict=True)) for one in (before, after)]
    shown = list(dict.fromkeys([*before.candidates[0][:_CANDIDATES], *after.candidates[0][:3]]))
    _pairs(
        "ablation_candidates",
        [charts.readable(token, before.encoded.spelling) for token in shown],
        [shares[0].get(token, 0.0) for token in shown],
        [shares[1].get(token, 0.0) for token in shown],
    )


def _scores(before: gb.Classification, after: gb.Classification) -> None:
    """The raw scores of a regression, which have no probability."""
    for label, first, second in zip(before.labels, before.logits, after.logits, strict=True):
        st.markdown(f"**{plain(label)}**: {plain(f'{first:.4g}')} with all heads, {plain(f'{second:.4g}')} without")


def _pairs(key: str, labels: list[str], before: Iterable[float], after: Iterable[float]) -> None:
    from glassbert.pictures.bars import paired_bars

    shares = [[float(share) for share in side] for side in (before, after)]
    figure = paired_bars(labels, *shares, sides=("all heads", "without"))
    draw_chart(figure, key=key)


def _keep(subject: Subject, without: Subject, target: gb.Target | None) -> None:
    """What is predicted with all heads and without those that are off, what the sweep found, and the open head."""
    heads, pair, position = subject.one.model.task_heads, state.view().pair, _masked(subject)
    kept: list[Kept] = []
    for which, name, label in ((subject, "before", "all heads"), (without, "after", "without")):
        request = which.request
        if "classification" in heads:
            written = named(code.classify(request), name)
            kept.append(Kept.of(f"Classes, {label}", written, language.classify(request)))
        if "masked_words" in heads and position is not None:
            written = named(code.fill_mask(request, (position,), _MANY), f"words_{name}")
            kept.append(Kept.of(f"Masked word, {label}", written, language.fill_mask(request, (position,), _MANY)))
        if "next_sentence" in heads and pair:
            written = named(code.next_sentence(request), f"follows_{name}")
            kept.append(Kept.of(f"Next sentence, {label}", written, language.next_sentence(request)))
        if without.request == subject.request:
            break
    if target is not None:
        job = _job(subject, target)
        if job.done and job.found is not None:
            sweep = code.ablation_sweep(subject.request, target, job.found.mode)
            written = sweep if job.found.complete else stopped(sweep)
            kept.append(Kept.of("Heads that the prediction needs", written, job.found))
    kept.append(kept_heads(without.request, [(without.layer, without.head)], without.display)[0])
    save_and_code("ablation", subject.one.name, kept)


# --- what its attention does -----------------------------------------------------------------------------------


def _attention(subject: Subject, without: Subject, changed: bool) -> None:
    from glassbert.pictures.bars import layer_bars

    st.subheader("Attention of later layers", anchor=False)
    if not changed:
        st.caption("Switch a head off to see how later layers change.")
        return
    before, after = attention.maps(subject.request).weights, attention.maps(without.request).weights
    # total variation: the share of a row's weight that moved
    changes = [float(np.abs(one - other).sum(axis=-1).mean() / 2) for one, other in zip(before, after, strict=True)]
    draw_chart(layer_bars(changes), key="ablation_layers")
    st.caption("The share of each row's weight that moved, averaged over heads and tokens.")
    model = subject.one.model
    layers, heads = range(model.layers), range(model.attention_heads)
    one, two, _ = st.columns([0.2, 0.2, 0.6])
    for slot, label, field, numbers in ((one, "Layer", "layer", layers), (two, "Head", "head", heads)):
        slot.selectbox(
            label,
            numbers,
            format_func=lambda i: str(i + 1),
            **state.bind(field, options=dict.fromkeys(numbers), initial="index"),
        )
    columns = st.columns(2, gap="medium")
    for column, which, what in zip(columns, (subject, without), ("All heads on", "Selected heads off"), strict=True):
        with column:
            st.markdown(f"**{what}** · {subject.head_name}")
            key = "ablation_before" if which is subject else "ablation_after"
            maps = subject.display.of(which.one_head())
            draw_map(subject, maps, key=key, label=f"{what}: attention of {subject.head_name}", height_px=320)


# --- which heads the decision needs ----------------------------------------------------------------------------


def _sweep(subject: Subject, target: gb.Target | None) -> None:
    if target is None:  # the hint stands where the predictions would be
        return
    st.markdown("**Find the heads this prediction needs**")
    mode = st.selectbox("Switch off", list(_MODES), format_func=_MODES.__getitem__, key="sweep_mode")
    job = _job(subject, target)
    # the row of a head splits off at its layer, so it runs half of the network
    model, passes = subject.one.model, subject.one.model.layers * subject.one.model.attention_heads // 2
    draw_job(
        job,
        lambda: job.start(ablation_sweep(subject.request, target, mode)),
        name="sweep",
        label="Find heads",
        cost=plain(
            f"Switches heads off automatically and tracks {target_phrase(subject, target)}. Takes "
            f"{duration(model, passes, len(subject.encoded))}{' a step' if mode == 'greedy' else ''}."
        ),
        narrow=True,
        unit="of the heads",
    )
    if job.done and job.found is not None:
        _found(job.found)


def _job(subject: Subject, target: gb.Target) -> Job[AblationSweep]:
    return current_job("sweep", version_of(subject.request, target))


def _found(result: AblationSweep) -> None:
    if not len(result.values):
        st.caption("Stopped before any head was tried.")
        return
    told = for_experts(f"{result.forward_passes} batched inputs in {result.seconds:.1f} s.")
    stopped = "" if result.complete else " Stopped early."
    if result.mode == "greedy":
        turned = result.predicted[-1] != result.prediction
        needs = (
            f"Without {len(result.values)} heads the prediction flips from {result.prediction} to "
            f"{result.predicted[-1]}."
            if turned
            else f"Without these {len(result.values)} heads the prediction is still {result.prediction}."
        )
        steps = list(range(len(result.values)))
    else:
        needs = (
            f"How much the score of “{result.target_label}” changes when one head is off. Negative: it relies on "
            "that head."
        )
        steps = list(np.argsort(result.changes)[:8])
    st.caption(plain(f"{needs} {told}{stopped}"))
    st.dataframe(
        {
            "Head": [f"{result.layers[step] + 1}·{result.heads[step] + 1}" for step in steps],
            "Change": [float(result.changes[step]) for step in steps],
            "New prediction": [result.predicted[step] for step in steps],
        },
        hide_index=True,
        width="stretch",
        column_config={"Change": st.column_config.NumberColumn(format="%+.3f", help="logits")},
    )
    chosen = written((int(result.layers[step]), int(result.heads[step])) for step in steps)
    st.button("Switch these off", on_click=lambda: state.change(AttentionFields, heads_off=chosen), key="sweep_apply")
