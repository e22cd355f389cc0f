"""The Definitions page: formula, paper and limits of every number on screen."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from components.gateway import attention, saliency

__all__ = ["draw_definitions"]

_TEXT = (Path(__file__).parent / "definitions.md").read_text(encoding="utf-8")


def draw_definitions() -> None:
    """The text of definitions.md, then the methods and measures by their own declarations."""
    st.markdown(_TEXT)
    st.dataframe(
        [
            {
                "Method": method.label,
                "A score measures": method.meaning,
                "Signed": method.signed,
                "Adds up": method.complete,
                "Forward passes, 24 tokens": method.cost(24, method.options),
                "Paper": method.paper,
            }
            for method in saliency.methods().values()
        ],
        hide_index=True,
        width="stretch",
    )
    st.dataframe(
        [
            {
                "Measure": measure.label,
                "A number measures": measure.meaning,
                "Rows sum to 1": measure.rows_sum_to_one,
                "Forward passes, 24 tokens": measure.cost(24),
                "Paper": measure.paper,
            }
            for measure in attention.measures().values()
        ],
        hide_index=True,
        width="stretch",
    )
    st.caption(
        "Passes are inputs sent through the network, not counting backward passes. Everything is computed from the "
        "open model and your text when a page is drawn; nothing is precomputed for the text."
    )
