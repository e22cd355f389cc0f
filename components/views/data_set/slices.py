"""Where the model is weak: parts of the data in which it errs more than elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.data_set.shown import Shown, clickable_rows, narrow

if TYPE_CHECKING:
    from glassbert.analysis.reason_results import WeakSlices

__all__ = ["draw_slices"]

#: Corrected p-values below this are called weak.
_SURE, _SHOWN = 0.05, 30


def draw_slices(shown: Shown) -> None:
    found: WeakSlices = shown.ask("slices")
    share = found.measure == "error_rate"

    def told(value: float) -> str:
        return charts.percent(value) if share else charts.readable_number(value)

    if not found.rows:
        st.info(
            "None of these rows has a label that is one of the model’s, so nothing says where the answers are wrong."
        )
        return
    if not found.tried:
        st.info("There is no part of at least 20 of these rows that could be compared with the rest.")
        return
    weak = int((found.corrected < _SURE).sum())
    over_all = f"{'wrong in' if share else 'off by'} {told(found.overall)} over all"
    if weak:
        what = "part of the data is" if weak == 1 else f"of {found.tried:,} parts that were tried are"
        st.markdown(f"**{weak:,}** {what} weaker than chance explains ({over_all}).")
    else:
        st.markdown(f"No part of the data is weaker than chance explains, of {found.tried:,} tried ({over_all}).")
    if not found.terms:
        return
    rows = [
        {
            "Part": term,
            "Rows": int(found.count[place]),
            "Wrong" if share else "Error": told(float(found.value[place])),
            "95% interval": f"{told(float(found.low[place]))} to {told(float(found.high[place]))}",
            "By chance": _chance(float(found.corrected[place])),
        }
        for place, term in enumerate(found.terms[:_SHOWN])
    ]
    clickable_rows(rows, f"slices_{shown.version()}", lambda place: narrow(shown.where, found.terms[place]))
    st.caption(
        plain("Each part is a filter: click the box before it, and its rows are below. ")
        + "*By chance*: how likely so many errors are if this part is like the rest, corrected for all parts tried."
    )
    with how_computed("Data sets"):
        st.markdown(
            "Parts are bands of length, labels, answers, frequent words, the other columns of the table, and pairs of "
            "these, of at least 20 rows each."
        )
    save_and_code("data_set_slices", shown.request.name, [Kept.of("Slices", shown.code("slices"), found)])


def _chance(p_value: float) -> str:
    return "under 0.1%" if p_value < 0.001 else charts.percent(p_value)
