"""Labels that are likely wrong, and texts that stand in the table more than once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.save_and_code import Kept, save_and_code
from components.text import shortened
from components.views.data_set.shown import Shown, choose_rows, clickable_rows, texts_of

if TYPE_CHECKING:
    from glassbert.analysis.row_results import NearDuplicates
    from glassbert.tuning.results import LabelErrors

__all__ = ["draw_labels"]

_SHOWN, _TEXT_CHARACTERS = 30, 160


def draw_labels(shown: Shown) -> None:
    kept = []
    if shown.manifest.kind == "classification" and shown.manifest.table.get("label") is not None:
        kept.append(_errors(shown))
    kept.append(_duplicates(shown))
    with how_computed("Data sets"):
        st.markdown(
            "Labels are judged by confident learning with the model's own probabilities: on rows that it was trained "
            "on, it has learned the wrong labels too."
        )
    save_and_code("data_set_labels", shown.request.name, kept)


def _errors(shown: Shown) -> Kept:
    found: LabelErrors = shown.ask("label_errors")
    st.markdown("**Labels that are likely wrong**")
    code = shown.code("label_errors")
    if not len(found.rows):
        st.caption(f"None of {found.looked_at:,} labels.")
        return Kept.of("Label errors", code, found)
    ids = [int(one) for one in found.rows[:_SHOWN]]
    texts = texts_of(shown, ids)
    rows = [
        {
            "Text": shortened(str(texts["text"][number]), _TEXT_CHARACTERS),
            "Label": found.label_names[int(found.given[place])],
            "Rather": found.label_names[int(found.suggested[place])],
            "Of the label": charts.percent(float(found.quality[place])),
            "Because of": ", ".join(found.words[place]) if place < len(found.words) else "",
        }
        for place, number in enumerate(ids)
    ]
    clickable_rows(rows, f"label_errors_{shown.version()}", lambda place: choose_rows(f"id:{ids[place]}"))
    many = "1 label" if len(found.rows) == 1 else f"{len(found.rows):,} labels"
    st.caption(f"{many} of {found.looked_at:,}, the least likely first. *Of the label*: its probability by the model.")
    return Kept.of("Label errors", code, found)


def _duplicates(shown: Shown) -> Kept:
    found: NearDuplicates = shown.ask("near_duplicates")
    st.markdown("**Texts that stand there twice, or nearly**")
    code = shown.code("near_duplicates")
    if not len(found.ids):
        st.caption(f"None of {found.looked_at:,} texts.")
        return Kept.of("Near duplicates", code, found)
    groups = len(np.unique(found.groups))
    ids = [int(one) for one in found.ids[:_SHOWN]]
    texts = texts_of(shown, ids)
    rows = [
        {
            "Group": int(found.groups[place]) + 1,
            "Text": shortened(str(texts["text"][number]), _TEXT_CHARACTERS),
            "Label": found.labels[place],
            "The same text": "yes" if found.same_text[place] else "nearly",
        }
        for place, number in enumerate(ids)
    ]
    clickable_rows(rows, f"duplicates_{shown.version()}", lambda place: choose_rows(f"id:{ids[place]}"))
    st.caption(
        f"{len(found.ids):,} texts in {groups:,} {'group' if groups == 1 else 'groups'}, of {found.looked_at:,}. If "
        "one of a group was trained on, the others are no test."
    )
    return Kept.of("Near duplicates", code, found)
