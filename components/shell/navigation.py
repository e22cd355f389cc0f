"""The pages in the order of the menu. Adding a page is one file in ``pages/`` and one line here."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from components import state

__all__ = ["PAGES", "Page", "draw_menu"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its id, its file, and how the menu shows it."""

    id: str
    file: str
    title: str
    icon: str
    promise: str  # one sentence under the title: what this page is for


PAGES: dict[str, Page] = {
    page.id: page
    for page in (
        Page(
            "workbench",
            "app.py",
            "Workbench",
            ":material/biotech:",
            "Attention, prediction and saliency of one sentence, side by side. Select a token: all three follow.",
        ),
        Page(
            "attention",
            "pages/attention.py",
            "Attention",
            ":material/grid_view:",
            "Every head of the model, one head in full, what weights leave out, and what happens without a head.",
        ),
        Page(
            "inputs",
            "pages/inputs.py",
            "Inputs",
            ":material/segment:",
            "What BERT reads: from your text to the numbers that enter the first layer, one step a row.",
        ),
        Page(
            "masked_words",
            "pages/masked_words.py",
            "Masked words",
            ":material/format_shapes:",
            "The words BERT would put there, how surprised it is by yours, and in which layer the answer forms.",
        ),
        Page(
            "next_sentence",
            "pages/next_sentence.py",
            "Next sentence",
            ":material/east:",
            "Which sentence BERT expects after text A, and what it looks at to decide.",
        ),
        Page(
            "saliency",
            "pages/saliency.py",
            "Saliency",
            ":material/fact_check:",
            "Which words drove the decision, by several methods, each with a receipt that says how far to believe it.",
        ),
        Page(
            "what_if",
            "pages/what_if.py",
            "What if",
            ":material/alt_route:",
            "Change a word and see what moves, find the smallest change that turns the decision, and where it lives.",
        ),
        Page(
            "compare",
            "pages/compare.py",
            "Compare",
            ":material/compare_arrows:",
            "What differs between two models on one text, or two texts on one model, word by word and head by head.",
        ),
        Page(
            "models",
            "pages/models.py",
            "Models",
            ":material/deployed_code:",
            "Which models are here, what each was trained on, how good it is, and what it gets wrong.",
        ),
        Page(
            "definitions",
            "pages/definitions.py",
            "Definitions",
            ":material/function:",
            "What every number on screen is, with its formula, its paper and what it does not say.",
        ),
    )
}


def draw_menu() -> None:
    """Links to all pages; each carries the view and its page's own choices, so that they travel along even into a new
    tab."""
    for page in PAGES.values():
        st.page_link(page.file, label=page.title, icon=page.icon, query_params=state.link(page.id))
