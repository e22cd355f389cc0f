"""One number for each head: a grid of layers and heads; distances between heads as dots; ablation step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from glassbert.errors import OptionError
from glassbert.figures._figure import Figure, Sheet
from glassbert.figures._words import shown_label
from glassbert.heads.results import AblationSweep, HeadDistances, HeadImportance, HeadProfile, HeadRanking
from glassbert.pictures.dot_drawings import dots_drawing
from glassbert.pictures.drawing import Drawing, beside, titled
from glassbert.pictures.formats import percent, short, signed
from glassbert.pictures.grid_drawings import Hue, grid_drawing
from glassbert.pictures.line_drawings import line_drawing
from glassbert.pictures.palette import Theme
from glassbert.results import Array
from glassbert.targets import unit_of

_COUNTED = "Layers are rows, heads columns, both counted from 1."


def head_grid(
    values: Array,
    on: Theme,
    *,
    hue: Hue = "grey",
    most: float | None = None,
    legend: str = "",
    texts: Sequence[Sequence[str]] | None = None,
    width_px: float = 720,
) -> Drawing:
    """Numbers (layer, head), with NaN for heads that have none."""
    layers, heads = values.shape
    rows, columns = [str(layer + 1) for layer in range(layers)], [str(head + 1) for head in range(heads)]
    return grid_drawing(
        values.astype(np.float64),
        rows,
        columns,
        on=on,
        hue=hue,
        most=most,
        texts=texts,
        told=[
            [f"layer {row}, head {column}: {values[i, j]:.4g}" for j, column in enumerate(columns)]
            for i, row in enumerate(rows)
        ],
        legend=legend,
        width_px=width_px,
    )


def _importance(
    result: HeadImportance, on: Theme, *, values: Literal["importance", "gradient"] = "importance"
) -> Sheet:
    """``values``: the importance, or the mean gradient with its sign."""
    if values not in ("importance", "gradient"):
        raise OptionError(f"values must be 'importance' or 'gradient'; got {values!r}")
    numbers = result.importance if values == "importance" else result.gradient
    told = short if values == "importance" else signed
    unit = "logits" if result.output == "logit" else "probability"
    grid = head_grid(
        numbers,
        on,
        hue="grey" if values == "importance" else "signed",
        texts=[[told(float(value)) for value in line] for line in numbers],
        legend=f"Mean |∂F/∂ξ|, in {unit}"
        if values == "importance"
        else f"Mean ∂F/∂ξ, in {unit}; orange favours the target",
        width_px=900,
    )
    labels = ", ".join(shown_label(label, 30) for label in dict.fromkeys(result.target_labels))
    texts = result.texts[0] if len(result.texts) == 1 else ()
    notes = [
        "Sensitivity of the target's value F to each head (Michel et al. 2019).",
        f"Target: {shown_label(labels, 120)}.",
        f"Mean over {len(result.texts)} texts." if len(result.texts) > 1 else "",
        _COUNTED,
    ]
    return Sheet("Head importance", grid, texts, notes)


def _sweep(result: AblationSweep, on: Theme) -> Sheet:
    unit = unit_of(result.target, result.output)
    notes = [
        f"Target: {shown_label(result.target_label)}, F {signed(result.value)} {unit} with every head.",
        _COUNTED,
        "" if result.complete else "The computation was stopped: heads are missing.",
    ]
    if result.mode == "greedy":
        heads = zip(result.layers.tolist(), result.heads.tolist(), strict=True)
        names = ["all heads on", *(f"{layer + 1}·{head + 1}" for layer, head in heads)]
        values = [result.value, *map(float, result.values)]
        chart = line_drawing(
            {"F": values},
            on=on,
            place_names=names,
            across="switched off in addition, layer·head",
            up=f"F, in {unit}",
            width_px=680,
        )
        notes[1] = "Each step switches off one more head; layers and heads are counted from 1."
        return Sheet("Heads switched off, one more at each step", chart, result.encoded.texts, notes)
    changes = result.matrix()
    grid = head_grid(
        changes,
        on,
        hue="signed",
        texts=[["" if np.isnan(value) else signed(float(value)) for value in line] for line in changes],
        legend=f"Change of F without the head, in {unit}; blue: the target loses",
        width_px=900,
    )
    return Sheet("Each head switched off alone", grid, result.encoded.texts, notes)


def _profile(result: HeadProfile, on: Theme, *, target: str | None = None) -> Sheet:
    """``target``: one of ``result.targets``, such as "previous"; None: all, and the entropy."""
    if target is not None and target not in result.targets:
        raise OptionError(f"target must be one of {', '.join(result.targets)}; got {target!r}")
    notes = ["Mean over the tokens that are not special. Shares overlap: the next token may be a [SEP].", _COUNTED]
    if target is not None:
        values = result.share(target)
        chance = float(result.chance[result.targets.index(target)])
        grid = head_grid(
            values,
            on,
            most=1.0,
            texts=[[f"{float(value):.0%}" for value in line] for line in values],
            legend=f"Share of the weight; {percent(chance)} with equal weight on every token",
            width_px=900,
        )
        return Sheet(f"Where heads attend: {_spelt(target)}", grid, result.encoded.texts, notes)
    grids = [
        titled(head_grid(result.share(name), on, most=1.0, legend="Share of the weight"), _spelt(name), on)
        for name in result.targets
    ]
    grids.append(
        titled(head_grid(result.entropy, on, most=result.max_entropy, legend="Entropy, in bits"), "Entropy", on)
    )
    return Sheet("Where heads attend", beside(grids, 24, width_px=960), result.encoded.texts, notes)


def _spelt(target: str) -> str:
    spelt = {"cls": "[CLS]", "sep": "[SEP]", "self": "The token itself", "previous": "The token before"}
    return spelt.get(target) or {"next": "The token after"}.get(target) or target.replace("_", " ").capitalize()


def _ranking(result: HeadRanking, on: Theme) -> Sheet:
    query, key = (
        shown_label("".join(result.encoded.pieces[position] for position in positions), 30)
        for positions in (result.queries, result.keys)
    )
    most = float(result.strongest.max()) or None
    grids = [
        titled(
            head_grid(
                values,
                on,
                hue="teal",
                most=most,
                texts=[[f"{float(v):.2f}" for v in line] for line in values],
                width_px=900,
            ),
            heading,
            on,
        )
        for values, heading in (
            (result.weights, f"From “{query}” to “{key}”"),
            (result.reverse, f"From “{key}” to “{query}”"),
        )
    ]
    notes = [f"Attention weights; {percent(result.uniform)} with equal weight on every token.", _COUNTED]
    return Sheet(
        f"Every head between “{query}” and “{key}”", beside(grids, 24, width_px=1000), result.encoded.texts, notes
    )


def _distances(result: HeadDistances, on: Theme) -> Sheet:
    layers, heads = result.layers.tolist(), result.heads.tolist()
    dots = dots_drawing(
        result.positions,
        [f"layer {layer + 1}" for layer in layers],
        [f"{layer + 1}·{head + 1}" for layer, head in zip(layers, heads, strict=True)],
        on=on,
    )
    notes = [
        "Heads that attend alike are close: √ of the mean Jensen–Shannon divergence of rows, by classical scaling.",
        f"Two dimensions hold {result.explained:.0%} of the spread. Names are layer·head, counted from 1.",
    ]
    return Sheet("Distances between heads", dots, result.encoded.texts, notes)


FIGURES = (
    Figure(HeadImportance, _importance),
    Figure(AblationSweep, _sweep),
    Figure(HeadProfile, _profile),
    Figure(HeadRanking, _ranking),
    Figure(HeadDistances, _distances),
)
