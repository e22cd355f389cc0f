"""What an attribution returns: one score for each token, or word, and what it was computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from glassbert.pictures.formats import signed
from glassbert.pictures.markup import clipped
from glassbert.pictures.tokens import tokens_html
from glassbert.results import Array, Encoded, Result, counted, quoted, tidy
from glassbert.targets import Output, Target, unit_of
from glassbert.text.words import merge_scores, words_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ScoresByWord", "TokenScores"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TokenScores(Result):
    """An attribution: how much each token contributed to the target's value F.

    ``value`` is F(x), ``baseline_value`` F(baseline) if the method has one. ``delta`` is
    Σ scores − (F(x) − F(baseline)), in the units of ``output``; ``None`` if completeness does not apply.
    ``forward_passes`` counts single inputs sent through the network; ``seconds`` is wall time.
    """

    encoded: Encoded
    scores: Array  # (token,)
    method: str
    target: Target
    target_label: str
    output: Output
    value: float
    baseline: str | None
    baseline_value: float | None
    delta: float | None
    forward_passes: int
    seconds: float
    options: dict[str, Any]

    _arrays: ClassVar[Mapping[str, str]] = {"scores": "float32"}

    @property
    def unit(self) -> str:
        """What F is measured in: "logits", "probability" or "cosine"."""
        return unit_of(self.target, self.output)

    @property
    def relative_delta(self) -> float | None:
        """|delta| / |F(x) − F(baseline)|: the relative completeness error."""
        if self.delta is None or self.baseline_value is None:
            return None
        return abs(self.delta) / max(abs(self.value - self.baseline_value), 1e-6)

    def by_word(self) -> ScoresByWord:
        """One score per word: the sum over its tokens, so that the total stays the same.

        Each special token remains an entry of its own. Words are those of the tokenizer's pre-tokenizer: a punctuation
        mark is a word too.
        """
        words = words_of(self.encoded)
        starts = np.flatnonzero(np.diff(words.group, prepend=-1))
        return ScoresByWord(
            by_token=self,
            words=words.labels,
            spans=np.stack((starts, np.append(starts[1:], len(self.encoded))), axis=-1),
            scores=merge_scores(self.scores.astype(np.float64), words),
        )

    def _about(self) -> str:
        sum_, value = signed(float(self.scores.sum(dtype=np.float64))), signed(self.value)
        return (
            f"{self.method} of {quoted(self.encoded.texts)} → {clipped(self.target_label, 40)}: "
            f"{counted(len(self.scores), 'token')}, sum {sum_} of F {value} ({self.output})"
        )

    def _picture(self) -> str:
        return tokens_html(self.encoded.pieces, self.scores, signed=bool((self.scores < 0).any()), legend=self.method)

    def frame(self) -> pd.DataFrame:
        """One row per token."""
        return tidy(
            {
                "position": np.arange(len(self.encoded)),
                "token": self.encoded.tokens,
                "word": self.encoded.word_ids,
                "special": self.encoded.special_tokens_mask.astype(bool),
                "score": self.scores,
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScoresByWord(Result):
    """An attribution by word: each score is the sum of the scores of the word's tokens, in float64.

    ``by_token`` is what it was summed from, with method, target, value, delta and options. ``spans`` are the
    tokens of each word, [start, stop); a special token is a word of its own.
    """

    by_token: TokenScores
    words: tuple[str, ...]  # (word,)
    spans: Array  # (word, 2), token positions
    scores: Array  # (word,)

    _arrays: ClassVar[Mapping[str, str]] = {"spans": "int64", "scores": "float64"}

    @property
    def special(self) -> Array:
        """(word,): True for special tokens such as [CLS]."""
        special: Array = self.by_token.encoded.special_tokens_mask[self.spans[:, 0]].astype(bool)
        return special

    def _about(self) -> str:
        of = self.by_token
        return (
            f"{of.method} of {quoted(of.encoded.texts)} → {clipped(of.target_label, 40)}: "
            f"{counted(len(self.words), 'word')}, sum {signed(float(self.scores.sum()))} of F {signed(of.value)} "
            f"({of.output})"
        )

    def _picture(self) -> str:
        return tokens_html(self.words, self.scores, signed=bool((self.scores < 0).any()), legend=self.by_token.method)

    def frame(self) -> pd.DataFrame:
        """One row per word: its tokens, whether it is special, its score."""
        return tidy(
            {
                "word": self.words,
                "start": self.spans[:, 0],
                "stop": self.spans[:, 1],
                "special": self.special,
                "score": self.scores,
            }
        )
