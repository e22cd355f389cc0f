"""What the task heads predict: masked words, classes, the next sentence, token labels, answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import numpy as np

from glassbert.decision import PAIR_NAMES
from glassbert.pictures.formats import readable
from glassbert.pictures.markup import clipped
from glassbert.results import Array, Encoded, Result, counted, quoted, read_only, tidy

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Aggregation",
    "AnswerPrediction",
    "Classification",
    "Entities",
    "MaskPrediction",
    "PairPrediction",
    "Prediction",
    "ReplacedTokens",
    "TokenLabels",
]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MaskPrediction(Result):
    """What the masked language model predicts at each masked position.

    Candidates are sorted by probability, from a softmax over the whole vocabulary. ``original_*`` describe the original
    token, before masking: rank 1 is the model's top prediction; id −1, rank 0 and probability 0 mean that the mask was
    typed in the text and there is no original.
    """

    encoded: Encoded  # with the masks in place
    positions: Array  # (mask,)
    candidate_ids: Array  # (mask, candidate)
    candidates: tuple[tuple[str, ...], ...]  # (mask, candidate), vocabulary strings
    logits: Array  # (mask, candidate)
    probabilities: Array  # (mask, candidate)
    entropy: Array  # (mask,), of the whole distribution, in bits
    original_ids: Array  # (mask,)
    original_tokens: tuple[str, ...]  # (mask,), "" for a typed mask
    original_ranks: Array  # (mask,)
    original_probabilities: Array  # (mask,)

    _arrays: ClassVar[Mapping[str, str]] = {
        "positions": "int64",
        "candidate_ids": "int64",
        "logits": "float32",
        "probabilities": "float32",
        "entropy": "float32",
        "original_ids": "int64",
        "original_ranks": "int64",
        "original_probabilities": "float32",
    }

    def _about(self) -> str:
        best = [
            f"{readable(row[0], self.encoded.spelling)} ({share:.2f})"
            for row, share in zip(self.candidates, self.probabilities[:, 0], strict=True)
        ]
        masks, candidates = self.probabilities.shape
        return (
            f"of {quoted(self.encoded.texts)} → {clipped(', '.join(best), 60)}: "
            f"{counted(masks, 'mask')}, {counted(candidates, 'candidate')} each"
        )

    def frame(self) -> pd.DataFrame:
        """One row per candidate."""
        masks, candidates = self.probabilities.shape
        return tidy(
            {
                "position": np.repeat(self.positions, candidates),
                "rank": np.tile(np.arange(1, candidates + 1), masks),
                "token": [token for row in self.candidates for token in row],
                "logit": self.logits.ravel(),
                "probability": self.probabilities.ravel(),
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Classification(Result):
    """A classifier's prediction; ``probabilities`` are the softmax of ``logits``.

    For a multi-label checkpoint (``problem_type`` in its config), and for one with a single score, they are one sigmoid
    per label and need not sum to 1. A regression has scores, in ``logits``, and no probabilities: the array is empty.
    """

    encoded: Encoded
    labels: tuple[str, ...]
    logits: Array  # (label,)
    probabilities: Array  # (label,), empty for a regression
    multi_label: bool = False
    regression: bool = False

    _arrays: ClassVar[Mapping[str, str]] = {"logits": "float32", "probabilities": "float32"}

    @property
    def predicted(self) -> int:
        """The id of the label with the highest score."""
        return int(self.logits.argmax())

    @property
    def is_between_two(self) -> bool:
        """Whether two classes share the probability, so that a threshold can decide between them."""
        return len(self.labels) == 2 and not self.multi_label and not self.regression

    def decided(self, threshold: float = 0.5) -> int:
        """The id of the answer: of two classes, the second if its probability is above the threshold; else
        ``predicted``."""
        if threshold == 0.5 or not self.is_between_two:
            return self.predicted
        return int(self.probabilities[1] > threshold)

    def _about(self) -> str:
        if self.regression:
            scores = ", ".join(f"{name} {score:.4g}" for name, score in zip(self.labels, self.logits, strict=True))
            return f"of {quoted(self.encoded.texts)} → {clipped(scores, 60)}: {counted(len(self.labels), 'score')}"
        best = f"{clipped(self.labels[self.predicted], 40)} ({self.probabilities[self.predicted]:.2f})"
        return f"of {quoted(self.encoded.texts)} → {best}: {counted(len(self.labels), 'label')}"

    def frame(self) -> pd.DataFrame:
        """One row per label."""
        if self.regression:
            return tidy({"label": self.labels, "score": self.logits})
        return tidy({"label": self.labels, "logit": self.logits, "probability": self.probabilities})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PairPrediction(Result):
    """Next-sentence prediction (Devlin et al. 2019): index 0 "B follows A", index 1 "B does not follow A"."""

    encoded: Encoded
    logits: Array  # (2,)
    probabilities: Array  # (2,)

    _arrays: ClassVar[Mapping[str, str]] = {"logits": "float32", "probabilities": "float32"}

    @property
    def probability(self) -> float:
        """The probability of "is next": that the second text follows the first."""
        return float(self.probabilities[0])

    @property
    def predicted(self) -> int:
        """0 if the second text is said to follow, else 1."""
        return 0 if self.probability >= 0.5 else 1

    @property
    def answer(self) -> str:
        """``B does not follow A``; its probability is ``probabilities[predicted]``."""
        return PAIR_NAMES[self.predicted]

    def _about(self) -> str:
        answer = ("is next", "is not next")[self.predicted]
        return f"of {quoted(self.encoded.texts)} → {answer}: probability of is next {self.probability:.2f}"

    def frame(self) -> pd.DataFrame:
        """One row per answer."""
        return tidy({"answer": ("is next", "is not next"), "logit": self.logits, "probability": self.probabilities})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TokenLabels(Result):
    """A token classifier's prediction (named entities, parts of speech): a softmax over labels for each token."""

    encoded: Encoded
    labels: tuple[str, ...]
    logits: Array  # (token, label)
    probabilities: Array  # (token, label)

    _arrays: ClassVar[Mapping[str, str]] = {"logits": "float32", "probabilities": "float32"}

    @property
    def predicted(self) -> Array:
        """The label id of each token, (token,)."""
        return read_only(self.logits.argmax(axis=-1), "int64")

    def _about(self) -> str:
        found = [self.labels[label] for label in self.predicted[self.encoded.special_tokens_mask == 0]]
        return (
            f"of {quoted(self.encoded.texts)} → {clipped(' '.join(found), 60)}: "
            f"{counted(len(self.encoded), 'token')}, {counted(len(self.labels), 'label')}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per token: its predicted label."""
        best = self.predicted
        return tidy(
            {
                "position": np.arange(len(self.encoded)),
                "token": self.encoded.tokens,
                "label": [self.labels[index] for index in best],
                "probability": self.probabilities[np.arange(len(best)), best],
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ReplacedTokens(Result):
    """Which tokens a discriminator takes for replaced (Clark et al. 2020): one sigmoid for each token."""

    encoded: Encoded
    logits: Array  # (token,)
    probabilities: Array  # (token,), that the token was replaced

    _arrays: ClassVar[Mapping[str, str]] = {"logits": "float32", "probabilities": "float32"}

    @property
    def predicted(self) -> Array:
        """Whether each token is said to be replaced, (token,): a probability above 50%."""
        found: Array = self.logits > 0
        return found

    @property
    def most_suspicious(self) -> int:
        """The position of the token with the highest probability, special tokens left out."""
        return int(np.where(self.encoded.special_tokens_mask == 0, self.logits, -np.inf).argmax())

    def _about(self) -> str:
        worst = self.most_suspicious
        name = readable(self.encoded.tokens[worst], self.encoded.spelling)
        return (
            f"of {quoted(self.encoded.texts)} → {clipped(name, 40)} ({self.probabilities[worst]:.2f}): "
            f"{counted(len(self.encoded), 'token')}, {int(self.predicted.sum())} replaced"
        )

    def frame(self) -> pd.DataFrame:
        """One row per token: the probability that it was replaced."""
        return tidy(
            {
                "position": np.arange(len(self.encoded)),
                "token": self.encoded.tokens,
                "replaced": self.predicted,
                "logit": self.logits,
                "probability": self.probabilities,
            }
        )


#: How the labels of tokens become those of spans, as in the pipeline of transformers.
Aggregation: TypeAlias = Literal["none", "simple", "first", "average", "max"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Entities(Result):
    """The spans that a token classifier finds, in the order of the text.

    ``spans`` are token positions [start, stop), ``names`` their types (with ``aggregation`` "none" the labels
    themselves), ``probabilities`` the mean over the tokens or words of each. ``labelled`` is what they were made from.
    """

    labelled: TokenLabels
    aggregation: Aggregation
    spans: Array  # (entity, 2)
    names: tuple[str, ...]  # (entity,)
    probabilities: Array  # (entity,)

    _arrays: ClassVar[Mapping[str, str]] = {"spans": "int64", "probabilities": "float32"}

    def __post_init__(self) -> None:
        Result.__post_init__(self)
        if self.spans.ndim != 2:  # JSON has no shape for an array without rows
            object.__setattr__(self, "spans", read_only(self.spans.reshape(-1, 2), "int64"))

    @property
    def encoded(self) -> Encoded:
        """The text."""
        return self.labelled.encoded

    @property
    def offsets(self) -> Array:
        """(entity, 2): characters [start, end) of the text."""
        starts, ends = self.encoded.offsets[:, 0], self.encoded.offsets[:, 1]
        return np.stack((starts[self.spans[:, 0]], ends[self.spans[:, 1] - 1]), axis=-1)

    @property
    def surfaces(self) -> tuple[str, ...]:
        """The entities as the text has them."""
        return tuple(self.encoded.texts[0][start:end] for start, end in self.offsets.tolist())

    def _about(self) -> str:
        named = ", ".join(f"{name} {clipped(text, 20)!r}" for name, text in zip(self.names, self.surfaces, strict=True))
        return f"of {quoted(self.encoded.texts)} → {clipped(named or 'none', 70)}: {counted(len(self.names), 'entity')}"

    def frame(self) -> pd.DataFrame:
        """One row per entity: its text, label and probability, and its characters [start, end)."""
        offsets = self.offsets
        return tidy(
            {
                "text": self.surfaces,
                "label": self.names,
                "probability": self.probabilities,
                "start": offsets[:, 0],
                "end": offsets[:, 1],
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AnswerPrediction(Result):
    """Extractive question answering: where the answer starts and ends in the second text.

    ``spans`` are the best answers, (first token, last token), sorted by ``span_probabilities``: the product of the
    softmax over start positions and the softmax over end positions, both restricted to the context, and to [CLS] if the
    model may find ``no_answer``: then that is the span (0, 0) and the answer "".
    """

    encoded: Encoded
    start_logits: Array  # (token,)
    end_logits: Array  # (token,)
    spans: Array  # (answer, 2)
    span_probabilities: Array  # (answer,)
    answers: tuple[str, ...]
    no_answer: bool = False

    _arrays: ClassVar[Mapping[str, str]] = {
        "start_logits": "float32",
        "end_logits": "float32",
        "spans": "int64",
        "span_probabilities": "float32",
    }

    @property
    def start_probabilities(self) -> Array:
        """(token,): that the answer starts there; 0 where it cannot."""
        return self._shares(self.start_logits)

    @property
    def end_probabilities(self) -> Array:
        """(token,): that the answer ends there; 0 where it cannot."""
        return self._shares(self.end_logits)

    def _shares(self, logits: Array) -> Array:
        possible = self.encoded.sequence_ids == 1
        possible[0] |= self.no_answer
        odds = np.where(possible, np.exp(logits - logits[possible].max(), dtype=np.float64), 0)
        return read_only(odds / odds.sum(), "float32")

    def _about(self) -> str:
        best = f"{clipped(repr(self.answers[0]), 50)} ({self.span_probabilities[0]:.2f})" if self.answers else "none"
        return f"of {quoted(self.encoded.texts)} → {best}: {counted(len(self.answers), 'answer')}"

    def frame(self) -> pd.DataFrame:
        """One row per answer."""
        return tidy(
            {
                "answer": self.answers,
                "first_token": self.spans[:, 0],
                "last_token": self.spans[:, 1],
                "probability": self.span_probabilities,
            }
        )


#: What one of the task heads predicts.
Prediction: TypeAlias = (
    Classification | MaskPrediction | PairPrediction | TokenLabels | Entities | ReplacedTokens | AnswerPrediction
)
