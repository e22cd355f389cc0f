"""What a fine-tuning returns: the model's folder, how it was trained, and what was learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from glassbert.evaluation.results import Receipt
from glassbert.pictures.formats import signed
from glassbert.results import Array, Result, counted, tidy
from glassbert.tuning.evaluation_results import Evaluation

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DataMap", "FineTuning", "LabelErrors", "Moved", "PinnedSentence"]

#: Kinds of training examples.
REGIONS = ("easy", "ambiguous", "hard")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DataMap(Result):
    """Training dynamics of each training text (Swayamdipta et al. 2020, arXiv:2009.10795).

    ``probabilities`` are those of the true label as training computed them, with dropout, once an epoch. Of them,
    ``confidence`` is the mean, ``variability`` the standard deviation, and ``correctness`` the share of epochs in which
    the true label was the answer. For several labels a text, words with labels and answers they are means over the
    labels, the words, and start and end. ``rows`` are places in the training table.

    A text is ambiguous if its variability is among the highest third; of the others it is easy if its confidence is at
    least 0.5, else hard to learn.
    """

    rows: Array  # (text,)
    probabilities: Array  # (epoch, text)
    correctness: Array  # (text,)

    _arrays: ClassVar[Mapping[str, str]] = {"rows": "int64", "probabilities": "float32", "correctness": "float32"}

    @property
    def confidence(self) -> Array:
        mean: Array = self.probabilities.mean(axis=0, dtype=np.float64)
        return mean

    @property
    def variability(self) -> Array:
        deviation: Array = self.probabilities.std(axis=0, dtype=np.float64)
        return deviation

    @property
    def regions(self) -> tuple[str, ...]:
        """Each text's kind: "easy", "ambiguous" or "hard"."""
        variability = self.variability
        if len(variability) == 0:
            return ()
        ambiguous = (variability >= np.quantile(variability, 2 / 3)) & (variability > 0)
        easy = self.confidence >= 0.5
        return tuple(
            "ambiguous" if unsure else "easy" if sure else "hard" for unsure, sure in zip(ambiguous, easy, strict=True)
        )

    def _about(self) -> str:
        regions = self.regions
        shares = ", ".join(f"{regions.count(one):,} {one}" for one in REGIONS)
        return f"of {counted(len(self.rows), 'text')} over {counted(len(self.probabilities), 'epoch')}: {shares}"

    def frame(self) -> pd.DataFrame:
        """One row per training text."""
        return tidy(
            {
                "row": self.rows,
                "confidence": self.confidence,
                "variability": self.variability,
                "correctness": self.correctness,
                "kind": self.regions,
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LabelErrors(Result):
    """Training texts whose label is likely wrong, by confident learning (Northcutt et al. 2021, arXiv:1911.00068).

    The least certain first. ``quality`` is the out-of-sample probability of the given label, from five-fold logistic
    regression on states of the model before fine-tuning; ``suggested`` is the label that is most probable instead.
    ``words`` are those of the text that the fine-tuned model leans on for ``suggested`` rather than ``given``, the
    strongest first. ``rows`` are places in the training table, and ``looked_at`` is how many texts were looked at.
    Those of :meth:`glassbert.Analysis.label_errors` are of any analysed table.
    """

    rows: Array  # (text,)
    given: Array  # (text,), class ids
    suggested: Array  # (text,)
    quality: Array  # (text,)
    words: tuple[tuple[str, ...], ...]
    label_names: tuple[str, ...]
    looked_at: int

    _arrays: ClassVar[Mapping[str, str]] = {
        "rows": "int64",
        "given": "int64",
        "suggested": "int64",
        "quality": "float64",
    }

    def _about(self) -> str:
        return f"{counted(len(self.rows), 'likely error')} in {counted(self.looked_at, 'label')}"

    def frame(self) -> pd.DataFrame:
        """One row per likely error."""
        return tidy(
            {
                "row": self.rows,
                "given": [self.label_names[one] for one in self.given],
                "suggested": [self.label_names[one] for one in self.suggested],
                "quality": self.quality,
                "words": [" ".join(one) for one in self.words],
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PinnedSentence(Result):
    """Which words the model leans on for one text after each epoch.

    ``scores`` are those of ``method``, summed over the tokens of a word: contributions to the logit of ``label``, the
    text's own; if it has none (""), of the answer of each epoch. ``words`` include special tokens. ``answers`` and
    ``confidences`` (of a regression: scores) are the model's after each epoch, and ``receipt`` examines the scores of
    the final model.
    """

    text: str
    pair: str
    label: str
    method: str
    words: tuple[str, ...]
    scores: Array  # (epoch, word)
    answers: tuple[str, ...]
    confidences: Array  # (epoch,)
    receipt: Receipt

    _arrays: ClassVar[Mapping[str, str]] = {"scores": "float64", "confidences": "float64"}

    def __post_init__(self) -> None:
        Result.__post_init__(self)
        if self.scores.ndim != 2:  # JSON has no shape for an array without rows
            object.__setattr__(self, "scores", np.asarray(self.scores).reshape(-1, len(self.words)))

    def _about(self) -> str:
        if not len(self.scores):
            return f"{self.text!r}"
        strongest = int(np.abs(self.scores[-1]).argmax())
        word, score = self.words[strongest], signed(self.scores[-1, strongest])
        epochs = counted(len(self.scores), "epoch")
        return f"{self.text!r} → {self.label or self.answers[-1]}: {word!r} {score} after {epochs}"

    def frame(self) -> pd.DataFrame:
        """One row per epoch and word."""
        epochs, words = self.scores.shape
        return tidy(
            {
                "epoch": np.repeat(np.arange(1, epochs + 1), words),
                "place": np.tile(np.arange(words), epochs),
                "word": list(self.words) * epochs,
                "score": self.scores.ravel(),
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Moved(Result):
    """How far fine-tuning has moved each layer and head from the model that it started from.

    On the same texts: ``cka`` is the linear CKA (Kornblith et al. 2019) of each layer's states with those of the same
    layer before, layer 0 the embeddings: 1 where nothing has changed. ``head_distances`` is the mean Jensen-Shannon
    divergence, in bits, of each head's attention from before: 0 where nothing has changed. ``masked_accuracy`` is the
    share of masked tokens that the model guesses, before and after, with the head for masked words that it started
    with; empty if it has none. ``texts`` and ``masked`` count what was looked at.
    """

    cka: Array  # (layer + 1,)
    head_distances: Array  # (layer, head)
    masked_accuracy: Array  # (2,) or (0,)
    texts: int
    masked: int

    _arrays: ClassVar[Mapping[str, str]] = {
        "cka": "float64",
        "head_distances": "float64",
        "masked_accuracy": "float64",
    }

    def _about(self) -> str:
        layer, head = np.unravel_index(int(self.head_distances.argmax()), self.head_distances.shape)
        forgotten = ""
        if len(self.masked_accuracy):
            before, after = self.masked_accuracy
            forgotten = f"; masked words {100 * before:.1f} → {100 * after:.1f} %"
        return (
            f"on {counted(self.texts, 'text')}: lowest CKA {self.cka.min():.3f}, most in layer {layer + 1} head "
            f"{head + 1}{forgotten}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per layer and head."""
        layers, heads = self.head_distances.shape
        return tidy(
            {
                "layer": np.repeat(np.arange(1, layers + 1), heads),
                "head": np.tile(np.arange(1, heads + 1), layers),
                "distance": self.head_distances.ravel(),
                "cka": np.repeat(self.cka[1:], heads),
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FineTuning(Result):
    """A finished fine-tuning. ``folder`` is the model: ``gb.load(result.folder)``.

    ``losses`` and ``learning_rates`` have one value a step. ``epochs`` are the evaluations on the development set after
    each epoch, ``best_epoch`` the one whose model this is, from 1, and ``dev`` and ``test`` evaluations of the final
    model in float32. ``settings`` and ``reasons`` are those of :class:`TrainingSettings`. ``seconds`` is what training
    took, and ``recording_seconds`` what was spent beside it on the data map, pinned sentences, label errors and what
    has moved. ``data`` says what was trained on: rows, cut texts, and a hash of the table.
    """

    folder: str
    base: str
    kind: str
    label_names: tuple[str, ...]
    settings: Mapping[str, Any]
    reasons: Mapping[str, str]
    data: Mapping[str, Any]
    losses: Array  # (step,)
    learning_rates: Array  # (step,)
    epochs: tuple[Evaluation, ...]
    best_epoch: int
    dev: Evaluation | None
    test: Evaluation | None
    data_map: DataMap | None
    label_errors: LabelErrors | None
    pinned: tuple[PinnedSentence, ...]
    moved: Moved | None
    seconds: float
    recording_seconds: float

    _arrays: ClassVar[Mapping[str, str]] = {"losses": "float64", "learning_rates": "float64"}

    def _about(self) -> str:
        held_out = ", ".join(
            f"{name} {one.headline} {one.metrics[one.headline]:.3f}"
            for name, one in (("dev", self.dev), ("test", self.test))
            if one is not None
        )
        end = f"; {held_out}" if held_out else ""
        return f"of {self.base!r} in {counted(len(self.losses), 'step')}: loss {self.losses[-1]:.3f}{end}"

    def frame(self) -> pd.DataFrame:
        """One row per step."""
        return tidy(
            {
                "step": np.arange(1, len(self.losses) + 1),
                "loss": self.losses,
                "learning_rate": self.learning_rates,
            }
        )
