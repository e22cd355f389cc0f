"""Results of ``glassbert.language`` that compare positions, layers and words.

Probabilities are a softmax over the whole vocabulary, surprisal is −log₂ p in bits, ranks start at 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from glassbert.pictures.formats import readable
from glassbert.pictures.markup import clipped
from glassbert.pictures.tokens import tokens_html
from glassbert.results import Array, Encoded, Result, counted, quoted, read_only

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ContinuationRanking", "LogitLens", "PieceScoring", "Surprise", "TemplateProbe", "WordScores"]

#: How a word of several pieces is scored, piece by piece. "original" (Salazar et al. 2020): only the piece itself is
#: masked. "word_l2r" (Kauf & Ivanova 2023): the later pieces of the same word are masked as well.
PieceScoring = Literal["original", "word_l2r"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LogitLens(Result):
    """The masked-word head on every layer's state (nostalgebraist 2020): what each layer would predict.

    Layer 0 is the embeddings, layer L the output: its row equals that of ``fill_mask`` bit for bit. ``words`` are those
    requested; ``original_*`` describe the original token, with rank 0 and probability 0 for a typed mask.
    """

    encoded: Encoded  # with the masks in place
    positions: Array  # (mask,)
    candidate_ids: Array  # (layer, mask, candidate)
    candidates: tuple[tuple[tuple[str, ...], ...], ...]  # [layer][mask][candidate], vocabulary strings
    logits: Array  # (layer, mask, candidate)
    probabilities: Array  # (layer, mask, candidate)
    entropy: Array  # (layer, mask), of the whole distribution, in bits
    words: tuple[str, ...]  # (word,)
    word_ids: Array  # (mask, word), the vocabulary id of the word at this position
    word_probabilities: Array  # (layer, mask, word)
    word_ranks: Array  # (layer, mask, word)
    original_ids: Array  # (mask,), −1 for a typed mask
    original_tokens: tuple[str, ...]  # (mask,), "" for a typed mask
    original_probabilities: Array  # (layer, mask)
    original_ranks: Array  # (layer, mask)

    _arrays: ClassVar[Mapping[str, str]] = {
        "positions": "int64",
        "candidate_ids": "int64",
        "logits": "float32",
        "probabilities": "float32",
        "entropy": "float32",
        "word_ids": "int64",
        "word_probabilities": "float32",
        "word_ranks": "int64",
        "original_ids": "int64",
        "original_probabilities": "float32",
        "original_ranks": "int64",
    }

    @property
    def layers(self) -> int:
        """The number of rows of the lens: the network's layers, plus one for the embeddings."""
        return int(self.probabilities.shape[0])

    def _about(self) -> str:
        best = ", ".join(readable(row[0], self.encoded.spelling) for row in self.candidates[-1])
        masks, candidates = self.probabilities.shape[1:]
        return (
            f"of {quoted(self.encoded.texts)} → {clipped(best, 40)}: "
            f"embeddings and {counted(self.layers - 1, 'layer')}, {counted(masks, 'mask')}, "
            f"{counted(candidates, 'candidate')} each"
        )

    def frame(self) -> pd.DataFrame:
        """One row per candidate."""
        import pandas as pd

        layer, mask, candidate = (index.ravel() for index in np.indices(self.probabilities.shape))
        return pd.DataFrame(
            {
                "layer": layer,
                "position": self.positions[mask],
                "rank": candidate + 1,
                "token": [token for rows in self.candidates for row in rows for token in row],
                "logit": self.logits.ravel(),
                "probability": self.probabilities.ravel(),
                "entropy": self.entropy[layer, mask],
            }
        )

    def word_frame(self) -> pd.DataFrame:
        """One row per layer and followed word."""
        import pandas as pd

        layer, mask, word = (index.ravel() for index in np.indices(self.word_probabilities.shape))
        return pd.DataFrame(
            {
                "layer": layer,
                "position": self.positions[mask],
                "word": [self.words[index] for index in word],
                "rank": self.word_ranks.ravel(),
                "probability": self.word_probabilities.ravel(),
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Surprise(Result):
    """How surprising each token is to a model that reads the rest: −log₂ p(token | text with it masked).

    ``positions`` are all tokens except special tokens and typed masks, which have no original. The sum is the negative
    pseudo-log-likelihood of the text (Salazar et al. 2020).
    """

    encoded: Encoded
    positions: Array  # (place,)
    surprisal: Array  # (place,), in bits
    probabilities: Array  # (place,), of the actual token
    ranks: Array  # (place,)
    choice_ids: Array  # (place,), the model's top prediction
    choices: tuple[str, ...]  # (place,), vocabulary strings
    choice_probabilities: Array  # (place,)
    entropy: Array  # (place,), in bits: how uncertain the model is at this position
    variant: PieceScoring
    forward_passes: int

    _arrays: ClassVar[Mapping[str, str]] = {
        "positions": "int64",
        "surprisal": "float32",
        "probabilities": "float32",
        "ranks": "int64",
        "choice_ids": "int64",
        "choice_probabilities": "float32",
        "entropy": "float32",
    }

    @property
    def total(self) -> float:
        """Σ surprisal, in bits."""
        return float(self.surprisal.sum(dtype=np.float64))

    @property
    def pseudo_log_likelihood(self) -> float:
        """PLL = Σ ln p(token | rest), in nats, as in the paper."""
        return -self.total * float(np.log(2))

    @property
    def pseudo_perplexity(self) -> float:
        """2 to the power of the mean surprisal: the effective number of equally likely choices per token."""
        return float(2 ** (self.total / len(self.positions)))

    @property
    def most_surprising(self) -> int:
        """The position of the token with the highest surprisal."""
        return int(self.positions[self.surprisal.argmax()])

    def by_token(self) -> Array:
        """(token,) surprisal in bits, NaN where there is none: special tokens and typed masks."""
        scores = np.full(len(self.encoded), np.nan, dtype=np.float32)
        scores[self.positions] = self.surprisal
        return read_only(scores, "float32")

    def _about(self) -> str:
        return (
            f"of {quoted(self.encoded.texts)}: {counted(len(self.positions), 'token')}, {self.total:.1f} bits, "
            f"pseudo-perplexity {self.pseudo_perplexity:.3g}"
        )

    def _picture(self) -> str:
        return tokens_html(self.encoded.pieces, self.by_token(), signed=False, legend="surprisal (bits)")

    def frame(self) -> pd.DataFrame:
        """One row per scored token."""
        import pandas as pd

        return pd.DataFrame(
            {
                "position": self.positions,
                "token": [self.encoded.tokens[position] for position in self.positions],
                "surprisal": self.surprisal,
                "probability": self.probabilities,
                "rank": self.ranks,
                "choice": self.choices,
                "choice_probability": self.choice_probabilities,
                "entropy": self.entropy,
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WordScores(Result):
    """How likely the given words are at one position.

    The probability and rank of a word of one piece come from one forward pass, as in ``fill_mask``. A word of n pieces
    takes the place of n masks; its probability is the product of its pieces' probabilities, each computed with pieces
    masked as ``variant`` specifies, and it has no rank (0). It is a probability among words of n pieces, since n masks
    reveal n to the model.
    """

    encoded: Encoded  # with one mask in place
    position: int  # of that mask
    replaced: tuple[str, ...]  # the original tokens there
    words: tuple[str, ...]  # (word,)
    pieces: tuple[tuple[str, ...], ...]  # (word, piece), vocabulary strings
    piece_ids: tuple[tuple[int, ...], ...]  # (word, piece)
    piece_probabilities: tuple[tuple[float, ...], ...]  # (word, piece)
    probabilities: Array  # (word,)
    surprisal: Array  # (word,), in bits
    ranks: Array  # (word,), 0 for a word of several pieces
    variant: PieceScoring
    forward_passes: int

    _arrays: ClassVar[Mapping[str, str]] = {
        "probabilities": "float32",
        "surprisal": "float32",
        "ranks": "int64",
    }

    def _about(self) -> str:
        best = int(self.probabilities.argmax())
        return (
            f"of {quoted(self.encoded.texts)} at token {self.position} → {clipped(self.words[best], 40)} "
            f"({self.probabilities[best]:.2g}): {counted(len(self.words), 'word')}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per word."""
        import pandas as pd

        return pd.DataFrame(
            {
                "word": self.words,
                "pieces": [" ".join(pieces) for pieces in self.pieces],
                "probability": self.probabilities,
                "surprisal": self.surprisal,
                "rank": self.ranks,
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TemplateProbe(Result):
    """A sentence with slots, every combination of slot fillers, and what the model predicts at its mask.

    Words of several pieces are scored as in :class:`WordScores`.
    """

    template: str
    slots: tuple[str, ...]  # (slot,), their names in order of appearance
    combinations: tuple[tuple[str, ...], ...]  # (combination, slot)
    texts: tuple[str, ...]  # (combination,)
    words: tuple[str, ...]  # (word,)
    pieces: tuple[tuple[str, ...], ...]  # (word, piece), vocabulary strings
    probabilities: Array  # (combination, word)
    surprisal: Array  # (combination, word), in bits
    ranks: Array  # (combination, word), 0 for a word of several pieces
    choices: tuple[str, ...]  # (combination,), the model's top prediction
    choice_probabilities: Array  # (combination,)
    entropy: Array  # (combination,), in bits
    variant: PieceScoring
    forward_passes: int
    spelling: str = ""  # of the vocabulary strings, as in :class:`glassbert.Encoded`

    _arrays: ClassVar[Mapping[str, str]] = {
        "probabilities": "float32",
        "surprisal": "float32",
        "ranks": "int64",
        "choice_probabilities": "float32",
        "entropy": "float32",
    }

    def labels(self) -> tuple[str, ...]:
        """(combination,): the slot fillers, for an axis."""
        return tuple(" · ".join(combination) for combination in self.combinations)

    def _about(self) -> str:
        return (
            f"of {quoted((self.template,))}: {counted(len(self.combinations), 'combination')}, "
            f"{counted(len(self.words), 'word')}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per combination and word; slot columns are named as in the template, ``{job}``."""
        import pandas as pd

        combination, word = (index.ravel() for index in np.indices(self.probabilities.shape))
        fillers = {
            f"{{{slot}}}": [self.combinations[index][number] for index in combination]
            for number, slot in enumerate(self.slots)
        }
        return pd.DataFrame(
            {
                **fillers,
                "text": [self.texts[index] for index in combination],
                "word": [self.words[index] for index in word],
                "probability": self.probabilities.ravel(),
                "surprisal": self.surprisal.ravel(),
                "rank": self.ranks.ravel(),
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ContinuationRanking(Result):
    """Which of several sentences follows: next-sentence prediction for each, in the given order.

    ``swapped``: each candidate comes before ``text``, not after it.
    """

    text: str
    candidates: tuple[str, ...]  # (candidate,)
    swapped: bool
    logits: Array  # (candidate, 2): is next, is not next
    probabilities: Array  # (candidate, 2)

    _arrays: ClassVar[Mapping[str, str]] = {"logits": "float32", "probabilities": "float32"}

    @property
    def probability(self) -> Array:
        """(candidate,): the probability of "is next"."""
        return read_only(self.probabilities[:, 0], "float32")

    @property
    def margins(self) -> Array:
        """(candidate,): logit of "is next" minus logit of "is not next"; not saturated like a probability near 1."""
        return read_only(self.logits[:, 0] - self.logits[:, 1], "float32")

    @property
    def order(self) -> Array:
        """(candidate,): the candidates' indices, the most likely first; ties keep the given order."""
        return read_only(np.argsort(-self.margins, kind="stable"), "int64")

    def _about(self) -> str:
        best = int(self.order[0])
        return (
            f"of {quoted((self.text,))} → {clipped(repr(self.candidates[best]), 50)} ({self.probability[best]:.2f}): "
            f"{counted(len(self.candidates), 'candidate')}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per candidate, the most likely first."""
        import pandas as pd

        order = self.order
        return pd.DataFrame(
            {
                "rank": np.arange(1, len(order) + 1),
                "candidate": [self.candidates[index] for index in order],
                "probability": self.probability[order],
                "margin": self.margins[order],
            }
        )
