"""What changes from layer to layer: the logit lens, and the norms of the hidden states."""

from __future__ import annotations

import numpy as np

from glassbert.figures._figure import Figure, Sheet
from glassbert.figures._words import left_out, one_of, shown_label
from glassbert.figures.predictions import around
from glassbert.language.results import LogitLens
from glassbert.pictures.drawing import Drawing, stacked, titled
from glassbert.pictures.formats import percent, readable, short
from glassbert.pictures.grid_drawings import grid_drawing
from glassbert.pictures.line_drawings import line_drawing
from glassbert.pictures.palette import Theme
from glassbert.text.results import HiddenStates

_MOST_MASKS = 4


def layer_names(count: int) -> list[str]:
    """``["embeddings", "layer 1", …]``: layer 0 is the embeddings."""
    return ["embeddings", *(f"layer {layer}" for layer in range(1, count))]


def _lens(result: LogitLens, on: Theme, *, mask: int | None = None) -> Sheet:
    """``mask`` is one of several, counted from 0."""
    shown = one_of("mask", mask, len(result.positions))
    drawn = [titled(_of_mask(result, row, on), _heading(result, row), on) for row in shown[:_MOST_MASKS]]
    followed = result.word_probabilities.shape[2] > 0 or (result.original_ids >= 0).any()
    notes = [
        "Logit lens (nostalgebraist 2020): the masked-word head on each layer's state; the last row is the prediction.",
        "Columns are ranks; colour deepens with the probability.",
        "Lines: the words that are followed, on a logarithmic scale." if followed else "",
        left_out(min(len(shown), _MOST_MASKS), len(shown), "masks"),
    ]
    return Sheet("Logit lens", stacked(drawn, gap=20), result.encoded.texts, notes)


def _heading(result: LogitLens, row: int) -> str:
    position = int(result.positions[row])
    return f"Token {position}: {around(result.encoded, position)}"


def _of_mask(result: LogitLens, row: int, on: Theme) -> Drawing:
    spelling, shares = result.encoded.spelling, result.probabilities[:, row].astype(np.float64)
    layers = layer_names(result.layers)
    tokens = [[readable(token, spelling) for token in line[row]] for line in result.candidates]
    grid = grid_drawing(
        shares,
        layers,
        [str(rank + 1) for rank in range(shares.shape[1])],
        on=on,
        hue="grey",
        most=1.0,
        texts=tokens,
        told=[
            [f"{layers[n]}, {token}: {percent(float(share))}" for token, share in zip(line, shares[n], strict=True)]
            for n, line in enumerate(tokens)
        ],
        legend="Probability",
    )
    lines = {
        shown_label(word, 30): result.word_probabilities[:, row, number].tolist()
        for number, word in enumerate(result.words)
    }
    if result.original_ids[row] >= 0:
        name = f"{readable(result.original_tokens[row], spelling)} (original)"
        lines = {name: result.original_probabilities[:, row].tolist(), **lines}
    if not lines:
        return grid
    chart = line_drawing(lines, on=on, place_names=layers, log=True, told=percent, up="Probability")
    return stacked([grid, chart], gap=16)


def _states(result: HiddenStates, on: Theme) -> Sheet:
    norms = result.norms.astype(np.float64)
    few = norms.shape[1] <= 24
    grid = grid_drawing(
        norms,
        layer_names(len(norms)),
        result.encoded.pieces,
        on=on,
        hue="grey",
        texts=[[short(float(value)) for value in line] for line in norms] if few else None,
        legend="Euclidean norm of the state",
        width_px=min(1100, max(720, 110 + 14 * norms.shape[1])),
    )
    size = result.states.shape[2]
    notes = [f"The norm of each token's state of {size} numbers, from the embeddings to the last layer."]
    return Sheet("Hidden states", grid, result.encoded.texts, notes)


FIGURES = (Figure(LogitLens, _lens), Figure(HiddenStates, _states))
