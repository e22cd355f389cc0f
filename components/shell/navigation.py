"""The pages in the order of the menu, grouped by what they are for. Adding a page is one file in ``pages/`` and one
entry here."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import streamlit as st

from components import state

__all__ = ["PAGES", "Page", "draw_menu"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its id, its file, and how the menu shows it."""

    group: str
    id: str
    file: str
    title: str
    icon: str
    promise: str  # one sentence under the title: what this page is for


PAGES: dict[str, Page] = {
    page.id: page
    for page in (
        Page(
            "Start",
            "tour",
            "pages/tour.py",
            "Tour",
            ":material/tour:",
            "BERT in five minutes: what happens to one sentence, in seven steps, computed live.",
        ),
        Page(
            "Look",
            "workbench",
            "app.py",
            "Workbench",
            ":material/biotech:",
            "Attention, predictions and saliency, linked: select a token.",
        ),
        Page(
            "Look",
            "attention",
            "pages/attention.py",
            "Attention",
            ":material/grid_view:",
            "Every head, what raw weights miss, and what happens without a head.",
        ),
        Page(
            "Look",
            "inputs",
            "pages/inputs.py",
            "Inputs",
            ":material/segment:",
            "How your text becomes the vectors that enter the first layer.",
        ),
        Page(
            "Ask",
            "masked_words",
            "pages/masked_words.py",
            "Masked words",
            ":material/format_shapes:",
            "What BERT puts in a gap, and how surprising your own words are.",
        ),
        Page(
            "Ask",
            "next_sentence",
            "pages/next_sentence.py",
            "Next sentence",
            ":material/east:",
            "Whether BERT expects text B after text A, and on what grounds.",
        ),
        Page(
            "Ask",
            "entities",
            "pages/entities.py",
            "Entities",
            ":material/label:",
            "The people, organisations and places in your text, and why each is named so.",
        ),
        Page(
            "Ask",
            "question_answering",
            "pages/question_answering.py",
            "Question answering",
            ":material/help_center:",
            "Where text B answers the question in text A, and why there.",
        ),
        Page(
            "Ask",
            "similarity",
            "pages/similarity.py",
            "Similarity",
            ":material/join_inner:",
            "How close two texts are, and which words make them so.",
        ),
        Page(
            "Judge",
            "saliency",
            "pages/saliency.py",
            "Saliency",
            ":material/fact_check:",
            "Which words drove the prediction, and how reliable each answer is.",
        ),
        Page(
            "Judge",
            "compare",
            "pages/compare.py",
            "Compare",
            ":material/compare_arrows:",
            "Two models on one text, or two texts on one model, word by word.",
        ),
        Page(
            "Judge",
            "behaviour_tests",
            "pages/behaviour_tests.py",
            "Behaviour",
            ":material/rule:",
            "Does a model do what it should: with other names, a typo, a “not”? And for whom does it not?",
        ),
        Page(
            "Judge",
            "data_set",
            "pages/data_set.py",
            "Data set",
            ":material/query_stats:",
            "A model over a whole table: how good, where it is weak, which words decide, and which explanations hold.",
        ),
        Page(
            "Change",
            "what_if",
            "pages/what_if.py",
            "What if",
            ":material/alt_route:",
            "Edit a word, find the smallest edit that flips the prediction.",
        ),
        Page(
            "Models",
            "models",
            "pages/models.py",
            "Models",
            ":material/deployed_code:",
            "Which models are available, what each was trained on, how well it performs, and where it fails.",
        ),
        Page(
            "Models",
            "fine_tuning",
            "pages/fine_tuning.py",
            "Fine-tune",
            ":material/model_training:",
            "Teach a model your own labels, and see what it learns: hard texts, wrong labels, decisive words.",
        ),
        Page(
            "Models",
            "compress",
            "pages/compress.py",
            "Compress",
            ":material/compress:",
            "A smaller, faster model: does it still give the same answers, for the same reasons?",
        ),
        Page(
            "Models",
            "definitions",
            "pages/definitions.py",
            "Definitions",
            ":material/function:",
            "What every number on screen means: its formula, its paper and its limits.",
        ),
    )
}


def draw_menu() -> None:
    """Links to all pages; each carries the view and its page's own choices, so that they survive even in a new tab."""
    for group, pages in groupby(PAGES.values(), key=lambda page: page.group):
        with st.container(key=f"menu_{group.lower()}", gap=None):
            st.caption(group)
            for page in pages:
                st.page_link(page.file, label=page.title, icon=page.icon, query_params=state.link(page.id))
