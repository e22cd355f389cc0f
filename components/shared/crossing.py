"""The attention between the two texts, for one head or the mean of a layer."""

from __future__ import annotations

import numpy as np
import streamlit as st

from components import state
from components.gateway import attention
from components.gateway.requests import Opened, version_of
from components.shared.kept_maps import kept_heads
from components.shared.save_and_code import save_and_code
from components.text import plain
from components.widgets.attention_heatmap import attention_heatmap
from components.widgets.heads_map import clicked_head, heads_map

_BLOCKS = ("A→B", "B→A")


def draw_crossing(one: Opened) -> None:
    """Cost: no forward pass beyond the one for the weights."""
    view = state.view()
    request = one.text(view)
    maps = attention.maps(request)
    block = view.block if view.block in _BLOCKS else _BLOCKS[0]
    st.segmented_control(
        "Direction",
        list(_BLOCKS),
        format_func={"A→B": "A attends to B", "B→A": "B attends to A"}.__getitem__,
        label_visibility="collapsed",
        **state.bind("block", options=dict.fromkeys(_BLOCKS)),
    )
    layer, head = min(view.layer, maps.layers - 1), min(view.head, maps.heads - 1)
    version = version_of(request, "crossing", block)

    def open_head() -> None:
        chosen = clicked_head(state.event("crossing_heads"), version, maps.layers, maps.heads)
        if chosen is not None:
            state.change(layer=chosen[0], head=chosen[1])

    heads_map(
        attention.map_thumbnails(request, attention.MapDisplay(block=block), 32),
        key="crossing_heads",
        version=version,
        layer=layer,
        head=head,
        label=f"{block} in every head of {one.name}",
        on_select=open_head,
    )
    part = maps.combine([(layer, head)]).block(block)
    weights = np.asarray(part.values)[0]
    attention_heatmap(
        weights,
        list(part.query_labels),
        keys=list(part.key_labels),
        key="crossing",
        version=version,
        selected=None,
        label=f"{block}, layer {layer + 1}, head {head + 1}",
        height_px=300,
    )
    share = float(weights.sum(axis=-1).mean())
    st.caption(
        f"Layer {layer + 1}, head {head + 1} of {plain(one.name)}: on average {share:.0%} of a row's weight crosses "
        "over; the rest, not shown, stays in its own text or goes to [CLS] and [SEP]. *Attention is not decision.*"
    )
    kept = kept_heads(request, [(layer, head)], attention.MapDisplay(block=block))
    save_and_code("crossing", one.name, kept, [kept[0].code.values[0]], panel=True)
