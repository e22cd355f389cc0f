"""Two models on a text, or two texts on a model: predictions, attention, states and scores side by side."""

from __future__ import annotations

import numpy as np

from glassbert.comparison.results import (
    AttentionDifference,
    AttributionDifference,
    Changes,
    Comparison,
    HiddenSimilarity,
    MaskedWordDifference,
    PredictionDifference,
)
from glassbert.errors import LayerError, OptionError
from glassbert.figures._figure import Figure, Sheet
from glassbert.figures._words import both_texts, left_out, shown_label
from glassbert.figures.by_layer import layer_names
from glassbert.figures.checks import method_name
from glassbert.figures.head_grids import head_grid
from glassbert.pictures.bar_drawings import pair_rows, score_rows
from glassbert.pictures.drawing import beside, stacked, titled
from glassbert.pictures.formats import percent, short, signed
from glassbert.pictures.grid_drawings import grid_drawing
from glassbert.pictures.maps import colour_scale, heads_drawing, map_drawing
from glassbert.pictures.palette import Theme
from glassbert.pictures.table_drawings import table_drawing
from glassbert.pictures.tokens import tokens_drawing

_SECOND = "Differences are second − first."
_MOST_ROWS = 40


#: What the two are called, unless a caller has better names.
_SIDES = ("first", "second")


def _predictions(result: PredictionDifference, on: Theme, *, top_k: int = 20, sides: tuple[str, str] = _SIDES) -> Sheet:
    """``top_k`` is the number of labels shown, the most probable on either side first; ``sides`` names the two."""
    first, second = result.first_probabilities, result.second_probabilities
    if result.regression:
        drawing = table_drawing(
            ["Score", *_named(sides), "Difference"],
            [
                [label, short(a), short(b), signed(b - a)]
                for label, a, b in zip(result.labels, first.tolist(), second.tolist(), strict=True)
            ],
            on=on,
            right=[1, 2, 3],
        )
    else:
        order = np.argsort(-np.maximum(first, second), kind="stable").tolist()[:top_k]
        drawing = pair_rows(
            [result.labels[label] for label in order],
            [float(first[label]) for label in order],
            [float(second[label]) for label in order],
            on=on,
            sides=_named(sides),
            width_px=600,
        )
    notes = [
        "" if result.divergence is None else f"Jensen–Shannon divergence {result.divergence:.3f} bits, of at most 1.",
        left_out(min(top_k, len(result.labels)), len(result.labels), "labels"),
    ]
    decisions = " and ".join(shown_label(label, 40) for label in result.decisions)
    same = result.first.texts == result.second.texts
    texts = result.first.texts if same else (" / ".join(result.first.texts), " / ".join(result.second.texts))
    return Sheet(f"Predictions: {decisions}", drawing, texts, notes)


def _named(sides: tuple[str, str]) -> tuple[str, str]:
    """Both names, as they stand at the head of a column."""
    one, other = (shown_label(side, 40) for side in sides)
    return one[:1].upper() + one[1:], other[:1].upper() + other[1:]


def _masked(
    result: MaskedWordDifference, on: Theme, *, top_k: int = _MOST_ROWS, sides: tuple[str, str] = _SIDES
) -> Sheet:
    """``top_k`` is the number of words shown, the largest divergence first; ``sides`` names the two."""
    order = np.argsort(-result.divergence, kind="stable").tolist()[:top_k]
    labels = result.alignment.labels
    rows = [
        [
            labels[int(result.rows[index])],
            f"{float(result.divergence[index]):.3f}",
            f"{result.first_choices[index]} ({percent(float(result.first_probabilities[index]))})",
            f"{result.second_choices[index]} ({percent(float(result.second_probabilities[index]))})",
        ]
        for index in order
    ]
    table = table_drawing(
        ["Masked word", "Divergence", *(f"{side} predicts" for side in _named(sides))], rows, on=on, right=[1]
    )
    notes = [
        "Jensen–Shannon divergence over the whole vocabulary, in bits, of at most 1; the largest first.",
        left_out(len(order), len(result.rows), "words"),
    ]
    return Sheet("Masked words on both sides", table, both_texts(result.alignment), notes)


