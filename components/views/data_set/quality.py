"""How good the model is on the chosen rows: metrics with intervals, the confusion matrix, and its confidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from components import state
from components.gateway import data_sets
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.shared.selection import dark_page
from components.text import plain, shortened
from components.views.data_set.shown import Shown, narrow

if TYPE_CHECKING:
    from glassbert.analysis.measure_results import RowMetrics

__all__ = ["draw_quality"]

#: Metric → its name, and whether it is a share.
_METRICS: dict[str, tuple[str, bool]] = {
    "accuracy": ("Accuracy", True),
    "macro_f1": ("Macro F1", True),
    "micro_f1": ("Micro F1", True),
    "weighted_f1": ("Weighted F1", True),
    "subset_accuracy": ("All labels of a text right", True),
    "mcc": ("Matthews correlation", False),
    "pearson": ("Pearson correlation", False),
    "spearman": ("Spearman correlation", False),
    "r2": ("R²", False),
    "rmse": ("Root mean squared error", False),
    "mae": ("Mean absolute error", False),
    "ece": ("Expected calibration error", True),
    "loss": ("Loss", False),
}
_MOST_CELLS = 200  # of a confusion matrix, by name
_HEADLINES = ("accuracy", "micro_f1", "pearson")


def draw_quality(shown: Shown) -> None:
    """Everything is computed from the stored answers; no pass of the model."""
    found: RowMetrics = shown.ask("metrics")
    if not found.rows:
        st.info("No row passes this filter, so there is nothing to measure.")
        return
    if not found.labelled:
        st.info(
            "None of these rows has a label that is one of the model’s, so nothing says how good the answers are. "
            "What they hang on is under *Words*."
        )
        _answers(found)
        return
    st.markdown(_in_words(found))
    left, right = st.columns([0.5, 0.5], gap="large")
    kept = [Kept.of("Metrics", shown.code("metrics"), found)]
    with left:
        if shown.manifest.kind == "classification":
            kept.append(_confusion(shown))
        _metrics(found)
    with right:
        if shown.manifest.kind != "regression":
            kept.append(_calibration(shown))
        _per_class(found)
    with how_computed("Data sets"):
        st.markdown(
            "Metrics are scikit-learn's definitions. Intervals are bootstrapped: the rows are drawn again with "
            "replacement, the metric is computed for each draw, and the middle 95% are shown."
        )
    save_and_code("data_set_quality", shown.request.name, kept)


def _in_words(found: RowMetrics) -> str:
    """The most telling metric in a sentence, Markdown."""
    name = next((one for one in _HEADLINES if one in found.metrics), next(iter(found.metrics)))
    value, (low, high) = found.metrics[name], found.intervals[name]
    between = f"(95% interval {_number(name, low)} to {_number(name, high)})"
    count = "1 labelled text" if found.labelled == 1 else f"{found.labelled:,} labelled texts"
    if name != "accuracy":
        return f"{_METRICS[name][0]} **{_number(name, value)}** {between} on {count}."
    majority = float(found.support.max(initial=0)) / max(1, found.labelled)
    return (
        f"Right in **{_number(name, value)}** of {count} {between}. Always answering the most frequent label would be "
        f"right in {charts.percent(majority)}."
    )


def _number(name: str, value: float | None) -> str:
    if value is None or not np.isfinite(value):
        return "–"
    return charts.percent(value) if _METRICS.get(name, ("", False))[1] else charts.readable_number(value)


def _metrics(found: RowMetrics) -> None:
    st.markdown("**Metrics**, with 95% intervals")
    rows = [
        {
            "Metric": _METRICS.get(name, (name, False))[0],
            "Value": _number(name, value),
            "Interval": " to ".join(_number(name, bound) for bound in found.intervals[name]),
        }
        for name, value in found.metrics.items()
    ]
    st.dataframe(rows, hide_index=True, width="stretch", height="content")


def _answers(found: RowMetrics) -> None:
    """How often each class is the answer, where nothing is known but that."""
    if not len(found.given):
        return
    rows = [
        {"Answer": name, "Texts": int(count)}
        for name, count in zip(found.label_names, found.given, strict=True)
        if count
    ]
    st.dataframe(rows, hide_index=True, width="content", height="content" if len(rows) <= 12 else 440)


def _per_class(found: RowMetrics) -> None:
    if not len(found.f1):
        return
    st.markdown("**Per label**")
    table = found.class_frame()
    table.columns = ["Label", "Precision", "Recall", "F1", "Label of", "Answer of"]
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height="content" if len(table) <= 12 else 440,
        column_config={
            name: st.column_config.ProgressColumn(name, width=90, min_value=0, max_value=1, format="%.2f")
            for name in ("Precision", "Recall", "F1")
        },
        key="data_set_per_class",
    )


def _confusion(shown: Shown) -> Kept:
    from glassbert.pictures.learning import confusion

    found = shown.ask("confusion")
    names, counts = found.label_names, np.asarray(found.counts)
    key = f"analysed_confusion_{shown.version()}"

    def cell(row: int, column: int) -> tuple[str, str]:
        return data_sets.term("label", names[row]), data_sets.term("answer", names[column])

    def clicked() -> None:
        points = (state.value(key) or {}).get("selection", {}).get("points", [])
        if points:
            row, column = points[0]["customdata"][:2]
            narrow(shown.where, *cell(int(row), int(column)))

    st.markdown("**Which labels it confuses**")
    draw_chart(confusion(counts, names, dark=dark_page()), key=key, on_select=clicked, selection_mode="points")
    st.caption("Rows are labels of the table, columns answers of the model. Click a cell: its rows below.")
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    if wrong.max(initial=0):
        row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
        st.button(
            plain(f"Most often confused: {names[row]} taken for {names[column]} ({wrong[row, column]:,})"),
            key="most_confused",
            type="tertiary",
            icon=":material/filter_alt:",
            on_click=narrow,
            args=(shown.where, *cell(int(row), int(column))),
        )
    _choose_cell(shown, counts, names, cell)
    return Kept.of("Confusion", shown.code("confusion"), found)


def _choose_cell(shown: Shown, counts: Any, names: Sequence[str], terms: Callable[[int, int], tuple[str, str]]) -> None:
    """The same choice as a click, for the keyboard and for small cells; the wrong answers first."""
    rows, columns = np.nonzero(counts)
    order = np.lexsort((-counts[rows, columns], rows == columns))[:_MOST_CELLS]
    cells = {f"{rows[at]} {columns[at]}": (int(rows[at]), int(columns[at])) for at in order}

    def told(one: str) -> str:
        if not one:
            return "choose a label and its answer"
        row, column = cells[one]
        right = "answered so" if row == column else f"answered {shortened(names[column], 30)}"
        return f"{shortened(names[row], 30)}, {right}: {counts[row, column]:,}"

    def choose(one: str) -> None:
        if one in cells:
            narrow(shown.where, *terms(*cells[one]))

    st.selectbox(
        "Rows of a cell",
        ["", *cells],
        format_func=told,
        label_visibility="collapsed",
        **state.control("confusion_cell", "", choose, options=["", *cells], of=shown.version(), initial="index"),
    )


def _calibration(shown: Shown) -> Kept:
    from glassbert.pictures.learning import reliability

    found = shown.ask("calibration")
    st.markdown("**How far to trust its confidence**")
    draw_chart(
        reliability(found.confidence.tolist(), found.accuracy.tolist(), found.count.tolist()),
        key="analysed_reliability",
    )
    total = max(1, int(found.count.sum()))
    right = float((found.accuracy * found.count).sum() / total)
    sure = float((found.confidence * found.count).sum() / total)
    told = (
        "as sure as it is right"
        if abs(sure - right) < 0.01
        else "surer than it is right"
        if sure > right
        else "less sure than it is right"
    )
    st.caption(
        f"On average it is {told}: confidence {charts.percent(sure)}, right {charts.percent(right)}. Below the dotted "
        "line it is too sure of itself."
    )
    return Kept.of("Calibration", shown.code("calibration"), found)
