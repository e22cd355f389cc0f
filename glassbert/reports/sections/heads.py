"""The attention heads that matter most for the answer, and where they attend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassbert.pictures.maps import map_drawing
from glassbert.pictures.markup import clipped, element, escaped
from glassbert.pictures.palette import LIGHT
from glassbert.reports.markup import aside, figure, heading, node, section

if TYPE_CHECKING:
    from glassbert.reports.findings import Findings

__all__ = ["heads"]

_MOST_MAP_LABEL, _MAP_PIXELS = 60, 640


def heads(report: Findings) -> str:
    drawn = []
    if report.importance is not None:
        values = report.importance.importance
        rows = [f"layer {layer + 1}" for layer in range(values.shape[0])]
        columns = [str(head + 1) for head in range(values.shape[1])]
        best = np.unravel_index(int(values.argmax()), values.shape)
        drawn += [
            aside(
                "Importance is how strongly the answer's value reacts if a head's output is turned down: |∂F/∂ξ|, a "
                "row for each layer, a column for each head."
            ),
            figure(
                map_drawing(values, rows, columns, on=LIGHT, width_px=_MAP_PIXELS),
                f"Importance of {values.size} heads; the largest, {float(values.max()):.3g}, is head {best[1] + 1} of "
                f"layer {best[0] + 1}.",
            ),
        ]
    if report.maps:
        drawn += [
            aside(
                "Each row shows where a word takes information from: its weights add up to 1. A strong weight does not "
                "mean that the answer rests on it."
            ),
            _picker(report),
        ]
    return section("attention", "Attention of the heads that matter most", *drawn) if drawn else ""


def _picker(report: Findings) -> str:
    """The maps, one at a time on a screen, all of them in print: radio buttons and a style sheet, no script."""
    heads = report.heads
    choices, panels = [], []
    for number, ((layer, head), one) in enumerate(zip(heads, report.maps, strict=True)):
        name = f"Layer {layer + 1}, head {head + 1}"
        checked = " checked" if number == 0 else ""
        choices.append(f'<input type="radio" name="head" id="head-{number}"{checked}>')
        choices.append(element("label", escaped(name), **{"for": f"head-{number}"}))
        panels.append(_panel(report, number, name, one.values[0], one.query_labels, one.key_labels))
    return node("div", *choices, *panels, kind="picker")


def _panel(
    report: Findings, number: int, name: str, weights: np.ndarray, rows: Sequence[str], columns: Sequence[str]
) -> str:
    layer, head = report.heads[number]
    told = name
    if report.importance is not None:
        values = report.importance.importance
        rank = int((values > values[layer, head]).sum()) + 1
        told += f": importance {float(values[layer, head]):.3g}, rank {rank} of {values.size}"
    query, key = divmod(int(weights.argmax()), len(columns))
    seen = (
        f"{name}: attention weights of {len(rows)} words. The largest is {float(weights.max()):.2f}, from "
        f"“{clipped(rows[query], _MOST_MAP_LABEL)}” to “{clipped(columns[key], _MOST_MAP_LABEL)}”."
    )
    drawn = map_drawing(
        weights,
        rows,
        columns,
        on=LIGHT,
        rooted=True,
        legend="Attention weight; colour follows its square root",
        width_px=_MAP_PIXELS,
    )
    return node(
        "div", heading(3, name), figure(drawn, seen, f"{told}. Rows attend, columns are attended to."), kind="panel"
    )
