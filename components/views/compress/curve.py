"""All recipes beside each other: what each saves, and what it changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.shared import charts
from components.shared.plots import draw_chart
from components.text import plain

if TYPE_CHECKING:
    from glassbert.compression import CompressionComparison, CompressionCurve

__all__ = ["draw_curve", "times"]


def draw_curve(found: CompressionCurve, labels: Sequence[str], shown: int, look_at: Callable[[int], None]) -> int:
    """A sentence, two pictures, a table; returns the place of the recipe that is looked at."""
    from glassbert.pictures.compression import size_against

    every = found.comparisons
    if not found.complete:
        st.info("It was stopped: these are the recipes until then.", icon=":material/info:")
    st.markdown(_in_words(every, labels))
    first = every[0]
    sizes = [one.disk_bytes[1] / 1e6 for one in every]
    before = first.disk_bytes[0] / 1e6
    left, right = st.columns(2, gap="large")

    def clicked(key: str) -> None:
        points = (state.value(key) or {}).get("selection", {}).get("points", [])
        if points and int(points[0]["customdata"][0]) >= 0:
            look_at(int(points[0]["customdata"][0]))

    with left:
        st.markdown("**Size and accuracy**, with 95% intervals")
        figure = size_against(
            sizes,
            [one.accuracy[1] for one in every],
            [one.accuracy_low[1] for one in every],
            [one.accuracy_high[1] for one in every],
            labels,
            axis="right answers",
            original=(before, first.accuracy[0]),
            marked=shown,
            share=True,
        )
        key = f"size_accuracy_{len(every)}"
        draw_chart(figure, key=key, on_select=lambda: clicked(key), selection_mode="points")
    with right:
        st.markdown("**Size and reasons**: rank correlation of the words' scores")
        figure = size_against(
            sizes,
            [one.drift.correlation for one in every],
            [one.drift.correlation_low for one in every],
            [one.drift.correlation_high for one in every],
            labels,
            axis="rank correlation",
            original=(before, 1.0),
            line=(first.yardstick.correlation, "two methods on the original"),
            marked=shown,
        )
        other = f"size_reasons_{len(every)}"
        draw_chart(figure, key=other, on_select=lambda: clicked(other), selection_mode="points")
    st.dataframe(
        [_row(one, label) for one, label in zip(every, labels, strict=True)],
        hide_index=True,
        width="stretch",
        height="content",
        column_config={"Recipe": st.column_config.TextColumn(width="medium")},
    )
    st.caption(
        "Speed is how many times as fast as the original, both timed in turn on this machine. *Reasons* is the rank "
        "correlation of the words' scores, 1 for the same order; the dashed line is what two methods have with each "
        "other on the original model: below it, the reasons moved further than a change of method moves them."
    )
    return shown


def _in_words(every: Sequence[CompressionComparison], labels: Sequence[str]) -> str:
    """The smallest model whose answers and reasons hold, if there is one."""
    good = [place for place, one in enumerate(every) if one.difference_high >= 0 and one.within_yardstick]
    if not good:
        return (
            "Every one of these recipes either costs accuracy, or moves the reasons further than a change of method "
            "moves them."
        )
    best = min(good, key=lambda place: every[place].disk_bytes[1])
    one = every[best]
    if one.smaller < 1:
        return "No recipe that keeps answers and reasons makes the model smaller."
    flips = len(one.drift.flipped)
    changed = "no answer" if not flips else "1 answer" if flips == 1 else f"{flips:,} answers"
    return (
        f"The smallest that keeps its accuracy and its reasons: **{plain(labels[best])}**, {times(one.smaller)} "
        f"smaller and {times(float(one.speedup[-1]))} as fast, with {changed} of {one.drift.decided:,} changed."
    )


def times(ratio: float) -> str:
    """``2.51 → "2.5 ×"``."""
    return f"{ratio:.1f} ×" if ratio >= 1.05 else f"{ratio:.2f} ×"


def _row(one: CompressionComparison, label: str) -> dict[str, str]:
    return {
        "Recipe": label,
        "On disk": f"{one.disk_bytes[1] / 1e6:.1f} MB",
        "In memory": f"{one.memory_bytes[1] / 1e6:.0f} MB",
        **{
            f"Speed, {size} text{'s' * (size > 1)}": times(float(ratio))
            for size, ratio in zip(one.batch_sizes, one.speedup, strict=True)
        },
        "Right": charts.percent(one.accuracy[1]),
        "Answers changed": charts.percent(one.drift.flip_rate),
        "Reasons": f"{one.drift.correlation:.2f}",
    }
