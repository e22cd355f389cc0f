"""How much of a report a text of this length allows: in work, so that the same text gets the same report everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glassbert.attribution import METHODS
from glassbert.network.model import Model
from glassbert.verdicts._work import operations, seconds
from glassbert.verdicts.flipped import flip_budget
from glassbert.verdicts.voters import VERDICT_METHODS, verdict_methods

__all__ = [
    "REPORT_METHODS",
    "affordable_methods",
    "affordable_receipts",
    "affordable_surprise",
    "expected_seconds",
    "expected_work",
    "options_of_report",
]

#: The methods of a report: those that vote in the verdict, so that its evidence is all there. First is the one that has
#: a receipt in a long text too.
REPORT_METHODS: tuple[str, ...] = ("attn_lrp", *(method for method in VERDICT_METHODS if method != "attn_lrp"))
#: Work for the scores, about ten seconds on one core (see `glassbert.verdicts.thresholds`); methods of one pass always
#: run. For the receipts of all methods, half a minute; beyond that only the first method gets one, up to a minute.
_SCORES_OPERATIONS = 1e12
_ALL_RECEIPTS_OPERATIONS, _ONE_RECEIPT_OPERATIONS = 3e12, 7e12
#: Work for the surprise of every word: a pass for each token.
_SURPRISE_OPERATIONS = 5e11
#: Passes for what receipts share, which are of about half the length, and for the checks of one method.
_SHARED_PASSES, _OWN_PASSES = 500, 130
# A backward pass costs about two forward passes.
_BACKWARD = 3
#: What was measured of reports on the embedded models, in passes of the same length: a method of one pass, the checks
#: of one method that no other shares; and in tokens, what a pass costs whatever its length.
_SINGLE, _OWN_CHECKS, _TOKENS_OF_OVERHEAD = 4, 10, 60
#: Random orderings of the receipts, in texts that are not long; token rows in those that are; orderings for trust.
_ORDERINGS, _ORDERING_ROWS, _ORDERINGS_OF_TRUST = 100, 66_000, 25


def affordable_methods(model: Model, tokens: int) -> tuple[str, ...]:
    """The methods of ``REPORT_METHODS`` that this length allows; of a model without gradients, others that vote."""
    each, left = operations(model, tokens), _SCORES_OPERATIONS
    chosen: list[str] = []
    for method in REPORT_METHODS if verdict_methods(model) is VERDICT_METHODS else verdict_methods(model):
        passes = _passes(method, tokens)
        work = passes * each * (_BACKWARD if METHODS[method].family == "gradient" else 1)
        if passes == 1 or work <= left or not chosen:
            chosen.append(method)
            left -= work
    return tuple(chosen)


def options_of_report(methods: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Method → its options, where they are not its defaults: those of the verdict, whose numbers stand beside."""
    return {method: VERDICT_METHODS[method] for method in methods if VERDICT_METHODS.get(method)}


def affordable_receipts(model: Model, tokens: int, methods: Sequence[str]) -> tuple[str, ...]:
    """The methods that get a receipt: all, the first, or none."""
    each = operations(model, tokens)
    if _receipts_passes(methods, tokens) * each <= _ALL_RECEIPTS_OPERATIONS:
        return tuple(methods)
    return tuple(methods[:1]) if _receipts_passes(methods[:1], tokens) * each <= _ONE_RECEIPT_OPERATIONS else ()


def affordable_surprise(model: Model, tokens: int) -> bool:
    """Whether every token can be masked in turn."""
    return tokens * operations(model, tokens) <= _SURPRISE_OPERATIONS


def expected_work(model: Model, tokens: int, methods: Sequence[str] | None = None) -> dict[str, float]:
    """Stage of a report → how many times as long as one pass of this length it takes, roughly.

    For progress, and for saying how long it takes. On texts of 8 to 339 tokens, 0.87 to 1.5 times what was measured.
    """
    chosen = affordable_methods(model, tokens) if methods is None else tuple(methods)
    checked = affordable_receipts(model, tokens, chosen) if methods is None else chosen
    guessed = tokens if "masked_words" in model.task_heads and affordable_surprise(model, tokens) else 0
    # many inputs at once: what a pass costs whatever its length is shared among them
    batched = tokens / (tokens + _TOKENS_OF_OVERHEAD)
    scores = sum(
        _SINGLE if passes == 1 else batched * passes * (_BACKWARD if METHODS[method].family == "gradient" else 1)
        for method, passes in ((method, _passes(method, tokens)) for method in chosen)
    )
    parts = min(5, 1 + tokens // 6)  # different numbers of tokens that are left out
    orderings = min(_ORDERINGS * parts, _ORDERING_ROWS / tokens)
    return {
        "verdict": 45 + batched * _ORDERINGS_OF_TRUST * parts + min(_ORDERINGS, flip_budget(model, tokens)),
        "scores": scores,
        "receipts": batched * (orderings + tokens) + _OWN_CHECKS * len(checked) if checked else 0.0,
        "rest": 5 + batched * guessed,
    }


def expected_seconds(model: Model, tokens: int) -> float:
    """How long a report takes on a machine that does little else, roughly."""
    return sum(expected_work(model, tokens).values()) * seconds(model, tokens)


def _receipts_passes(methods: Sequence[str], tokens: int) -> int:
    own = sum(_OWN_PASSES + 3 * _passes(method, tokens) for method in methods)
    return own + _SHARED_PASSES if methods else 0


def _passes(method: str, tokens: int) -> int:
    declared = METHODS[method]
    return declared.cost(tokens, declared.options)