def _attention(result: AttentionDifference, on: Theme, *, layer: int | None = None, head: int | None = None) -> Sheet:
    """One head, counted from 0; without both, all heads."""
    layers, heads = result.divergence.shape
    if (layer is None) != (head is None):
        raise OptionError(f"layer {layer}, head {head}: pass both, or neither for all heads")
    labels = [result.alignment.labels[row] for row in result.rows.tolist()]
    if layer is not None and head is not None:
        if not (0 <= layer < layers and 0 <= head < heads):
            raise LayerError(
                f"head {head} of layer {layer}: there are layers 0 to {layers - 1} and heads 0 to {heads - 1}"
            )
        drawing = map_drawing(
            result.values[layer, head],
            labels,
            on=on,
            signed=True,
            rooted=True,
            legend="Difference of weights, second − first; colour follows the square root",
            width_px=min(1100, max(640, 120 + 14 * len(labels))),
        )
        title = f"Attention, second − first, layer {layer + 1}, head {head + 1}"
        notes = [
            "Rows attend, columns are attended to, by word.",
            f"Counted from 1; in Python layer={layer}, head={head}.",
        ]
        return Sheet(title, drawing, both_texts(result.alignment), notes)
    parts = [
        heads_drawing(result.values, on=on, signed=True),
        colour_scale(1.0, on=on, signed=True, rooted=True, legend="Difference of weights, second − first, by word"),
        titled(
            head_grid(
                result.divergence,
                on,
                texts=[[f"{float(v):.2f}" for v in line] for line in result.divergence],
                legend="Jensen–Shannon divergence of the rows, mean, in bits",
            ),
            "How much each head differs",
            on,
        ),
    ]
    notes = ["Layers are rows, heads columns, both counted from 1.", _SECOND]
    return Sheet("Attention of every head, second − first", stacked(parts, gap=14), both_texts(result.alignment), notes)


def _hidden(result: HiddenSimilarity, on: Theme) -> Sheet:
    rows, columns = (layer_names(size) for size in result.cka.shape)
    cka = result.cka.astype(np.float64)
    parts = [
        titled(
            grid_drawing(
                cka,
                rows,
                [str(number) for number in range(len(columns))],
                on=on,
                hue="grey",
                most=1.0,
                texts=[[f"{v:.2f}" for v in line] for line in cka],
                legend="CKA, 0 to 1; rows: layers of the first, columns: of the second",
            ),
            "Layers of both (CKA, Kornblith et al. 2019)",
            on,
        )
    ]
    if not result.reason:
        cosines = result.cosine.astype(np.float64)
        words = [result.alignment.labels[row] for row in result.rows.tolist()]
        grid = grid_drawing(
            1 - cosines,
            layer_names(len(cosines)),
            words,
            on=on,
            hue="orange",
            most=1.0,
            texts=[[f"{v:.2f}".replace("-", "−") for v in line] for line in cosines] if len(words) <= 24 else None,
            told=[
                [f"{word}, layer {layer}: cosine {v:.4f}" for word, v in zip(words, line, strict=True)]
                for layer, line in enumerate(cosines)
            ],
            legend="1 − cosine: colour deepens as states point apart",
            width_px=min(1100, max(720, 110 + 14 * len(words))),
        )
        parts.append(titled(grid, "Cosine of each word’s states", on))
    notes = ["A word’s state is the mean of its tokens’.", result.reason]
    return Sheet("Hidden states on both sides", stacked(parts, gap=20), both_texts(result.alignment), notes)


