"""Attention: the difference in every head, and one head on both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import state
from components.gateway import code, comparison
from components.gateway.attention import MapDisplay
from components.gateway.files import MOST_ROWS
from components.shared.definitions import how_computed
from components.shared.kept_maps import kept_heads
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.compare.phrases import number, points
from components.views.compare.sides import NOTHING, Compared
from components.widgets.attention_heatmap import attention_heatmap, clicked_row
from components.widgets.heads_map import Marks, clicked_head, heads_map

if TYPE_CHECKING:
    from glassbert.comparison.results import AttentionDifference

# The bar of the head that changed most is full, but the scale never ends below this, so that rounding stays invisible.
_LEAST_BITS = 0.01
_RANKED = 6


def draw_attention(compared: Compared) -> None:
    """Cost: two forward passes for all heads, two for the open one."""
    difference = comparison.attention(compared.request)
    layers, heads = difference.divergence.shape
    largest = float(np.abs(difference.values).max(initial=0.0))
    if largest < NOTHING:
        st.markdown("No attention weight differs: **the attention of both sides is the same**.")
    else:
        mean = number(float(difference.divergence.mean()))
        st.markdown(
            f"Heads differ by {mean} bits on average; the largest change in a weight is {points(largest)} points."
        )
        _ranked(difference.divergence)
    rows = compared.shown(difference.rows)
    if not len(rows):
        st.info("The two sides have no visible word in common.")
        return
    view = state.view()
    layer, head = min(max(view.layer, 0), layers - 1), min(max(view.head, 0), heads - 1)
    version = compared.version("map")

    def opened() -> None:
        chosen = clicked_head(state.event("difference_map"), version, layers, heads)
        if chosen is not None:
            state.change(layer=chosen[0], head=chosen[1])

    bits = difference.divergence
    heads_map(
        comparison.thumbnails(compared.request, view.special),
        key="difference_map",
        version=version,
        layer=layer,
        head=head,
        label=f"Second minus first in all {layers} layers × {heads} heads",
        max_thumbnail_px=96,
        max_height_px=min(100 + 45 * layers, 480),
        max_stretch=2.0,
        signed=True,
        marks=Marks(
            values=np.minimum(bits / max(float(bits.max()), _LEAST_BITS), 1),
            notes=tuple(tuple(f"{value:.3f} bits apart" for value in row) for row in bits.tolist()),
        ),
        on_select=opened,
    )
    st.caption(
        "Each thumbnail is the difference in one head: orange where the second attends more, blue where it attends "
        "less. Colour follows the square root of the difference, on one scale for all heads; the bar shows the change "
        "of the whole head. Click a head to open it."
    )
    _one_head(compared, difference, rows, layer, head)
    _how(difference, layer, head)
    kept = _kept(compared, difference, layer, head)
    shown = [kept[0].code.divergence, kept[0].code.values[layer, head]]
    save_and_code("compared-attention", compared.names, kept, shown)


def _ranked(divergence: np.ndarray) -> None:
    """The heads that changed most, as buttons."""
    order = [divmod(int(place), divergence.shape[1]) for place in np.argsort(-divergence, axis=None)[:_RANKED]]
    names = {f"{layer}.{head}": (layer, head) for layer, head in order if divergence[layer, head] >= NOTHING}

    def choose(name: str) -> None:
        layer, head = names[name]
        state.change(layer=layer, head=head)

    st.pills(
        "Changed most (layer·head: bits)",
        list(names),
        format_func=lambda name: f"{names[name][0] + 1}·{names[name][1] + 1}: {divergence[names[name]]:.2f}",
        **state.control("moved_heads", None, choose, options=list(names)),
    )


def _one_head(compared: Compared, difference: AttentionDifference, rows: np.ndarray, layer: int, head: int) -> None:
    """First, second and their difference on one colour scale."""
    first, second = comparison.one_head(compared.request, layer, head)
    kept = np.flatnonzero(np.isin(difference.rows, rows))
    pictures = {
        "first": (first, plain(compared.titles[0])),
        "second": (second, plain(compared.titles[1])),
        "difference": (difference.values[layer, head], "Second − first"),
    }
    scale = max(float(weights[kept][:, kept].max()) for weights in (first, second))
    words = compared.alignment.labels
    labels = [words[row] for row in rows]
    st.markdown(f"**Layer {layer + 1}, head {head + 1}**")
    for column, (side, (weights, title)) in zip(st.columns(3, gap="small"), pictures.items(), strict=True):
        key = f"head_{side}"
        version = compared.version(key)
        with column:
            st.caption(title)
            attention_heatmap(
                weights[kept][:, kept],
                labels,
                key=key,
                version=version,
                selected=compared.place(rows),
                label=f"Layer {layer + 1}, head {head + 1}, {side}",
                height_px=330,
                signed=side == "difference",
                scale=scale or None,
                most=None,
                on_select=compared.select(key, version, rows, clicked_row),
            )
    gaps = int((~compared.alignment.matched).sum())
    left_out = f" {gaps} words found on only one side are left out." if gaps else ""
    st.caption(
        "A row is the attending word, a column the attended word; all three on one colour scale. Click a row to select "
        f"its word.{left_out} *Comparing head by head is meaningful for a model and its fine-tuned version, or for two "
        "texts on one model; heads of models trained separately have no common order.*"
    )


def _kept(compared: Compared, difference: AttentionDifference, layer: int, head: int) -> list[Kept]:
    """The difference in all heads, and the three maps of the open one."""
    request = compared.request
    every = Kept(
        "Attention difference",
        code.comparison_of(request, "attention", name="difference"),
        lambda: comparison.attention(request),
        table=difference.values.size <= MOST_ROWS,
    )
    one = replace(every, label=f"Layer {layer + 1} head {head + 1} difference", picture={"layer": layer, "head": head})
    display = MapDisplay(words=True, special=state.view().special)
    sides = []
    for name, side in (("first", request.first), ("second", request.second)):
        found = kept_heads(side, [(layer, head)], display)[0]
        sides.append(replace(found, label=f"{found.label} {name}"))
    return [every, one, *sides]


def _how(difference: AttentionDifference, layer: int, head: int) -> None:
    with how_computed("Comparison"):
        st.markdown(
            r"""
Pieces are merged into words: sums over the key pieces, means over the query pieces (Clark et al. 2019). The difference
in a weight is $\Delta_{ij} = \alpha^{(2)}_{ij} - \alpha^{(1)}_{ij}$ over the words that both have. The change of a head
is the mean over its rows of the Jensen–Shannon divergence (Lin 1991), each row rescaled to sum to 1:

$$d_h = \frac{1}{n} \sum_i \mathrm{JS}\big(\alpha^{(1)}_{i\cdot}, \alpha^{(2)}_{i\cdot}\big)$$
"""
        )
        values = difference.values[layer, head]
        query, key = np.unravel_index(int(np.abs(values).argmax()), values.shape)
        labels = difference.alignment.labels
        words = [plain(labels[difference.rows[place]]) for place in (query, key)]
        moved = float(difference.divergence[layer, head])
        st.latex(
            rf"d_{{{layer + 1}\cdot{head + 1}}} = {moved:.4f} \text{{ bits}}, \qquad "
            rf"\max_{{ij}} |\Delta_{{ij}}| = {abs(float(values[query, key])):.4f}"
        )
        st.markdown(f"The largest difference of this head is from “{words[0]}” to “{words[1]}”.")
