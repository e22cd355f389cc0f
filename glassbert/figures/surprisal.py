"""How surprising each token is, and what a model predicts in the slots of a template."""

from __future__ import annotations

import numpy as np

from glassbert.figures._figure import Figure, Sheet
from glassbert.figures._words import left_out, shown_label
from glassbert.figures.token_scores import score_drawing
from glassbert.language.results import Surprise, TemplateProbe
from glassbert.pictures.drawing import stacked
from glassbert.pictures.formats import percent, readable, three_digits
from glassbert.pictures.grid_drawings import grid_drawing
from glassbert.pictures.palette import Theme
from glassbert.pictures.tokens import tokens_drawing


def _surprise(result: Surprise, on: Theme) -> Sheet:
    encoded = result.encoded
    strip = tokens_drawing(
        encoded.pieces, result.by_token(), on=on, signed=False, legend="Surprisal, in bits", width_px=720
    )
    names = [
        f"{encoded.pieces[position]}" + ("" if rank == 1 else f" (expected {readable(choice, encoded.spelling)})")
        for position, rank, choice in zip(result.positions, result.ranks, result.choices, strict=True)
    ]
    bars = score_drawing(names, result.surprisal.tolist(), on, signed=False)
    pieces = "the later pieces of its word as well" if result.variant == "word_l2r" else "nothing else"
    notes = [
        f"−log₂ p of each token when it is masked, and {pieces} ({result.variant}).",
        f"{result.total:.1f} bits in all, pseudo-perplexity {three_digits(result.pseudo_perplexity)}.",
        "“Expected” is the model's first choice where that is another word.",
    ]
    return Sheet("Surprise", stacked([strip, bars], gap=18), encoded.texts, notes)


def _template(result: TemplateProbe, on: Theme, *, top_k: int = 60) -> Sheet:
    """``top_k`` is the number of combinations shown, from the first."""
    labels = [shown_label(label) for label in result.labels()]
    rows = labels[:top_k]
    values = result.probabilities[: len(rows)].astype(np.float64)
    grid = grid_drawing(
        values,
        rows,
        [shown_label(word, 30) for word in result.words],
        on=on,
        hue="grey",
        texts=[[percent(float(share)) for share in line] for line in values],
        legend="Probability of the word at the mask",
    )
    notes = [
        "A row for each combination of fillers, a column for each word.",
        f"Words of several pieces: {result.variant}.",
        left_out(len(rows), len(labels), "combinations"),
    ]
    return Sheet("Template probe", grid, (result.template,), notes)


FIGURES = (Figure(Surprise, _surprise), Figure(TemplateProbe, _template))
