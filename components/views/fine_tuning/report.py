"""The report on the data, before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components.gateway.runs.tables import Tables
from components.text import plain

if TYPE_CHECKING:
    from glassbert.tables import DataReport

__all__ = ["draw_report"]

_ICONS = {
    "error": ":red[:material/error:]",
    "warning": ":orange[:material/warning:]",
    "note": ":gray[:material/info:]",
}
_EXAMPLES = 3
_TEXT_CHARACTERS = 120


def draw_report(report: DataReport, tables: Tables) -> None:
    """What was found, the worst first, with the rows that it was found in."""
    if not report.findings:
        st.markdown(":green[:material/check_circle:] Nothing that stands out.")
    for severity, sentence, rows in report.findings:
        st.markdown(f"{_ICONS.get(severity, '')} {plain(sentence)}")
