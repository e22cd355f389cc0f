"""Every head at once, and one head in full."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import streamlit as st

from components import state
from components.gateway import attention
from components.gateway.expressions import named, template
from components.gateway.inputs import encode
from components.gateway.library import gb
from components.gateway.requests import version_of
from components.shared.head_ranking import draw_ranked
from components.shared.kept_maps import kept_heads
from components.shared.layers import layer_name, window_told
from components.shared.save_and_code import save_and_code
from components.text import plain
from components.views.attention.fields import DIM_BELOW, THRESHOLD, AttentionFields
from components.views.attention.marks import MARKS, kept_mark, mark, names
from components.views.attention.shared import Subject, draw_map, heads_of, open_head, written
from components.widgets import attention_lines, heads_map
from components.widgets.attention_heatmap import CAPTION

__all__ = ["draw_heads", "draw_heads_map"]

_NO_TOKEN = -1

_SIDE_PIXELS = 64  # of a thumbnail as sent to the browser: 144 heads are 0.6 MB before compression
_BLOCKS = {"": "All", "A→A": "A→A", "A→B": "A→B", "B→A": "B→A", "B→B": "B→B"}
_COMBINED: dict[Literal["", "mean", "max"], str] = {"": "This head", "mean": "Mean of heads", "max": "Maximum of heads"}
_PARTS = {
    "": "All parts",
    "content_to_content": "Content to content",
    "content_to_position": "Content to position",
    "position_to_content": "Position to content",
}
_FOCUS = {"": "All", "rows": "Its row", "columns": "Its column"}
_ORDERS = {"": "By layer", "most": "Highest first", "least": "Lowest first"}
_DRAWN = {"heatmap": "Heatmap", "lines": "Lines"}


def draw_heads(subject: Subject) -> None:
    """Cost: one forward pass; marks from a profile cost none, importance two more with a backward pass."""
    weights = attention.maps(subject.request)
    marks = _mark_controls(subject)
    draw_heads_map(subject, marks, key="model_map")
    picture, controls = st.columns([0.72, 0.28], gap="medium")
    with controls:
        maps = _controls(subject)
    with picture:
        _one_map(subject, maps)
        _keep(subject, weights)


def draw_heads_map(subject: Subject, marks: heads_map.Marks, *, key: str, max_height_px: int | None = None) -> None:
    """The map of all heads; a click opens one."""
    model, display = subject.one.model, replace(subject.display, rescale=False)
    version = version_of(subject.request, display)
    heads_map.heads_map(
        attention.map_thumbnails(subject.request, display, _SIDE_PIXELS),
        key=key,
        version=version,
        layer=subject.layer,
        head=subject.head,
        label=f"All {model.layers} layers × {model.attention_heads} heads of {subject.one.name}",
        max_thumbnail_px=96,
        max_height_px=max_height_px or min(100 + 45 * model.layers, 600),
        max_stretch=2.0,
        marks=marks,
        on_select=open_head(key, version, subject),
    )


def _mark_controls(subject: Subject) -> heads_map.Marks:
    """What the map's bars show, which heads are dimmed or left out, and the order of the heads."""
    own = state.fields(AttentionFields)
    mark_id = own.mark or ("link" if subject.second is not None else "")
    first, second, third, fourth = st.columns([0.26, 0.32, 0.24, 0.18], gap="medium", vertical_alignment="bottom")

    def choose(chosen: str) -> None:
        if chosen != "link":
            state.change(toward=-1)  # two chosen tokens would be marked again
        state.change(AttentionFields, mark=chosen)

    first.selectbox(
        "Mark heads by",
        list(MARKS),
        format_func=lambda name: MARKS[name].label,
        **state.control("mark", mark_id, choose, options=list(MARKS), initial="index"),
    )
    chosen = MARKS[mark_id]
    notes = names(subject)
    if chosen.source == "link":
        _choose_tokens(subject)
    found = mark(subject, chosen)
    if found is None:
        second.caption("Hover over a head to see what it does, click to open it.")
        return heads_map.Marks(notes=notes)
    second.segmented_control(
        "Order", list(_ORDERS), format_func=_ORDERS.__getitem__, **state.bind("order", AttentionFields, options=_ORDERS)
    )
    third.slider(
        "Heads below (% of the largest)", DIM_BELOW.least, DIM_BELOW.most, **state.bind("dim_below", AttentionFields)
    )
    fourth.toggle("Leave out", help="Otherwise these heads are dimmed.", **state.bind("hide_dimmed", AttentionFields))
    values = found.values / max(float(found.values.max()), 1e-12)
    dimmed = values < own.dim_below / 100
    order = _laid_out(found.values, dimmed)
    told = found.told or (lambda layer, head: f"{found.values[layer, head]:.2f}")
    if order is None:
        draw_ranked(found.values, f"{found.text[0].upper()}{found.text[1:]}", told, key="ranked")
    else:
        many = f"{len(order)} of {values.size}" if len(order) < values.size else f"all {values.size}"
        st.caption(f"The map shows {many} heads. Under each: layer·head and its {found.text}.")
    texts = tuple(tuple(told(layer, head) for head in range(values.shape[1])) for layer in range(values.shape[0]))
    return heads_map.Marks(values=values, dimmed=dimmed, notes=notes, order=order, texts=texts)


