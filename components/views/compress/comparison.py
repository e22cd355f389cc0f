"""One recipe in detail: each number beside the original's, and the texts whose reasons moved most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components.shared import charts
from components.shared.definitions import how_computed
from components.text import plain, shortened
from components.views.compress.curve import times

if TYPE_CHECKING:
    from glassbert.compression import CompressionComparison

__all__ = ["draw_comparison"]

_MOVED, _TEXT_CHARACTERS = 8, 240


def draw_comparison(one: CompressionComparison) -> None:
    left, right = st.columns([0.54, 0.46], gap="large")
    with left:
        st.markdown("**Beside the original**")
        st.dataframe(_rows(one), hide_index=True, width="stretch", height="content")
        st.markdown(_drift(one))
    with right:
        st.markdown("**The texts whose reasons moved most**")
        drift = one.drift
        st.dataframe(
            [
                {
                    "Reasons": f"{drift.correlations[place]:.2f}",
                    "Answer": drift.first_decisions[place]
                    if drift.first_decisions[place] == drift.second_decisions[place]
                    else f"{drift.first_decisions[place]} → {drift.second_decisions[place]}",
                    "Text": shortened(drift.texts[place], _TEXT_CHARACTERS),
                }
                for place in drift.moved(_MOVED)
            ],
            hide_index=True,
            width="stretch",
            height="content",
            column_config={
                "Reasons": st.column_config.TextColumn(width=70),
                "Text": st.column_config.TextColumn(width="large"),
            },
        )
        if drift.left_out:
            st.caption(f"{drift.left_out:,} texts are left out: the two models cut them into different words.")
    with how_computed("Compression"):
        st.markdown(
            "Both models explain the class that the original one predicts; the scores are compared by word, without "
            "special tokens. The yardstick is the same comparison between two methods on the original model."
        )


def _rows(one: CompressionComparison) -> list[dict[str, str]]:
    def megabytes(pair: tuple[int, int]) -> tuple[str, str]:
        return f"{pair[0] / 1e6:.1f} MB", f"{pair[1] / 1e6:.1f} MB"

    rows = [
        ("Parameters", *(f"{count / 1e6:.2f} million" for count in one.parameters), ""),
        ("On disk", *megabytes(one.disk_bytes), f"{times(one.smaller)} smaller"),
        ("In memory", *megabytes(one.memory_bytes), f"{times(one.memory_bytes[0] / one.memory_bytes[1])} smaller"),
        *(
            (
                f"Time for {size} text{'s' * (size > 1)}",
                *(f"{1000 * float(seconds):.1f} ms" for seconds in both),
                f"{times(float(ratio))} as fast",
            )
            for size, both, ratio in zip(one.batch_sizes, one.seconds, one.speedup, strict=True)
        ),
        (
            "Right answers",
            *(charts.percent(share) for share in one.accuracy),
            f"{100 * one.difference:+.1f} ({100 * one.difference_low:+.1f} to {100 * one.difference_high:+.1f}) points",
        ),
    ]
    return [dict(zip(("", "Original", "Compressed", "Change"), row, strict=True)) for row in rows]


def _drift(one: CompressionComparison) -> str:
    drift, measure = one.drift, one.yardstick
    flips = f"{len(drift.flipped):,} of {drift.decided:,} answers change"
    beside = "no further than" if one.within_yardstick else "further than"
    sentences = [
        f"{flips} (95% interval {charts.percent(drift.flip_low)} to {charts.percent(drift.flip_high)}).",
        f"The words' scores have a rank correlation of {drift.correlation:.2f} with the original's: the reasons moved "
        f"{beside} from one method to another on the original model ({measure.correlation:.2f}).",
        f"Removing the words that score highest costs the answer "
        f"{100 * abs(drift.comprehensiveness_change):.1f} points "
        f"{'more' if drift.comprehensiveness_change >= 0 else 'less'} than before.",
    ]
    if drift.heads.size:
        changed = len(drift.changed_heads)
        sentences.append(
            f"{changed} of {drift.heads.size} heads attend differently."
            if changed != 1
            else f"1 of {drift.heads.size} heads attends differently."
        )
    return plain(" ".join(sentences))
