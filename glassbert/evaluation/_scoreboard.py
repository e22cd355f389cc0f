"""The methods on one input side by side, the most faithful first."""

from __future__ import annotations

from collections.abc import Sequence

from glassbert.arguments import checked
from glassbert.errors import OptionError
from glassbert.evaluation._receipts import CHECKS
from glassbert.evaluation.results import Receipt, ReceiptLine, Scoreboard

__all__ = ["RULE", "scoreboard"]

RULE = (
    "Ordered by the share of random orderings beaten (mean of comprehensiveness and sufficiency; a tie counts half). "
    "Methods with the same share are ordered by comprehensiveness, then by sufficiency."
)
_FAITHFULNESS = ("comprehensiveness", "sufficiency")


@checked
def scoreboard(receipts: Sequence[Receipt]) -> Scoreboard:
    """The methods of these receipts, ordered by ``RULE``; methods it does not apply to come last.

    The receipts must be about one text and one target, with one receipt per method. Raises OptionError.
    """
    if not receipts:
        raise OptionError("a scoreboard needs at least one receipt")
    first = receipts[0]
    for other in receipts[1:]:
        if (other.encoded.tokens, other.target, other.output) != (first.encoded.tokens, first.target, first.output):
            raise OptionError(
                f"the receipt of {other.method} is about another text or target than that of {first.method}; a "
                "scoreboard compares methods on one decision"
            )
    ranked = sorted(receipts, key=_key)
    columns = [check for check in CHECKS if any(line.check == check for one in receipts for line in one.lines)]
    lines = [[_line(one, check) for check in columns] for one in ranked]
    return Scoreboard(
        encoded=first.encoded,
        target_label=first.target_label,
        methods=tuple(one.method for one in ranked),
        faithfulness=tuple(_beaten(one) for one in ranked),
        columns=tuple(columns),
        numbers=tuple(tuple(line.number if line else None for line in row) for row in lines),
        verdicts=tuple(tuple(line.verdict if line else "not_applicable" for line in row) for row in lines),
        rule=RULE,
    )


def _key(receipt: Receipt) -> tuple[float, float, float]:
    beaten = _beaten(receipt)
    first, second = (_line(receipt, check) for check in _FAITHFULNESS)
    return (
        2.0 if beaten is None else -beaten,
        -(first.number or 0.0) if first else 0.0,
        (second.number or 0.0) if second else 0.0,
    )


def _beaten(receipt: Receipt) -> float | None:
    lines = [line for check in _FAITHFULNESS if (line := _line(receipt, check))]
    shares = [line.beaten_share for line in lines if line.beaten_share is not None]
    return sum(shares) / len(shares) if shares else None


def _line(receipt: Receipt, check: str) -> ReceiptLine | None:
    return next((line for line in receipt.lines if line.check == check), None)
