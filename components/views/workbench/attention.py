"""Panel 1: one head's attention in full, every head as a thumbnail."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway import attention
from components.gateway.attention import MapDisplay
from components.gateway.requests import Opened, version_of
from components.shared.errors import explained_errors
from components.shared.head_ranking import draw_ranked, link_between
from components.shared.kept_maps import kept_heads, kept_link
from components.shared.layers import layer_name, window_told
from components.shared.questions import model_shown, short_names
from components.shared.save_and_code import save_and_code
from components.shared.selection import second_in, select_token, selected_in, shown_index, shown_positions
from components.state import View
from components.text import plain
from components.widgets.attention_heatmap import attention_heatmap, clicked_row, clicked_second
from components.widgets.heads_map import Marks, clicked_head, heads_map


@st.fragment
def attention_panel(opened: list[Opened]) -> None:
    """Cost: one forward pass per text and model; changing the head costs none."""
    state.redraw_page_if_asked()
    one = model_shown(opened)
    if len(opened) > 1:
        st.segmented_control(
            "Attention of",
            [one.role for one in opened],
            format_func=short_names(opened).__getitem__,
            label_visibility="collapsed",
            **state.bind("shown_model", options={one.role: one for one in opened}, shown=one.role),
        )
    with explained_errors():
        _draw(opened, one)


def _draw(opened: list[Opened], one: Opened) -> None:
    view = state.view()
    request, main = one.text(view), opened[0].text(view)
    maps = attention.maps(request)
    positions = shown_positions(maps.encoded, view.special)
    layer, head = min(view.layer, maps.layers - 1), min(view.head, maps.heads - 1)
    version = version_of(request, view.special)
    heads_version = version_of(request.model)  # a click that arrives after a change of text still names a head

    def open_head() -> None:
        chosen = clicked_head(state.event("heads"), heads_version, maps.layers, maps.heads)
        if chosen is not None:
            state.change(layer=chosen[0], head=chosen[1])

    first, second = selected_in(opened, one), second_in(opened, one)
    link = link_between(request, first, second)
    heads_map(
        attention.thumbnails(request, view.special),
        key="heads",
        version=heads_version,
        layer=layer,
        head=head,
        label=f"All {maps.layers} layers × {maps.heads} heads of {one.name}",
        marks=None if link is None else Marks(values=link.values / max(float(link.values.max()), 1e-12)),
        on_select=open_head,
    )
    if link is not None:
        title = plain(f"Heads that link “{link.first}” and “{link.second}” most")
        draw_ranked(link.values, title, link.told, key="linked", most=4)
    shown = MapDisplay(special=view.special).of(maps.combine([(layer, head)]))
    place = f"{layer_name(one.model, layer)}, head {head + 1}"
    attention_heatmap(
        shown.values[0],
        [maps.encoded.pieces[position] for position in positions],
        key="heatmap",
        version=version,
        selected=shown_index(positions, first),
        pairs=True,
        second=shown_index(positions, second),
        label=f"Attention of {place}",
        inside=shown.inside() if shown.reach.any() else None,
        height_px=_height(view, len(positions)),
        on_select=select_token("heatmap", version, positions, clicked_row, request, main, clicked_second),
    )
    hidden = "" if view.special else " Special tokens are hidden, so visible rows may sum to less than 1."
    st.caption(
        f"Each row of the large map shows where its token attends, in {place}; it sums to 1.{hidden} "
        f"{window_told(shown)} "
        "*It does not show what information moves, or whether the prediction depends on it.*"
    )
    kept = kept_heads(request, [(layer, head)], MapDisplay(special=view.special))
    if link is not None and first is not None and second is not None:
        kept.append(kept_link(request, first, second))
    save_and_code("attention", one.name, kept, [kept[0].code.values[0]], panel=True)
    state.write_address()


def _height(view: View, tokens: int) -> int:
    """Of the large map, so that three panels fit on a laptop's screen, and one fills a projector's."""
    if view.present:
        return 620 if view.panel == "attention" else 420
    # under a verdict, no higher than the labels of all rows need
    return min(310, max(260, 120 + 11 * tokens)) if view.verdict else 310
