"""The texts as points of a plane, by what the network makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.views.data_set.fields import DataSetFields
from components.views.data_set.shown import Shown

if TYPE_CHECKING:
    from glassbert.analysis.row_results import StateMap

__all__ = ["draw_map"]

#: Points that are sent, some 60 kB, and drawn without stutter.
_MOST = 2000


def draw_map(shown: Shown) -> None:
    from glassbert.pictures.data_sets import plane_of_texts

    found: StateMap = shown.ask("map", most=_MOST)
    if len(found.ids) < 3:
        st.info("A map needs at least three texts.")
        return
    key = f"map_{shown.version()}"

    def clicked() -> None:
        points = (state.value(key) or {}).get("selection", {}).get("points", [])
        if points:
            state.change(DataSetFields, row=int(points[0]["customdata"][0]))

    draw_chart(
        plane_of_texts(
            found.x.tolist(),
            found.y.tolist(),
            found.ids.tolist(),
            found.answers.tolist(),
            found.right.tolist(),
            found.class_names,
        ),
        key=key,
        on_select=clicked,
        selection_mode="points",
    )
    sample = (
        f"{len(found.ids):,} of {found.total:,} texts" if len(found.ids) < found.total else f"{found.total:,} texts"
    )
    st.caption(
        f"{sample}, by the mean of their last hidden states: the two directions in which these differ most, "
        f"{charts.percent(float(found.explained.sum()))} of all differences. Near points are alike to the model; "
        "crosses are wrong answers. Click a point: its row below."
    )
    with how_computed("Data sets"):
        st.markdown("Principal components of the mean state of each text's tokens after the last layer.")
    save_and_code("data_set_map", shown.request.name, [Kept.of("Map", shown.code("map", most=_MOST), found)])
