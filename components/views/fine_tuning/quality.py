"""How good the model is: metrics with intervals, per class, the confusion matrix, and how far to trust confidences."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import state
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.shared.selection import dark_page
from components.text import plain, shortened
from components.views.fine_tuning.fields import FineTuningFields
from components.views.fine_tuning.openers import draw_texts, places_of
from components.views.fine_tuning.shown import Shown

if TYPE_CHECKING:
    from glassbert.tuning import Evaluation

__all__ = ["METRICS", "draw_quality"]

#: Metric → its name, and whether it is a share.
METRICS: dict[str, tuple[str, bool]] = {
    "accuracy": ("Accuracy", True),
    "macro_f1": ("Macro F1", True),
    "micro_f1": ("Micro F1", True),
    "weighted_f1": ("Weighted F1", True),
    "subset_accuracy": ("All labels of a text right", True),
    "span_f1": ("Span F1", True),
    "span_precision": ("Span precision", True),
    "span_recall": ("Span recall", True),
    "exact_match": ("Exact match", True),
    "token_f1": ("Token F1", True),
    "masked_accuracy": ("Masked words guessed", True),
    "mcc": ("Matthews correlation", False),
    "pearson": ("Pearson correlation", False),
    "spearman": ("Spearman correlation", False),
    "r2": ("R²", False),
    "rmse": ("Root mean squared error", False),
    "mae": ("Mean absolute error", False),
    "ece": ("Expected calibration error", True),
    "loss": ("Loss", False),
    "perplexity": ("Perplexity", False),
}
_WORST = 10
_PARTS = {"test": "the test rows", "dev": "the rows kept from training"}
_HELP = {
    "macro_f1": "The mean over classes of the harmonic mean of precision and recall: a rare class counts as much as a "
    "frequent one.",
    "ece": "How far, on average, confidence is from the share of right answers: 0 if 80% confidence is right in 80% of "
    "cases.",
    "mcc": "From −1 to 1; 0 for answers that have nothing to do with the labels.",
}


def draw_quality(shown: Shown) -> None:
    """Everything here was computed at the end of the training."""
    evaluations = {part: one for part, one in (("test", shown.found.test), ("dev", shown.found.dev)) if one is not None}
    if not evaluations:
        _learning(shown)
        st.info("No rows were kept from training, so nobody can say how good the model is on texts it has not seen.")
        return
    own = state.fields(FineTuningFields)
    part = own.measured_on if own.measured_on in evaluations else next(iter(evaluations))
    if len(evaluations) > 1:
        st.segmented_control(
            "Measured on",
            list(evaluations),
            format_func=lambda name: _PARTS[name],
            **state.bind("measured_on", FineTuningFields, options=evaluations, shown=part),
        )
    found = evaluations[part]
    st.markdown(_in_words(found, part))
    if part == "dev" and shown.found.settings.get("patience"):
        st.caption("The best epoch was chosen on these rows, so these numbers are somewhat too good.")
    left, right = st.columns([0.5, 0.5], gap="large")
    with left:
        _metrics(found)
        _per_class(found)
    with right:
        _calibration(found)
    _confusion(shown, found, part)
    _worst(shown, found, part)
    _learning(shown)
    with how_computed("Fine-tuning"):
        st.markdown(
            "Metrics are scikit-learn's. Intervals are bootstrapped: the rows are drawn again with replacement, the "
            "metric is computed for each draw, and the middle 95% are shown."
        )
    save_and_code("evaluation", shown.file_name, [Kept.of("Evaluation", getattr(shown.code, part), found)], panel=False)


def _learning(shown: Shown) -> None:
    from glassbert.pictures.learning import loss_curve, metric_curves

    with st.expander("How it learned", icon=":material/show_chart:", key="learning_curves"):
        left, right = st.columns(2, gap="large")
        with left:
            losses = shown.found.losses.tolist()
            draw_chart(loss_curve(range(1, len(losses) + 1), losses), key="final_loss")
        with right:
            epochs = shown.found.epochs
            names = [name for name, (_, share) in METRICS.items() if share and name != "ece"]
            kept = [name for name in names if epochs and all(name in one.metrics for one in epochs)][:3]
            if kept:
                lines = {METRICS[name][0]: [one.metrics[name] for one in epochs] for name in kept}
                draw_chart(metric_curves(range(1, len(epochs) + 1), lines), key="final_metrics")
                st.caption(f"The model is that of epoch {shown.found.best_epoch}.")


def _in_words(found: Evaluation, part: str) -> str:
    """The most telling metric in a sentence, Markdown."""
    name = found.headline
    title, _ = METRICS[name]
    value = _number(name, found.metrics[name])
    low, high = found.intervals.get(name, (None, None))
    between = "" if low is None else f" (95% interval {_number(name, low)} to {_number(name, high)})"
    count = f"{len(found.rows):,} {_PARTS[part].removeprefix('the ')}"
    if name == "accuracy" and found.kind == "classification":
        majority = float(np.asarray(found.support).max(initial=0)) / max(1, len(found.rows))
        return (
            f"**{value}** of {count} are answered right{between}. Always answering the most frequent label would be "
            f"right in {charts.percent(majority)}."
        )
    return f"{title} **{value}**{between} on {count}."


def _number(name: str, value: float | None) -> str:
    if value is None or not np.isfinite(value):
        return "–"
    return charts.percent(value) if METRICS.get(name, ("", False))[1] else charts.readable_number(value)


def _metrics(found: Evaluation) -> None:
    st.markdown("**Metrics**, with 95% intervals")
    rows = []
    for name, value in found.metrics.items():
        low, high = found.intervals.get(name, (None, None))
        # where every sample of the rows is alike, the interval tells nothing
        between = "–" if low is None or low == high else f"{_number(name, low)} to {_number(name, high)}"
        rows.append({"Metric": METRICS.get(name, (name, False))[0], "Value": _number(name, value), "Interval": between})
    st.dataframe(rows, hide_index=True, width="stretch", height="content")
    told = [f"{METRICS[name][0]}: {about}" for name, about in _HELP.items() if name in found.metrics]
    if told:
        st.caption(" ".join(told))


def _per_class(found: Evaluation) -> None:
    if not len(found.f1) or not found.label_names:
        return
    st.markdown("**Per label**")
    rows = [
        {"Label": name, "Precision": precision, "Recall": recall, "F1": f1, "Rows": int(support)}
        for name, precision, recall, f1, support in zip(
            found.label_names,
            np.asarray(found.precision).tolist(),
            np.asarray(found.recall).tolist(),
            np.asarray(found.f1).tolist(),
            np.asarray(found.support).tolist(),
            strict=False,
        )
    ]
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height="content" if len(rows) <= 12 else 440,
        column_config={
            name: st.column_config.ProgressColumn(name, width=90, min_value=0, max_value=1, format="%.2f")
            for name in ("Precision", "Recall", "F1")
        },
        key="per_class",
    )


def _calibration(found: Evaluation) -> None:
    counts = np.asarray(found.calibration_count)
    if not counts.sum():
        return
    from glassbert.pictures.learning import reliability

    st.markdown("**How far to trust its confidence**")
    draw_chart(
        reliability(
            np.asarray(found.calibration_confidence).tolist(),
            np.asarray(found.calibration_accuracy).tolist(),
            counts.tolist(),
        ),
        key="reliability",
    )
    right = float((np.asarray(found.calibration_accuracy) * counts).sum() / counts.sum())
    sure = float((np.asarray(found.calibration_confidence) * counts).sum() / counts.sum())
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


def _confusion(shown: Shown, found: Evaluation, part: str) -> None:
    counts = np.asarray(found.confusion)
    if found.kind != "classification" or counts.ndim != 2 or not counts.size:
        return
    from glassbert.pictures.learning import confusion

    own, size = state.fields(FineTuningFields), len(counts)
    chosen = (own.true_class, own.answered_class)
    marked = chosen if all(0 <= one < size for one in chosen) else None
    key = f"confusion_{shown.version(part)}"

    def clicked() -> None:
        points = (state.value(key) or {}).get("selection", {}).get("points", [])
        if points:
            row, column = points[0]["customdata"][:2]
            state.change(FineTuningFields, true_class=int(row), answered_class=int(column))

    st.markdown("**Which labels it confuses**")
    left, right = st.columns([0.55, 0.45], gap="large")
    with left:
        draw_chart(
            confusion(counts, found.label_names, marked, dark=dark_page()),
            key=key,
            on_select=clicked,
            selection_mode="points",
        )
        st.caption("Rows are labels of the table, columns answers of the model. Click a cell: its texts.")
    with right:
        wrong = counts.copy()
        np.fill_diagonal(wrong, 0)
        if marked is None and wrong.max(initial=0):
            row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
            marked = int(row), int(column)
        if marked is None:
            st.markdown("Every answer is right.")
            return
        _choose_cell(found, marked)
        _cell(shown, found, part, marked)


def _choose_cell(found: Evaluation, cell: tuple[int, int]) -> None:
    """The same choice as a click, for the keyboard and for small cells."""
    options = {number: shortened(name, 40) for number, name in enumerate(found.label_names)}
    places = st.columns(2)
    fields = ("true_class", "Label in the table", cell[0]), ("answered_class", "Answer of the model", cell[1])
    for place, (name, label, value) in zip(places, fields, strict=True):
        other = {"true_class": "answered_class", "answered_class": "true_class"}[name]
        fixed = cell[1] if name == "true_class" else cell[0]
        place.selectbox(
            label,
            list(options),
            format_func=options.__getitem__,
            **state.control(
                f"cell_{name}",
                value,
                partial(_turn_to_cell, name, other, fixed),
                options=list(options),
                initial="index",
            ),
        )


def _turn_to_cell(name: str, other: str, fixed: int, chosen: int) -> None:
    state.change(FineTuningFields, **{name: chosen, other: fixed})


def _cell(shown: Shown, found: Evaluation, part: str, cell: tuple[int, int]) -> None:
    row, column = cell
    names = found.label_names
    truths, answers = np.asarray(found.truths), np.asarray(found.answers)
    places = np.flatnonzero((truths == row) & (answers == column))
    places = places[np.argsort(-np.asarray(found.confidences)[places], kind="stable")]
    one, other = plain(names[row]), plain(names[column])
    told = f"labelled **{one}** and answered so" if row == column else f"labelled **{one}**, answered **{other}**"
    count = "1 text" if len(places) == 1 else f"{len(places):,} texts"
    st.markdown(f"{count} {told}")
    table = shown.table(part)
    if table is None:
        st.caption("The texts of this part are no longer there.")
        return
    texts = places_of(table, np.asarray(found.unit_rows)[places])
    notes = [charts.percent(float(share)) for share in np.asarray(found.confidences)[places]]
    draw_texts(shown, table, texts, key="cell", notes=notes)


def _worst(shown: Shown, found: Evaluation, part: str) -> None:
    """What is answered worst, where there is no confusion matrix to find it by."""
    table = shown.table(part)
    wrong = found.wrong(_WORST)
    if found.kind in ("classification", "texts") or table is None or not wrong:
        return
    st.markdown("**What it gets most wrong**")
    texts = places_of(table, np.asarray(found.rows)[wrong])
    notes = []
    for index, place in zip(wrong, texts, strict=True):
        note = f"Label {shortened(table.label_text(place), 60) or 'no answer'}"
        if found.kind == "regression":
            note += f", answer {charts.readable_number(float(found.predicted[index]))}"
        elif found.answer_texts:
            note += f", answer {shortened(found.answer_texts[index], 60) or 'none'}"
        notes.append(note)
    draw_texts(shown, table, texts, key="worst", notes=notes)
