"""How many of the explanations that were checked hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components.gateway.library import gb
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.save_and_code import Kept, save_and_code
from components.views.data_set.shown import Shown, narrow

if TYPE_CHECKING:
    from glassbert.analysis.measure_results import ReceiptShares

__all__ = ["draw_receipts"]

_CHECKS = {
    "comprehensiveness": "Without its words, the answer is gone",
    "sufficiency": "Its words alone give the answer",
}


def draw_receipts(shown: Shown) -> None:
    by = "right" if shown.manifest.table.get("label") is not None and shown.manifest.kind != "regression" else "method"
    found: ReceiptShares = shown.ask("receipts", by=by)
    if not len(found.checked):
        st.info("No explanation of these rows was checked.")
        return
    st.markdown(
        f"Of {charts.percent(float(shown.manifest.receipts['share']))} of the texts, drawn at random, the explanation "
        "was checked: do the words that it names move the answer more than 95% of random orders do?"
    )
    parts = {"right": "right answers", "wrong": "wrong answers", "": "all answers"}
    rows = [
        {
            "Method": gb.METHODS[method].label if method in gb.METHODS else method,
            "Check": _CHECKS.get(check, check.replace("_", " ")),
            "Of": parts.get(part, part),
            "Holds": charts.percent(float(found.holds[place]) / max(1, int(found.checked[place]))),
            "95% interval": f"{charts.percent(float(found.low[place]))} to {charts.percent(float(found.high[place]))}",
            "Fails": charts.percent(float(found.fails[place]) / max(1, int(found.checked[place]))),
            "Checked": int(found.checked[place]),
        }
        for place, (method, check, part) in enumerate(zip(found.methods, found.checks, found.parts, strict=True))
    ]
    st.dataframe(rows, hide_index=True, width="stretch", height="content" if len(rows) <= 12 else 440)
    st.button(
        "Rows with an explanation that fails",
        key="rows_that_fail",
        type="tertiary",
        icon=":material/filter_alt:",
        on_click=narrow,
        args=(shown.where, "receipt:fails"),
    )
    with how_computed("Data sets"):
        st.markdown("The checks are those of the receipts on the Saliency page, with the same thresholds.")
    save_and_code("data_set_receipts", shown.request.name, [Kept.of("Receipts", shown.code("receipts", by=by), found)])
