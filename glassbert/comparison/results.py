"""Differences between two sides: by word, head and layer.

A *row* is a row of a :class:`glassbert.WordAlignment`. Differences are always second − first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from glassbert.pictures.formats import signed
from glassbert.pictures.markup import clipped
from glassbert.pictures.overviews import overview_html
from glassbert.pictures.tokens import tokens_html
from glassbert.results import Array, Encoded, Result, counted, quoted
from glassbert.targets import Output, Target
from glassbert.text.results import WordAlignment, quoted_pair

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AttentionDifference",
    "AttributionDifference",
    "Changes",
    "Comparison",
    "HiddenSimilarity",
    "MaskedWordDifference",
    "PredictionDifference",
]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PredictionDifference(Result):
    """Predictions of both sides. ``head`` is "classification" or "next_sentence".

    ``divergence`` is the Jensen–Shannon divergence of the two distributions in bits, 0 to 1; None for labels that
    are not mutually exclusive (one sigmoid each) and for two regressions, whose ``first_probabilities`` and
    ``second_probabilities`` are their raw scores.
    """

    first: Encoded
    second: Encoded
    head: Literal["classification", "next_sentence"]
    labels: tuple[str, ...]
    first_probabilities: Array  # (label,)
    second_probabilities: Array  # (label,)
    divergence: float | None
    regression: bool = False

    _arrays: ClassVar[Mapping[str, str]] = {"first_probabilities": "float32", "second_probabilities": "float32"}

    @property
    def differences(self) -> Array:
        """(label,), second − first."""
        differences: Array = self.second_probabilities - self.first_probabilities
        return differences

    @property
    def decisions(self) -> tuple[str, str]:
        """The likeliest label of each; of a regression, its scores."""
        if self.regression:
            first, second = (
                ", ".join(f"{label} {score:.4g}" for label, score in zip(self.labels, scores, strict=True))
                for scores in (self.first_probabilities, self.second_probabilities)
            )
            return first, second
        return self.labels[self.first_probabilities.argmax()], self.labels[self.second_probabilities.argmax()]

    def _about(self) -> str:
        first, second = (clipped(label, 30) for label in self.decisions)
        return (
            f"of {quoted((*self.first.texts[:1], *self.second.texts[:1]))} → {first} and {second}: "
            f"{counted(len(self.labels), 'label')}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per label."""
        import pandas as pd

        return pd.DataFrame(
            {
                "label": self.labels,
                "first": self.first_probabilities,
                "second": self.second_probabilities,
                "difference": self.differences,
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MaskedWordDifference(Result):
    """Predictions of both sides for masked words: all pieces of a word are masked, and the first piece is predicted.

    ``divergence`` is the Jensen–Shannon divergence of the two distributions over the whole vocabulary in bits, 0 to 1.
    """

    alignment: WordAlignment
    rows: Array  # (mask,), rows of the alignment
    divergence: Array  # (mask,), in bits
    first_choices: tuple[str, ...]  # (mask,), vocabulary strings
    first_probabilities: Array  # (mask,), of the first's choice in the first
    second_choices: tuple[str, ...]  # (mask,)
    second_probabilities: Array  # (mask,), of the second's choice in the second

    _arrays: ClassVar[Mapping[str, str]] = {
        "rows": "int64",
        "divergence": "float32",
        "first_probabilities": "float32",
        "second_probabilities": "float32",
    }

    def _about(self) -> str:
        most = f", divergence at most {self.divergence.max():.2f} bits" if len(self.rows) else ""
        return f"of {quoted_pair(self.alignment)}: {counted(len(self.rows), 'masked word')}{most}"

    def frame(self) -> pd.DataFrame:
        """One row per masked word."""
        import pandas as pd

        labels = self.alignment.labels
        return pd.DataFrame(
            {
                "row": self.rows,
                "word": [labels[row] for row in self.rows],
                "divergence": self.divergence,
                "first_choice": self.first_choices,
                "first_probability": self.first_probabilities,
                "second_choice": self.second_choices,
                "second_probability": self.second_probabilities,
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AttentionDifference(Result):
    """Attention by word, second − first, over the words that both have; and how much each head differs.

    Rows and columns are ``rows`` of the alignment. Weight on words that one side lacks is excluded, so a row of
    ``values`` sums to 0 only where there are no gaps. ``divergence`` is the mean over queries of the Jensen–Shannon
    divergence of the two rows, in bits, 0 to 1; for it, the remainder of each row is rescaled to sum to 1.
    """

    alignment: WordAlignment
    rows: Array  # (word,), rows of the alignment
    values: Array  # (layer, head, query, key)
    divergence: Array  # (layer, head), in bits

    _arrays: ClassVar[Mapping[str, str]] = {"rows": "int64", "values": "float32", "divergence": "float32"}

    def _about(self) -> str:
        layers, heads = self.divergence.shape
        return (
            f"of {quoted_pair(self.alignment)}: {counted(layers, 'layer')} × {counted(heads, 'head')}, "
            f"{counted(len(self.rows), 'word')}, divergence at most {self.divergence.max():.2f} bits"
        )

    def _picture(self) -> str:
        return overview_html(
            np.abs(self.values), caption="a row for each layer, a map for each head: how much each weight differs"
        )

    def frame(self) -> pd.DataFrame:
        """One row per pair of words in a head."""
        import pandas as pd

        layer, head, query, key = (axis.ravel() for axis in np.indices(self.values.shape, dtype=np.int32))
        labels = np.asarray(self.alignment.labels, dtype=object)[self.rows]
        return pd.DataFrame(
            {
                "layer": layer,
                "head": head,
                "query": self.rows[query],
                "key": self.rows[key],
                "query_word": labels[query],
                "key_word": labels[key],
                "difference": self.values.ravel(),
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HiddenSimilarity(Result):
    """Similarity of the states, layer by layer, over the words that both have; layer 0 is the embeddings.

    A word's state is the mean of its tokens'. ``cka`` compares every layer of the first with every layer of the second
    (Kornblith et al. 2019), whatever their widths. ``cosine`` compares the same layer of both, word by word; it is
    empty where that is undefined, and ``reason`` states why.
    """

    alignment: WordAlignment
    rows: Array  # (word,), rows of the alignment
    cka: Array  # (layer of the first, layer of the second), 0 to 1
    cosine: Array  # (layer, word), −1 to 1; (0,) with a reason
    reason: str

    _arrays: ClassVar[Mapping[str, str]] = {"rows": "int64", "cka": "float32", "cosine": "float32"}

    def _about(self) -> str:
        first, second = self.cka.shape
        return (
            f"of {quoted_pair(self.alignment)}: {counted(first, 'layer')} × {counted(second, 'layer')}, "
            f"{counted(len(self.rows), 'word')}, CKA {self.cka[-1, -1]:.2f} at the last"
        )

    def frame(self) -> pd.DataFrame:
        """One row per word and layer: cosine. Without cosines, one row per pair of layers: cka."""
        import pandas as pd

        if self.reason:
            first, second = (axis.ravel() for axis in np.indices(self.cka.shape))
            return pd.DataFrame({"first_layer": first, "second_layer": second, "cka": self.cka.ravel()})
        layer, word = (axis.ravel() for axis in np.indices(self.cosine.shape))
        labels = np.asarray(self.alignment.labels, dtype=object)[self.rows]
        return pd.DataFrame(
            {"layer": layer, "row": self.rows[word], "word": labels[word], "cosine": self.cosine.ravel()}
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AttributionDifference(Result):
    """Contribution of each word to the same target on both sides, in units of ``output``: sums over the word's tokens.

    A word that one side lacks has the score 0 there, so the differences sum to the difference of the two sums of
    scores.
    """

    alignment: WordAlignment
    method: str
    target: Target  # as the first has it
    target_label: str
    output: Output
    first_scores: Array  # (row,)
    second_scores: Array  # (row,)
    first_value: float  # F of the first
    second_value: float

    _arrays: ClassVar[Mapping[str, str]] = {"first_scores": "float32", "second_scores": "float32"}

    @property
    def differences(self) -> Array:
        """(row,), second − first."""
        differences: Array = self.second_scores - self.first_scores
        return differences

    def _about(self) -> str:
        return (
            f"{self.method} of {quoted_pair(self.alignment)} → {clipped(self.target_label, 30)}: "
            f"F {signed(self.first_value)} and {signed(self.second_value)} ({self.output})"
        )

    def _picture(self) -> str:
        return tokens_html(self.alignment.labels, self.differences, legend=f"second − first, {self.output}")

    def frame(self) -> pd.DataFrame:
        """One row per row of the alignment."""
        import pandas as pd

        return pd.DataFrame(
            {
                "kind": self.alignment.kinds,
                "word": self.alignment.labels,
                "first": self.first_scores,
                "second": self.second_scores,
                "difference": self.differences,
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Changes(Result):
    """The largest changes, as data: the largest of each part first, part after part.

    ``parts`` names what changed: "prediction" (a label's probability), "masked_word" (divergence, bits), "attention"
    (one weight by word), "head" (divergence of a head, bits), "hidden" (1 − cosine), "layer" (1 − CKA of a layer with
    itself), "attribution" (a word's score). ``sizes`` keep the sign where there is one (second − first). Layers, heads
    and rows are −1, labels "" where they do not apply; ``key_rows`` is what is attended to.
    """

    alignment: WordAlignment
    parts: tuple[str, ...]  # (change,)
    sizes: Array  # (change,)
    layers: Array  # (change,)
    heads: Array  # (change,)
    rows: Array  # (change,)
    key_rows: Array  # (change,)
    labels: tuple[str, ...]  # (change,)

    _arrays: ClassVar[Mapping[str, str]] = {
        "sizes": "float32",
        "layers": "int64",
        "heads": "int64",
        "rows": "int64",
        "key_rows": "int64",
    }

    def _about(self) -> str:
        return f"of {quoted_pair(self.alignment)}: {counted(len(self.parts), 'change')}"

    def frame(self) -> pd.DataFrame:
        """One row per change, with its words."""
        import pandas as pd

        words = (*self.alignment.labels, "")  # −1 is the last
        return pd.DataFrame(
            {
                "part": self.parts,
                "size": self.sizes,
                "layer": self.layers,
                "head": self.heads,
                "word": [words[row] for row in self.rows],
                "key_word": [words[row] for row in self.key_rows],
                "label": self.labels,
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison(Result):
    """Two models on a text, or two texts on a model, part by part. A part that is None has its reason in ``reasons``.

    ``reasons``: part → why it cannot be compared. Parts that were not requested have none.
    """

    alignment: WordAlignment
    predictions: PredictionDifference | None
    masked_words: MaskedWordDifference | None
    attention: AttentionDifference | None
    hidden: HiddenSimilarity | None
    attribution: AttributionDifference | None
    changes: Changes
    reasons: dict[str, str]

    def _about(self) -> str:
        parts = ("predictions", "masked_words", "attention", "hidden", "attribution")
        there = [part for part in parts if getattr(self, part) is not None]
        return f"of {quoted_pair(self.alignment)}: {', '.join(there) or 'nothing to compare'}"

    def frame(self) -> pd.DataFrame:
        """The largest changes."""
        return self.changes.frame()
