"""Results about the similarity of texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from glassbert.pictures.formats import signed
from glassbert.pictures.markup import clipped
from glassbert.results import Array, Encoded, Result, counted, quoted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Similarity", "SimilarityRanking"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Similarity(Result):
    """The cosine of two texts and, unless it was left out, its matrix: else ``matrix`` is empty.

    ``matrix`` (token of the first, token of the second) sums to ``explained``, which is ``score`` less the
    ``reference_terms``: cos(a, s), cos(r, b) and cos(r, s), r and s being the references of the two texts. ``states``
    are the cosines of the tokens' last states: cheap, and no parts of the score.
    """

    first: Encoded
    second: Encoded
    score: float
    pooling: Literal["mean", "cls"]
    states: Array  # (first token, second token)
    matrix: Array  # (first token, second token), or (0,)
    reference: Literal["pad", "mask", "zero"] | None = None
    reference_terms: tuple[float, ...] = ()
    nodes: tuple[int, ...] = ()  # points of each text's line
    forward_passes: int = 0
    seconds: float = 0.0

    _arrays: ClassVar[Mapping[str, str]] = {"states": "float32", "matrix": "float32"}

    @property
    def has_matrix(self) -> bool:
        return self.matrix.size > 0

    @property
    def explained(self) -> float | None:
        """cos(a, b) − cos(a, s) − cos(r, b) + cos(r, s), what the matrix sums to; None without a matrix."""
        if not self.has_matrix:
            return None
        to_reference, from_reference, references = self.reference_terms
        return self.score - to_reference - from_reference + references

    @property
    def delta(self) -> float | None:
        """The completeness error: the sum of the matrix less ``explained``; None without a matrix."""
        if self.explained is None:
            return None
        return float(self.matrix.sum(dtype=np.float64)) - self.explained

    @property
    def first_tokens(self) -> Array:
        """(first token,) the sums of the rows; empty without a matrix."""
        sums: Array = self.matrix.sum(axis=1) if self.has_matrix else self.matrix
        return sums

    @property
    def second_tokens(self) -> Array:
        """(second token,) the sums of the columns; empty without a matrix."""
        sums: Array = self.matrix.sum(axis=0) if self.has_matrix else self.matrix
        return sums

    def pairs(self, top_k: int = 10) -> list[tuple[int, int, float]]:
        """The pairs of tokens with the largest absolute cells: (first token, second token, value)."""
        order = np.argsort(-np.abs(self.matrix), axis=None, kind="stable")[:top_k]
        places = zip(*np.unravel_index(order, self.matrix.shape), strict=True)
        return [(int(row), int(column), float(self.matrix[row, column])) for row, column in places]

    def _about(self) -> str:
        size = f"matrix {len(self.first)} × {len(self.second)}" if self.has_matrix else "no matrix"
        return f"of {quoted((*self.first.texts, *self.second.texts))} → cosine {signed(self.score)}: {size}"

    def frame(self) -> pd.DataFrame:
        """One row per pair of tokens."""
        import pandas as pd

        rows, columns = np.indices(self.states.shape)
        table = {
            "first": [self.first.tokens[index] for index in rows.ravel()],
            "second": [self.second.tokens[index] for index in columns.ravel()],
            "first_position": rows.ravel(),
            "second_position": columns.ravel(),
            "states": self.states.ravel(),
        }
        if self.has_matrix:
            table["value"] = self.matrix.ravel()
        return pd.DataFrame(table)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SimilarityRanking(Result):
    """The cosine of each text with the query."""

    query: Encoded
    texts: tuple[str, ...]
    scores: Array  # (text,)
    pooling: Literal["mean", "cls"]
    forward_passes: int = 0
    seconds: float = 0.0

    _arrays: ClassVar[Mapping[str, str]] = {"scores": "float32"}

    @property
    def order(self) -> Array:
        """(text,) indices, the closest first; of equal ones the earlier first."""
        order: Array = np.argsort(-self.scores, kind="stable")
        return order

    def _about(self) -> str:
        best = int(self.order[0])
        return (
            f"of {quoted(self.query.texts)} → “{clipped(self.texts[best], 40)}” {signed(float(self.scores[best]))}: "
            f"{counted(len(self.texts), 'text')}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per text, the closest first."""
        import pandas as pd

        return pd.DataFrame(
            {
                "rank": range(1, len(self.texts) + 1),
                "text": [self.texts[index] for index in self.order],
                "score": self.scores[self.order],
                "index": self.order,
            }
        )
