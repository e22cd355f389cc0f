"""The smallest change of the text that flips the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassbert.pictures.formats import percent
from glassbert.pictures.markup import clipped
from glassbert.reports.markup import isolated, said, section, table
from glassbert.results import counted

if TYPE_CHECKING:
    from glassbert.reports.findings import Findings

__all__ = ["flips"]

_MOST_FLIPS = 5


def flips(report: Findings) -> str:
    flip = report.verdict.flip
    if flip is None:
        return ""
    drawn = [said(flip.sentence)]
    search = flip.search
    if search is not None:
        shown = flip.smallest or search.flips
        rows = [
            [
                "".join(said(text, "div") for text in texts),
                isolated(shown.predictions[row]),
                percent(float(shown.probabilities[row])),
                f"{search.distances[row]:.3f}" if search.found else "",
            ]
            for row, texts in enumerate(shown.texts[:_MOST_FLIPS])
        ]
        if rows:
            label = clipped(search.target_label, 40)
            drawn.append(
                table(["Changed text", "Answer", f"Probability of “{label}”", "Distance"], rows, numbers=[2, 3])
            )
        tried = f"{counted(search.tried, 'change')} of up to {counted(search.max_edits, 'word')} tried"
        ended = "" if search.complete else f" The search ended at its limit of {search.budget:,} forward passes."
        drawn.append(
            said(
                f"Before: {percent(search.probability)} for “{clipped(search.target_label, 60)}”. {tried}.{ended} The "
                f"distance is 1 − cosine between the texts, measured by {search.measured_by}.",
                kind="aside",
            )
        )
    return section("flips", "The smallest change that flips the answer", *drawn)
