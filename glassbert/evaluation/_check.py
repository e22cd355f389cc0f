"""What a check of explanations declares about itself, and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from glassbert.evaluation.results import Grade
from glassbert.results import Array

if TYPE_CHECKING:
    from glassbert.evaluation._examination import Examination, Subject

__all__ = ["Check", "Finding", "Group", "not_applicable", "verdict"]

Group = Literal["arithmetic", "faithfulness", "agreement", "sanity", "stability"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. ``number`` is None for the verdict "not_applicable"; ``sentence`` then gives the reason."""

    number: float | None
    sentence: str
    verdict: Grade
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """One way to test an explanation.

    ``claim`` is what may be said of an explanation for which it holds, in plain words; ``question`` is the question it
    answers, ``formula`` is KaTeX, and ``threshold`` states which numbers hold and which
    fail. ``cost(examination, subject)``: passes of this input's length that it takes beyond those that receipts of the
    input share; a backward pass counts as two. ``variants(examination, subject)``: the reduced inputs whose F it needs,
    (variant, token) of bool; those of all checks and methods are computed together before ``run`` is called.
    """

    id: str
    label: str
    claim: str
    group: Group
    question: str
    paper: str
    formula: str
    threshold: str
    run: Callable[[Examination, Subject], Finding] = field(repr=False)
    cost: Callable[[Examination, Subject], int] = field(default=lambda examination, subject: 0, repr=False)
    variants: Callable[[Examination, Subject], Array] | None = field(default=None, repr=False)


def not_applicable(reason: str) -> Finding:
    """A sentence in place of a number."""
    return Finding(None, reason, "not_applicable")


def verdict(number: float, *, holds: float, fails: float) -> Grade:
    """Holds from ``holds`` on, fails beyond ``fails``; whether large or small is good is read off their order."""
    sign = 1 if holds >= fails else -1
    if sign * number >= sign * holds:
        return "holds"
    return "fails" if sign * number < sign * fails else "doubtful"
