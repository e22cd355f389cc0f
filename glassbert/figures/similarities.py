"""The similarity of two texts, token by token, and of many with one."""

from __future__ import annotations

import numpy as np

from glassbert.figures._figure import Figure, Sheet
from glassbert.figures._words import left_out
from glassbert.pictures.drawing import stacked, titled
from glassbert.pictures.formats import readable, signed
from glassbert.pictures.grid_drawings import grid_drawing
from glassbert.pictures.palette import Theme
from glassbert.pictures.table_drawings import table_drawing
from glassbert.results import Encoded
from glassbert.similarities.results import Similarity, SimilarityRanking

_NUMBERED = 24
_POOLED = {"mean": "the mean of all last states", "cls": "the last state of the first token"}


def _similarity(result: Similarity, on: Theme) -> Sheet:
    rows, columns = _names(result.first), _names(result.second)
    parts = []
    notes = [f"Cosine {signed(result.score)}; an embedding is {_POOLED[result.pooling]}."]
    if result.has_matrix:
        to_reference, from_reference, references = (signed(one) for one in result.reference_terms)
        matrix = result.matrix.astype(np.float64)
        grid = grid_drawing(
            matrix,
            rows,
            columns,
            on=on,
            hue="signed",
            texts=_numbers(matrix) if max(matrix.shape) <= _NUMBERED else None,
            legend="Integrated Jacobians (Moeller et al. 2023); rows: first text, columns: second",
        )
        parts.append(titled(grid, "What the cosine is made of", on))
        notes.append(
            f"The matrix sums to {signed(float(matrix.sum()))}: the cosine less {to_reference} and {from_reference} "
            f"with a reference, plus {references} between the references ({result.reference})."
        )
    states = result.states.astype(np.float64)
    grid = grid_drawing(
        states,
        rows,
        columns,
        on=on,
        hue="signed",
        most=1.0,
        texts=_numbers(states) if max(states.shape) <= _NUMBERED else None,
        legend="Cosine of the tokens’ last states: no parts of the score",
    )
    parts.append(titled(grid, "How alike the tokens are", on))
    return Sheet("Similarity of two texts", stacked(parts, gap=20), (*result.first.texts, *result.second.texts), notes)


def _ranking(result: SimilarityRanking, on: Theme, *, top_k: int = 20) -> Sheet:
    """``top_k`` is the number of texts shown, the closest first."""
    order = result.order[:top_k].tolist()
    rows = [
        [str(rank), result.texts[index], signed(float(result.scores[index]))] for rank, index in enumerate(order, 1)
    ]
    drawing = table_drawing(["Rank", "Text", "Cosine"], rows, on=on, right=[0, 2])
    notes = [f"An embedding is {_POOLED[result.pooling]}.", left_out(len(order), len(result.texts), "texts")]
    return Sheet("Texts by their similarity", drawing, result.query.texts, notes)


def _names(encoded: Encoded) -> list[str]:
    return [readable(token, encoded.spelling) for token in encoded.tokens]


def _numbers(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[list[str]]:
    return [[f"{value:.2f}".replace("-", "−") for value in row] for row in values]


FIGURES = (Figure(Similarity, _similarity), Figure(SimilarityRanking, _ranking))
