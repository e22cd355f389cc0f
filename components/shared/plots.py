"""A Plotly chart on the page, the one way to draw them: quiet, and saved as SVG by a button that appears over it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from components import state
from components.gateway.files import file_name

__all__ = ["draw_chart"]


def draw_chart(figure: Any, *, key: str, **options: Any) -> None:
    """Draw a figure as wide as its column. ``options`` are those of ``st.plotly_chart``, such as ``on_select``."""
    st.plotly_chart(figure, key=key, config=_config(key), width="stretch", **options)


def _config(key: str) -> dict[str, Any]:
    """No mode bar but its camera, which is there while the pointer is on the chart; double-click resets a zoom."""
    name = file_name(key.replace("_", "-"), state.view().text, "svg").removesuffix(".svg")
    return {
        "displayModeBar": "hover",
        "displaylogo": False,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {"format": "svg", "filename": name},
        "responsive": True,
    }
