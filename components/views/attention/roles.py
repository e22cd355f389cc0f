"""What each head does: numbers and a name with its evidence, and which heads are similar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import code
from components.gateway.attention import head_distances, head_labels, head_profile
from components.shared.kept_maps import kept_heads
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.attention.shared import Subject, draw_map
from components.widgets.attention_heatmap import CAPTION

if TYPE_CHECKING:
    from glassbert.heads import HeadLabel
    from glassbert.heads.results import HeadProfile

__all__ = ["draw_roles"]

_SHARES = {
    "previous": "Previous",
    "next": "Next",
    "self": "Itself",
    "same_word": "Same word",
    "cls": "[CLS]",
    "sep": "[SEP]",
    "punctuation": "Punctuation",
}


def draw_roles(subject: Subject) -> None:
    """Cost: no pass beyond the weights; distances are computed for all pairs of heads."""
    profile, labels = head_profile(subject.request), head_labels()
    _table(profile, labels)
    with st.expander("How heads are named"):
        for label in labels.values():
            st.markdown(f"- **{plain(label.label)}**: {plain(label.rule)}")
        st.caption("Means over the non-special tokens of this text. One text is one sample: try others too.")
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**{subject.head_name.capitalize()}** · {plain(profile.evidence(subject.layer, subject.head))}")
        draw_map(
            subject,
            subject.display.of(subject.one_head()),
            key="role_heatmap",
            label=f"Attention of {subject.head_name}",
            height_px=330,
        )
        st.caption(CAPTION)
    with right:
        _places(subject, profile, labels)
    request = subject.request
    kept = [
        Kept.of("What each head does", code.head_profile(request), profile),
        Kept("Distances of heads", code.head_distances(request), lambda: head_distances(request)),
        kept_heads(request, [(subject.layer, subject.head)], subject.display)[0],
    ]
    shown = [kept[0].code.frame(), kept[1].code.frame(), kept[2].code.values[0]]
    save_and_code("roles", subject.one.name, kept, shown)


def _table(profile: HeadProfile, labels: dict[str, HeadLabel]) -> None:
    frame = profile.frame()
    table = frame.assign(
        Head=[f"{layer + 1}·{head + 1}" for layer, head in zip(frame["layer"], frame["head"], strict=True)],
        Does=[labels[label].label for label in frame["label"]],
    ).rename(columns={**_SHARES, "entropy": "Entropy", "distance": "Distance"})
    order = ["Head", "Does", *_SHARES.values(), "Entropy", "Distance"]

    def chosen() -> None:
        rows = state.value("roles_table")["selection"]["rows"]
        if rows:
            state.change(layer=int(frame["layer"][rows[0]]), head=int(frame["head"][rows[0]]))

    st.dataframe(
        table[order],
        key="roles_table",
        hide_index=True,
        width="stretch",
        height=330,
        column_config={
            **{
                name: st.column_config.ProgressColumn(name, width=70, min_value=0, max_value=1, format="%.2f")
                for name in _SHARES.values()
            },
            "Entropy": st.column_config.NumberColumn("Entropy", format="%.2f", help="bits"),
            "Distance": st.column_config.NumberColumn("Distance", format="%.1f", help="tokens"),
        },
        on_select=chosen,
        selection_mode="single-row",
    )
    st.caption(
        "Click a column name to sort, a row's checkbox to open the head. Shares are of a row's weight and may overlap; "
        "entropy is in bits, distance in tokens."
    )


def _places(subject: Subject, profile: HeadProfile, labels: dict[str, HeadLabel]) -> None:
    from glassbert.pictures.dots import grouped_dots

    heads = profile.entropy.size
    with st.spinner(f"Comparing {heads} heads pairwise, {heads * (heads - 1) // 2:,} pairs …", show_time=True):
        distances = head_distances(subject.request)
    names = [labels[label].label for row in profile.labels for label in row]
    nearest = distances.frame()
    texts = [
        f"layer {row.layer + 1}, head {row.head + 1}: {name}<br>most like layer {row.nearest_layer + 1}, "
        f"head {row.nearest_head + 1} ({row.nearest_distance:.2f})"
        for row, name in zip(nearest.itertuples(), names, strict=True)
    ]

    def chosen() -> None:
        points = state.value("head_places")["selection"]["points"]
        if points:
            index = int(points[0]["customdata"][0])
            state.change(layer=int(distances.layers[index]), head=int(distances.heads[index]))

    own = subject.layer * subject.one.model.attention_heads + subject.head
    draw_chart(
        grouped_dots(distances.positions, names, texts, own),
        key="head_places",
        on_select=chosen,
        selection_mode="points",
    )
    st.caption(
        f"Similar heads are close together (root of the mean Jensen–Shannon divergence of their rows); the two axes "
        f"explain {distances.explained:.0%} of the differences. Click a dot to open the head."
    )
