"""BertViz's own views of the same weights, for users familiar with them."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway import attention, code
from components.shared.kept_maps import kept_heads
from components.shared.save_and_code import save_and_code
from components.views.attention.fields import AttentionFields
from components.views.attention.shared import Subject
from components.widgets import bertviz
from components.widgets.sandboxed_page import sandboxed_page

__all__ = ["draw_bertviz"]

_VIEWS: dict[bertviz.View, str] = {"head": "Head view", "model": "Model view", "neuron": "Neuron view"}
_TALLEST_PX = 900


def draw_bertviz(subject: Subject) -> None:
    """Cost: none beyond the weights; for the neuron view, one forward pass for queries and keys."""
    left, right = st.columns([0.45, 0.55], gap="medium", vertical_alignment="bottom")
    left.segmented_control(
        "View", list(_VIEWS), format_func=_VIEWS.__getitem__, **state.bind("bertviz", AttentionFields, options=_VIEWS)
    )
    view = state.fields(AttentionFields).bertviz
    encoded, model = subject.encoded, subject.one.model
    fitting = bertviz.layers_that_fit(view, model.attention_heads, len(encoded))
    if fitting == 0:
        st.info(
            f"{len(encoded)} tokens are too many for this view, which stores every weight as a number and draws each "
            f"as a separate line: its limit is {_most_tokens(view, model.attention_heads)} tokens. **Heads** "
            "shows the same weights at any length.",
            icon=":material/straighten:",
        )
        return
    layers = _layers(subject, right, fitting)
    if not layers:
        st.info("Choose at least one layer.")
        return
    html, height = _page(subject, view, layers)
    sandboxed_page(html, title=f"BertViz, {_VIEWS[view].lower()}", height=height, key="bertviz")
    st.caption(
        f"BertViz (Vig 2019, Apache-2.0), {_VIEWS[view].lower()}. "
        f"{len(html) / 1e6:.1f} MB, drawn without a network. *The same weights as in Heads, with the same "
        "limits.*"
    )
    every = kept_heads(subject.request, [(subject.layer, subject.head)], attention.MapDisplay())
    shown = [code.maps(subject.request).weights[layers]]
    if view == "neuron":
        found = code.neurons(subject.request, tuple(layers))
        shown += [found.queries, found.keys]
    save_and_code("bertviz", subject.one.name, every[::-1], shown)


def _most_tokens(view: bertviz.View, heads: int) -> int:
    return max(
        tokens for tokens in range(1, bertviz.MOST_TOKENS[view] + 1) if bertviz.layers_that_fit(view, heads, tokens)
    )


def _layers(subject: Subject, place: st.delta_generator.DeltaGenerator, fitting: int) -> list[int]:
    """The layers to show: all if they fit, else a selection that starts with the open one."""
    every = list(range(subject.one.model.layers))
    if fitting >= len(every):
        return every
    first = max(0, min(subject.layer, len(every) - fitting))
    chosen = place.multiselect(
        f"Layers (up to {fitting} at this length)",
        every,
        default=every[first : first + fitting],
        format_func=lambda layer: str(layer + 1),
        max_selections=fitting,
        key=f"bertviz_layers_{fitting}_{len(every)}",
    )
    return sorted(chosen)


def _page(subject: Subject, view: bertviz.View, layers: list[int]) -> tuple[str, int]:
    """The HTML page and the height it needs, in pixels."""
    encoded = subject.encoded
    tokens, count = encoded.pieces, len(encoded)
    second = encoded.sequence_ids.tolist().index(1) if len(encoded.texts) == 2 else None
    dark = st.context.theme.type == "dark"
    if view == "neuron":
        found = attention.neurons(subject.request, tuple(layers))
        html = bertviz.neuron_view(
            found.weights,
            found.queries,
            found.keys,
            tokens,
            layers,
            layer=subject.layer,
            head=subject.head,
            dark=dark,
        )
        return html, min(26 * count + 190, _TALLEST_PX)
    weights = attention.maps(subject.request).weights[layers]
    if view == "model":
        html = bertviz.model_view(weights, tokens, layers, second=second, dark=dark)
        thumbnail = count * 7 * 12 / subject.one.model.attention_heads + 10
        return html, min(int(max(len(layers) * thumbnail, count * 18 + 60)) + 110, _TALLEST_PX)
    html = bertviz.head_view(weights, tokens, layers, layer=subject.layer, head=subject.head, second=second, dark=dark)
    return html, min(int(23 * count) + 110, _TALLEST_PX)
