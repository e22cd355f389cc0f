"""The report on the data, before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components.gateway.runs.tables import Tables
from components.shared import charts
from components.shared.plots import draw_chart
from components.text import plain, shortened
from components.views.fine_tuning.openers import places_of

if TYPE_CHECKING:
    from glassbert.tables import DataReport

__all__ = ["draw_report"]

_ICONS = {"error": ":material/error:", "warning": ":material/warning:", "note": ":material/info:"}
_COLOURS = {"error": "red", "warning": "orange", "note": "gray"}
_EXAMPLES = 8
_TEXT_CHARACTERS = 1000
#: More classes than this are a table.
_BARS = 12


def draw_report(report: DataReport, tables: Tables) -> None:
    """What was found, the worst first, with the texts that it was found in; then the classes and the lengths."""
    if not report.findings:
        st.markdown(":green[:material/check_circle:] Nothing stands out.")
    for number, (severity, sentence, rows) in enumerate(report.findings):
        told = f":{_COLOURS.get(severity, 'gray')}[{_ICONS.get(severity, '')}] {plain(sentence)}"
        examples = _examples(tables, rows)
        if not examples:
            st.markdown(told)
            continue
        with st.expander(told, key=f"finding_{number}"):
            st.dataframe(examples, hide_index=True, width="stretch", column_config={"Row": _NARROW, "Label": _LABEL})
            if len(rows) > len(examples):
                st.caption(f"And {len(rows) - len(examples):,} more rows.")
    left, right = st.columns(2, gap="large")
    with left:
        _classes(report)
    with right:
        _lengths(report)


_NARROW, _LABEL = st.column_config.NumberColumn(width=60), st.column_config.Column(width=160)


def _examples(tables: Tables, rows: tuple[int, ...]) -> list[dict[str, int | str]]:
    """The first texts of these rows of the table that is trained on."""
    table = tables.train
    return [
        {
            "Row": table.rows[place],
            "Text": shortened(
                f"{table.texts[place]} / {table.pairs[place]}" if table.pairs else table.texts[place], _TEXT_CHARACTERS
            ),
            "Label": shortened(table.label_text(place), 60),
        }
        for place in places_of(table, rows)[:_EXAMPLES]
    ]


def _classes(report: DataReport) -> None:
    counts = np.asarray(report.class_counts)
    total = int(counts.sum())
    if not total:
        return
    st.markdown(f"**{'Labels of words' if report.kind == 'tokens' else 'Labels'}**")
    if len(counts) <= _BARS:
        draw_chart(charts.class_shares(report.label_names, counts.tolist()), key="class_counts")
        return
    order = np.argsort(-counts, kind="stable").tolist()
    st.dataframe(
        [{"Label": report.label_names[one], "Rows": int(counts[one])} for one in order],
        hide_index=True,
        width="stretch",
        height=280,
        column_config={
            "Label": st.column_config.Column(width="medium"),
            "Rows": st.column_config.ProgressColumn(width="small", format="%d", max_value=int(counts.max())),
        },
    )


def _lengths(report: DataReport) -> None:
    tokens = np.asarray(report.tokens)
    lengths = tokens if len(tokens) else np.asarray(report.words)
    if not len(lengths):
        return
    from glassbert.pictures.learning import length_histogram

    unit = "tokens" if len(tokens) else "words"
    st.markdown(f"**Lengths**, in {unit}")
    limit = report.max_tokens if len(tokens) and report.max_tokens <= lengths.max() else None
    draw_chart(length_histogram(lengths, unit, limit), key="lengths")
    median, longest = int(np.median(lengths)), int(lengths.max())
    st.caption(f"Half of the texts have at most {median:,} {unit}; the longest has {longest:,}.")