def _scores(result: AttributionDifference, on: Theme, *, sides: tuple[str, str] = _SIDES) -> Sheet:
    """``sides`` names the two."""
    words, differences = result.alignment.labels, result.differences.tolist()
    unit = "logits" if result.output == "logit" else "probability"
    strip = tokens_drawing(words, differences, on=on, legend=f"Second − first, in {unit}", width_px=720)
    parts = [strip]
    if len(words) <= _MOST_ROWS:
        both = [result.first_scores.tolist(), result.second_scores.tolist()]
        everything = [0.0, *both[0], *both[1], *differences]
        limits = (min(everything), max(everything))
        limits = limits if limits[0] < limits[1] else (0.0, 1.0)
        parts.append(
            beside(
                [
                    titled(score_rows(words, values, on=on, limits=limits, width_px=420), heading, on)
                    for values, heading in zip((*both, differences), (*_named(sides), "Second − first"), strict=True)
                ],
                28,
                width_px=900,
            )
        )
    notes = [
        f"{method_name(result.method)}: evidence for {shown_label(result.target_label)}.",
        f"F {signed(result.first_value)} and {signed(result.second_value)} {unit}.",
        "A word that one side lacks has the score 0 there.",
    ]
    return Sheet("Scores on both sides", stacked(parts, gap=20), both_texts(result.alignment), notes)


def _of_sides(sides: tuple[str, str]) -> str:
    return "" if sides == _SIDES else f"First: {shown_label(sides[0])}; second: {shown_label(sides[1])}."


_PARTS = {
    "prediction": "Probability",
    "masked_word": "Masked word, divergence in bits",
    "attention": "Attention weight",
    "head": "Head, divergence in bits",
    "hidden": "Hidden state, 1 − cosine",
    "layer": "Layer, 1 − CKA",
    "attribution": "Score",
}


def _changes(result: Changes, on: Theme, *, top_k: int = _MOST_ROWS) -> Sheet:
    """``top_k`` is the number of changes shown."""
    words = (*result.alignment.labels, "")  # −1 is the last
    rows = []
    for index in range(len(result.parts))[:top_k]:
        layer, head = int(result.layers[index]), int(result.heads[index])
        where = [f"layer {layer + 1 if head >= 0 else layer}"] if layer >= 0 else []
        where += [f"head {head + 1}"] if head >= 0 else []
        word, key = words[int(result.rows[index])], words[int(result.key_rows[index])]
        where += [f"“{word}” to “{key}”" if key else f"“{word}”"] if word else []
        where += [shown_label(result.labels[index])] if result.labels[index] else []
        name = _PARTS.get(result.parts[index], result.parts[index])
        rows.append([name, signed(float(result.sizes[index])), ", ".join(where)])
    table = table_drawing(["What changed", "By", "Where"], rows, on=on, right=[1])
    notes = [_SECOND, left_out(len(rows), len(result.parts), "changes")]
    return Sheet("The largest changes", table, both_texts(result.alignment), notes)


def _comparison(result: Comparison, on: Theme, *, sides: tuple[str, str] = _SIDES) -> Sheet:
    """``sides`` names the two."""
    sheets = [_changes(result.changes, on, top_k=12)]
    if result.predictions is not None:
        sheets.insert(0, _predictions(result.predictions, on, sides=sides))
    if result.attribution is not None:
        sheets.append(_scores(result.attribution, on, sides=sides))
    if result.attention is not None:
        sheets.append(_attention(result.attention, on))
    if result.hidden is not None:
        sheets.append(_hidden(result.hidden, on))
    if result.masked_words is not None:
        sheets.append(_masked(result.masked_words, on, top_k=12, sides=sides))
    drawing = stacked([titled(sheet.drawing, sheet.title, on) for sheet in sheets], gap=26)
    reasons = [f"{part.replace('_', ' ').capitalize()}: {reason}." for part, reason in result.reasons.items()]
    return Sheet("Comparison", drawing, both_texts(result.alignment), [_of_sides(sides), _SECOND, *reasons])


FIGURES = (
    Figure(PredictionDifference, _predictions),
    Figure(MaskedWordDifference, _masked),
    Figure(AttentionDifference, _attention),
    Figure(HiddenSimilarity, _hidden),
    Figure(AttributionDifference, _scores),
    Figure(Changes, _changes),
    Figure(Comparison, _comparison),
)
