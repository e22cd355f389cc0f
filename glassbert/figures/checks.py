"""How far an explanation can be believed: receipts, the gap to an empty text, and methods compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from glassbert.attribution import METHODS
from glassbert.evaluation import CHECKS
from glassbert.evaluation.results import (
    BaselineGap,
    Grade,
    MethodAgreement,
    MethodRanking,
    Receipt,
    ReceiptLine,
    Scoreboard,
)
from glassbert.figures._figure import Figure, Sheet, model_name
from glassbert.figures._words import as_sentence, shown_label
from glassbert.pictures.bar_drawings import score_rows, share_rows
from glassbert.pictures.drawing import Drawing, beside, stacked, titled
from glassbert.pictures.formats import short
from glassbert.pictures.grid_drawings import grid_drawing
from glassbert.pictures.line_drawings import line_drawing
from glassbert.pictures.palette import Theme
from glassbert.pictures.table_drawings import table_drawing
from glassbert.pictures.tokens import tokens_drawing
from glassbert.targets import unit_of

__all__ = ["VERDICTS", "lines_table", "method_name"]

#: Verdict → its mark and name; never a colour alone.
VERDICTS: dict[Grade, str] = {
    "holds": "✓ holds",
    "doubtful": "? doubtful",
    "fails": "✗ fails",
    "not_applicable": "– does not apply",
}


def method_name(method: str) -> str:
    return METHODS[method].label if method in METHODS else method


def lines_table(lines: Sequence[ReceiptLine], on: Theme) -> Drawing:
    """Checks with verdict, claim, number, sentence and threshold."""
    rows = []
    for line in lines:
        check = CHECKS.get(line.check)
        claim = f"{check.claim} ({check.label})" if check else line.check.replace("_", " ").capitalize()
        number = "" if line.number is None else short(line.number)
        sentence = f"{as_sentence(line.sentence)} {as_sentence(line.threshold)}".strip()
        rows.append([VERDICTS[line.verdict], claim, number, sentence])
    return table_drawing(
        ["Verdict", "Check", "Number", "What it says, and when it holds"], rows, on=on, right=[2], width_px=860
    )


def _receipt(result: Receipt, on: Theme) -> Sheet:
    curves = [
        titled(_curve(line.details, on), _claim(line), on) for line in result.lines if "random_curves" in line.details
    ]
    parts = [lines_table(result.lines, on), *([beside(curves, 24, width_px=900)] if curves else [])]
    notes = [
        f"Evidence for {shown_label(result.target_label)}.",
        f"Settings: {result.orderings} random orderings, seed {result.seed}.",
        "Violet: this explanation. Grey: random orderings, their median and central 90%." if curves else "",
        "Checks that hold do not make an explanation true; each that fails is a reason to doubt this method on this "
        "text.",
    ]
    return Sheet(
        f"Receipt of {method_name(result.method)}: {VERDICTS[result.verdict][2:]}",
        stacked(parts, gap=20),
        result.encoded.texts,
        notes,
    )


def _line(result: ReceiptLine, on: Theme) -> Sheet:
    parts = [lines_table([result], on)]
    if "random_curves" in result.details:
        parts.append(_curve(result.details, on))
    return Sheet(f"{_claim(result)}: {VERDICTS[result.verdict][2:]}", stacked(parts, gap=20))


def _claim(line: ReceiptLine) -> str:
    check = CHECKS.get(line.check)
    return check.label if check else line.check.replace("_", " ").capitalize()


def _curve(details: dict[str, Any], on: Theme) -> Drawing:
    bands = dict(zip(details["percentiles"], details["random_curves"], strict=True))
    percents = [100 * float(share) for share in details["shares"]]
    return line_drawing(
        {"this explanation": details["curve"]},
        on=on,
        places=percents,
        band=(bands[5], bands[50], bands[95]),
        across="% of tokens",
        up="Drop in probability",
        width_px=400,
        height_px=150,
    )


def _gap(result: BaselineGap, on: Theme) -> Sheet:
    empty = f"empty text ([{result.baseline.upper()}] for every word)"
    bars = score_rows([empty, "this text"], [result.baseline_value, result.value], on=on, width_px=600)
    unit = unit_of(result.target, result.output)
    notes = [
        f"The value F of {shown_label(result.target_label)}, in {unit}.",
        as_sentence(result.sentence),
        as_sentence(result.threshold),
    ]
    title = f"This text and an empty one: {VERDICTS[result.verdict][2:]}"
    return Sheet(title, bars, result.encoded.texts, notes)


def _agreement(result: MethodAgreement, on: Theme) -> Sheet:
    names = [method_name(method) for method in result.methods]
    grids = [
        titled(
            grid_drawing(
                values,
                names,
                names,
                on=on,
                hue="signed" if low else "orange",
                most=1.0,
                texts=[[f"{float(v):.2f}".replace("-", "−") for v in line] for line in values],
            ),
            heading,
            on,
        )
        for values, heading, low in (
            (result.kendall, "Order of the tokens (Kendall’s τ)", True),
            (result.overlap, f"The {result.top_k} strongest tokens in common", False),
        )
    ]
    words = np.flatnonzero(result.encoded.special_tokens_mask == 0).tolist()
    pieces = [result.encoded.pieces[token] for token in words]
    consensus = result.consensus[words]
    strip = tokens_drawing(pieces, consensus, on=on, legend="Mean of the methods’ scores, each with total weight 1")
    parts = [beside(grids, 28, width_px=960), titled(strip, "Consensus", on)]
    if len(words) <= 40:
        parts.append(score_rows(pieces, consensus.tolist(), on=on, spreads=result.spread[words].tolist(), width_px=560))
    notes = [
        f"Evidence for {shown_label(result.target_label)}.",
        "Lines at the ends of bars: one standard deviation between methods." if len(words) <= 40 else "",
        "Special tokens are left out.",
    ]
    return Sheet("How far methods agree", stacked(parts, gap=20), result.encoded.texts, notes)


def _board(result: Scoreboard, on: Theme) -> Sheet:
    columns = [CHECKS[column].label if column in CHECKS else column for column in result.columns]
    rows = [
        [
            method_name(method),
            "" if faithfulness is None else f"{faithfulness:.2f}",
            *(
                VERDICTS[verdict][0] if number is None else f"{VERDICTS[verdict][0]} {short(number)}"
                for number, verdict in zip(numbers, verdicts, strict=True)
            ),
        ]
        for method, faithfulness, numbers, verdicts in zip(
            result.methods, result.faithfulness, result.numbers, result.verdicts, strict=True
        )
    ]
    table = table_drawing(
        ["Method", "Faithfulness", *columns], rows, on=on, right=range(1, 2 + len(columns)), width_px=960
    )
    notes = [
        f"Evidence for {shown_label(result.target_label)}. Most faithful first.",
        as_sentence(result.rule),
        "✓ holds, ? doubtful, ✗ fails, – does not apply.",
    ]
    return Sheet("Scoreboard", table, result.encoded.texts, notes)


def _ranking(result: MethodRanking, on: Theme) -> Sheet:
    names = [method_name(method) for method in result.methods]
    bars = share_rows(names, [float(share) for share in result.mean("beaten")], [0], on=on, width_px=600)
    numbers = [result.mean(name) for name in ("comprehensiveness", "sufficiency", "agreement")]
    columns = ["Comprehensiveness", "Sufficiency", "Kendall’s τ with leave-one-out"]
    known: dict[str, tuple[Literal["planted", "edits"], float | None]] = {
        "Planted word": ("planted", result.planted_chance),
        "Human edits": ("edits", result.edits_chance),
    }
    notes = []
    for name, (truth, chance) in known.items():
        if chance is not None:
            numbers.append(result.found(truth))
            columns.append(name)
            notes.append(f"{name}: average precision; {short(chance)} for a random order.")
    rows = [
        [name, *(short(float(values[index])) for values in numbers), str(int(result.used[index].sum()))]
        for index, name in enumerate(names)
    ]
    head = ["Method", *columns, "Sentences"]
    table = table_drawing(head, rows, on=on, right=range(1, len(head)), width_px=820 if len(head) == 5 else 960)
    notes = [
        *notes,
        f"Means over up to {len(result.sentences)} sentences; {result.orderings} random orderings, seed {result.seed}.",
    ]
    drawing = stacked([titled(bars, "Share of random orderings beaten", on), table], gap=20)
    return Sheet(f"Which methods are faithful for {shown_label(model_name(result.model))}", drawing, (), notes)


FIGURES = (
    Figure(Receipt, _receipt),
    Figure(ReceiptLine, _line),
    Figure(BaselineGap, _gap),
    Figure(MethodAgreement, _agreement),
    Figure(Scoreboard, _board),
    Figure(MethodRanking, _ranking),
)