def _laid_out(values: np.ndarray, dimmed: np.ndarray) -> list[tuple[int, int]] | None:
    """The heads of the map in order; None for all of them layer by layer. All heads, if none would be left."""
    own = state.fields(AttentionFields)
    kept = ~dimmed if own.hide_dimmed and not dimmed.all() else np.ones_like(dimmed)
    if not own.order and kept.all():
        return None
    places = np.arange(values.size)
    if own.order:
        places = np.argsort(-values if own.order == "most" else values, axis=None, kind="stable")
    return [(int(place) // values.shape[1], int(place) % values.shape[1]) for place in places if kept.flat[place]]


def _choose_tokens(subject: Subject) -> None:
    """The two tokens of a link, by name: in the pictures, a click on a cell or with Shift chooses them."""
    pieces = encode(subject.main).pieces
    names = {_NO_TOKEN: "choose a token"} | {place: f"{piece} ({place})" for place, piece in enumerate(pieces)}
    first, second, rest = st.columns([0.28, 0.28, 0.44], gap="medium", vertical_alignment="bottom")
    for column, label, field in ((first, "Between", "token"), (second, "and", "toward")):
        column.selectbox(
            label,
            list(names),
            format_func=names.__getitem__,
            **state.bind(field, options=names, initial="index"),
        )
    rest.caption("Or click a cell of a map, or a token and then another one with Shift.")


def _controls(subject: Subject) -> gb.TokenMaps:
    """How the open head is shown; returns the map, (1, query, key)."""
    view = state.view()
    st.segmented_control(
        "Draw as", list(_DRAWN), format_func=_DRAWN.__getitem__, **state.bind("drawn", AttentionFields, options=_DRAWN)
    )
    _choose_part(subject)
    st.toggle("Merge pieces into words", **state.bind("by_word"))
    hidden = not view.special or bool(subject.display.block)
    st.toggle(
        "Rescale rows to sum to 1",
        disabled=not hidden,
        help="Applies when tokens are hidden. Special tokens are shown or hidden under View.",
        **state.bind("rescale", AttentionFields),
    )
    if view.pair:
        st.selectbox(
            "Between texts",
            list(_BLOCKS),
            format_func=_BLOCKS.__getitem__,
            **state.bind("block", options=_BLOCKS, initial="index"),
        )
    st.selectbox(
        "Combine",
        list(_COMBINED),
        format_func=_COMBINED.__getitem__,
        **state.bind("combine", AttentionFields, options=_COMBINED, initial="index"),
    )
    chosen = _chosen_heads(subject) if state.fields(AttentionFields).combine else []
    _span(subject)
    st.slider(
        "Hide weights below (%)",
        THRESHOLD.least,
        THRESHOLD.most,
        help="Percent of a row's total weight, not of its largest weight.",
        **state.bind("threshold", AttentionFields),
    )
    return _shown(subject, chosen)


def _choose_part(subject: Subject) -> None:
    """Which part of the scores the weights come from, in models whose scores are a sum of parts."""
    if state.fields(AttentionFields).part or (state.view().expert and _has_parts(subject)):
        st.selectbox(
            "Weights from",
            list(_PARTS),
            format_func=_PARTS.__getitem__,
            help="Attention scores of this model are a sum of three parts: what the two tokens say about each other, "
            "what the attending token says about the distance, and what the distance says about the attended token. "
            "Here one part alone goes through the softmax.",
            **state.bind("part", AttentionFields, options=_PARTS, initial="index"),
        )


def _has_parts(subject: Subject) -> bool:
    return subject.one.model.checkpoint.family.disentangled_attention


def _part_of_scores(subject: Subject) -> str:
    """The part that is shown alone; "" for the weights as they are."""
    return state.fields(AttentionFields).part if _has_parts(subject) else ""


def _chosen_heads(subject: Subject) -> list[tuple[int, int]]:
    """The heads that are combined: those chosen, else all of the open layer."""
    model = subject.one.model
    every = [(layer, head) for layer in range(model.layers) for head in range(model.attention_heads)]
    chosen = heads_of(state.fields(AttentionFields).combined_heads, model.layers, model.attention_heads)

    def choose(heads: list[tuple[int, int]]) -> None:
        state.change(AttentionFields, combined_heads=written(heads))

    st.multiselect(
        "Heads",
        every,
        format_func=lambda head: f"{head[0] + 1}·{head[1] + 1}",
        placeholder=f"all of layer {subject.layer + 1}",
        **state.control("combined_heads", chosen, choose, options=every),
    )
    return _combined(subject)


def _combined(subject: Subject) -> list[tuple[int, int]]:
    model = subject.one.model
    chosen = heads_of(state.fields(AttentionFields).combined_heads, model.layers, model.attention_heads)
    return chosen or [(subject.layer, head) for head in range(model.attention_heads)]


def _span(subject: Subject) -> None:
    """Only the rows or columns of the selected token, or of the span that begins with it."""
    st.segmented_control(
        "Selected token",
        list(_FOCUS),
        format_func=_FOCUS.__getitem__,
        **state.bind("focus", AttentionFields, options=_FOCUS),
    )
    if not state.fields(AttentionFields).focus:
        return
    if subject.selected is None:
        st.caption("Nothing is selected: click a token's name in the map.")
        return
    pieces = subject.encoded.pieces
    following = list(range(subject.selected, len(pieces)))
    st.selectbox(
        "… to",
        following,
        format_func=lambda position: f"{pieces[position]} ({position})",
        help="A span of tokens, from the selected one to this one.",
        **state.bind("until", options=dict.fromkeys(following), initial="index"),
    )


def _keep(subject: Subject, weights: gb.AttentionMaps) -> None:
    """The code shows what the picture does: the chosen rows or columns, without the weights that are hidden."""
    own = state.fields(AttentionFields)
    heads = _combined(subject) if own.combine else [(subject.layer, subject.head)]
    kept = kept_heads(subject.request, heads, subject.display, own.combine or "mean", _part_of_scores(subject))
    shown = kept[0].code.values[0]
    if own.focus and subject.selected is not None:
        whole = subject.display.of(weights.combine(heads, own.combine or "mean"))
        spans = whole.queries if own.focus == "rows" else whole.keys
        places = _covered(spans, subject.selected, max(state.view().until, subject.selected))
        if len(places):
            part = slice(int(places[0]), int(places[-1]) + 1)
            shown = shown[part] if own.focus == "rows" else shown[:, part]
    if own.threshold:
        shown = named(shown, "weights")
        limit = own.threshold / 100
        shown = template("np.where({0} < {1}, 0, {0})", shown, limit, needs="import numpy as np")
    marked = kept_mark(subject, MARKS[own.mark or ("link" if subject.second is not None else "")])
    save_and_code("heads", subject.one.name, [*kept, *marked], [shown, *(one.code.frame() for one in marked)])


def _shown(subject: Subject, chosen: list[tuple[int, int]]) -> gb.TokenMaps:
    view, own = state.view(), state.fields(AttentionFields)
    heads = chosen if chosen and own.combine else [(subject.layer, subject.head)]
    layers = tuple(sorted({layer for layer, _ in heads}))
    shown = attention.shown_maps(subject.request, layers, _part_of_scores(subject))
    maps = subject.display.of(shown.combine(heads, own.combine or "mean"))
    if own.focus and subject.selected is not None:
        maps = _part(maps, own.focus, subject.selected, max(view.until, subject.selected))
    if own.threshold:
        values = np.where(maps.values < own.threshold / 100, 0, maps.values)
        maps = replace(maps, values=values, rows_sum_to_one=False)
    return maps


def _part(maps: gb.TokenMaps, focus: str, first: int, last: int) -> gb.TokenMaps:
    """The rows or columns of tokens first to last; all if none of them is shown."""
    spans = maps.queries if focus == "rows" else maps.keys
    kept = _covered(spans, first, last)
    if not len(kept):
        return maps
    if focus == "rows":
        labels = tuple(maps.query_labels[row] for row in kept)
        return replace(maps, values=maps.values[:, kept], queries=spans[kept], query_labels=labels)
    labels = tuple(maps.key_labels[column] for column in kept)
    return replace(maps, values=maps.values[:, :, kept], keys=spans[kept], key_labels=labels, rows_sum_to_one=False)


def _covered(spans: np.ndarray, first: int, last: int) -> np.ndarray:
    """The rows or columns of these tokens."""
    return np.flatnonzero((spans[:, 0] <= last) & (spans[:, 1] > first))


def _one_map(subject: Subject, maps: gb.TokenMaps) -> None:
    own = state.fields(AttentionFields)
    lines, how = own.drawn == "lines", own.combine
    name = _combined_name(subject, how) if how else subject.head_name.capitalize()
    st.markdown(f"**{name}** · {plain(subject.one.name)}")
    draw_map(
        subject,
        maps,
        key="lines" if lines else "head_heatmap",
        label=f"Attention of {name}",
        height_px=460 if lines else 440,
        lines=lines,
    )
    window = "" if lines else window_told(maps)
    st.caption(f"{attention_lines.CAPTION if lines else CAPTION} {window} {_what_is_hidden(subject, maps)}")


def _combined_name(subject: Subject, how: str) -> str:
    model = subject.one.model
    chosen = heads_of(state.fields(AttentionFields).combined_heads, model.layers, model.attention_heads)
    of = f"{len(chosen)} chosen heads" if chosen else f"all heads of {layer_name(model, subject.layer)}"
    return f"{'Mean' if how == 'mean' else 'Maximum'} of {of}"


def _what_is_hidden(subject: Subject, maps: gb.TokenMaps) -> str:
    view, own, parts = state.view(), state.fields(AttentionFields), []
    if subject.display.block:
        parts.append(f"Only {subject.display.block}, without special tokens")
    elif not view.special:
        parts.append("Special tokens are hidden")
    if parts:
        parts.append(
            "rows are rescaled to sum to 1"
            if maps.renormalised
            else "rows are not rescaled: the visible weights sum to less than 1"
        )
    if part := _part_of_scores(subject):
        parts.insert(0, f"Not the weights of the model, but those that {_PARTS[part].lower()} alone would give")
    if view.by_word:
        parts.append("a word's weight is the sum over its pieces as columns and their mean as rows")
    if own.combine == "max":
        parts.append("rows of a maximum over heads do not sum to 1")
    if own.threshold:
        parts.append(f"weights below {own.threshold / 100:.2f} are not drawn")
    if not parts:
        return "Each row sums to 1."
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."
