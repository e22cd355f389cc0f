"""The evidence, section by section: what the summary rests on, in pictures and in numbers.

Each section is a function of what a report holds; "" where it holds nothing about that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassbert.reports.sections.flips import flips
from glassbert.reports.sections.heads import heads
from glassbert.reports.sections.masked_words import masked_words
from glassbert.reports.sections.predictions import prediction
from glassbert.reports.sections.trust import baseline, checks, receipts
from glassbert.reports.sections.words import agreement, scores, votes

if TYPE_CHECKING:
    from glassbert.reports.findings import Findings

__all__ = ["evidence_html"]

_SECTIONS = (
    prediction,
    votes,
    scores,
    agreement,
    checks,
    receipts,
    baseline,
    flips,
    heads,
    masked_words,
)


def evidence_html(report: Findings) -> str:
    """All sections between the summary and the limits."""
    return "".join(section(report) for section in _SECTIONS)
