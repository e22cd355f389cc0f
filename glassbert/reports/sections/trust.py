"""How far to trust the words: the checks of the verdict, a receipt for each method, a text without words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from glassbert.attribution import METHODS
from glassbert.evaluation import CHECKS
from glassbert.pictures.formats import readable_number, signed
from glassbert.pictures.markup import escaped
from glassbert.reports.markup import aside, folded, heading, mark, node, said, section, table
from glassbert.results import counted

if TYPE_CHECKING:
    from glassbert.evaluation.results import Receipt, ReceiptLine
    from glassbert.reports.findings import Findings

__all__ = ["baseline", "checks", "receipts"]

_FILLERS = {"pad": "padding in place of each", "mask": "a mask in place of each", "zero": "zeros in place of each"}
#: What the six checks of a verdict ask.
_TRUST_CHECKS = {
    "weights": "Are the model's weights trained?",
    "baseline": "Does the text make a difference?",
    "agreement": "Do methods name the same words?",
    "deletion": "Does the answer hang on any other word?",
    "faithfulness": "Do these words matter to the model?",
    "sanity": "Do the scores depend on the trained weights?",
}


def checks(report: Findings) -> str:
    trust = report.verdict.trust
    if trust is None:
        return ""
    rows = [
        [escaped(_TRUST_CHECKS.get(line.check, line.check)), mark(line.verdict), *_numbered(line)]
        for line in trust.lines
    ]
    return section(
        "trust",
        "How reliable the words above are",
        aside("Six checks of these words. The worst one decides."),
        table(["Check", "Result", "Number", "What it means, and the limit"], rows, numbers=[2]),
    )


def receipts(report: Findings) -> str:
    if not report.receipts:
        return ""
    drawn = [
        aside(
            "Each method is put through the same checks. Checks that hold do not make an explanation true; each that "
            "fails is a reason to doubt this method on this text."
        ),
        _overview(report.receipts),
        *(_receipt(one) for one in report.receipts),
    ]
    return section("receipts", "A receipt for each method", *drawn)


def _overview(receipts: Sequence[Receipt]) -> str:
    checks = [line.check for line in receipts[0].lines]
    names = [METHODS[one.method].label for one in receipts]
    rows = [[escaped(CHECKS[check].claim), *(mark(one.line(check).verdict) for one in receipts)] for check in checks]
    return folded(["Check", *names], rows, caption="At a glance")


def _receipt(receipt: Receipt) -> str:
    rows = [
        [
            f"{escaped(CHECKS[line.check].claim)} {node('small', escaped(CHECKS[line.check].label))}",
            mark(line.verdict),
            *_numbered(line),
        ]
        for line in receipt.lines
    ]
    return node(
        "div",
        heading(3, METHODS[receipt.method].label),
        table(["Check", "Result", "Number", "What it means, and the limit"], rows, numbers=[2]),
        aside(f"{counted(receipt.orderings, 'random ordering')}, seed {receipt.seed}."),
        kind="method",
    )


def _numbered(line: ReceiptLine) -> list[str]:
    number = "" if line.number is None else readable_number(line.number)
    sentence = f"{line.sentence[:1].upper()}{line.sentence[1:]}."
    return [number, said(sentence, "div") + said(f"{line.threshold[:1].upper()}{line.threshold[1:]}.", "div", "aside")]


def baseline(report: Findings) -> str:
    if report.verdict.trust is None:
        return ""
    gap = report.verdict.trust.gap
    rows = [
        ["This text", signed(gap.value)],
        [f"The same without its words ({_FILLERS.get(gap.baseline, gap.baseline)})", signed(gap.baseline_value)],
        ["Change", signed(gap.change)],
        ["Change, as a share of the value", f"{gap.share:.0%}".replace("-", "−")],
    ]
    return section(
        "baseline",
        "Compared with a text without words",
        said(f"{gap.sentence[:1].upper()}{gap.sentence[1:]}."),
        table(["The value F", gap.output], rows, numbers=[1]),
        said(f"{gap.threshold[:1].upper()}{gap.threshold[1:]}.", kind="aside"),
    )
