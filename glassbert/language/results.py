"""What a language model says about a text: the results of ``glassbert.language`` that compare places, layers and words.

Probabilities are a softmax over the whole vocabulary, surprisal is −log₂ p in bits, ranks start at 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from glassbert.pictures.markup import clipped
from glassbert.pictures.tokens import tokens_html
from glassbert.results import Array, Encoded, Result, counted, quoted, read_only

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ContinuationRanking", "LogitLens", "PieceScoring", "Surprise", "TemplateProbe", "WordScores"]

#: How a word of several pieces is scored, piece by piece. "original" (Salazar et al. 2020): the piece alone is masked,
#: its sisters are seen. "word_l2r" (Kauf & Ivanova 2023): the pieces after it in the same word are masked as well.
PieceScoring = Literal["original", "word_l2r"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LogitLens(Result):
    """The masked-word head on every layer's state (nostalgebraist 2020): what each layer would answer.

    Layer 0 is the embeddings, layer L the output: its row is ``fill_mask``'s, bit for bit. ``words`` are those that
    were asked for; ``original_*`` speak of the token that stood there, rank 0 and probability 0 for a typed mask.
    """

    encoded: Encoded  # with the masks in place
    positions: Array  # (mask,)
    candidate_ids: Array  # (layer, mask, candidate)
    candidates: tuple[tuple[tuple[str, ...], ...], ...]  # [layer][mask][candidate], vocabulary strings
    logits: Array  # (layer, mask, candidate)
    probabilities: Array  # (layer, mask, candidate)
    entropy: Array  # (layer, mask), in bits, of the whole distribution
    words: tuple[str, ...]  # (word,)
    word_ids: Array  # (mask, word), the vocabulary id of the word at this place
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
        """Rows of the lens: the network's layers and one for the embeddings."""
        return int(self.probabilities.shape[0])

    def _about(self) -> str:
        best = ", ".join(row[0] for row in self.candidates[-1])
        masks, candidates = self.probabilities.shape[1:]
        return (
            f"of {quoted(self.encoded.texts)} → {clipped(best, 40)}: "
            f"embeddings and {counted(self.layers - 1, 'layer')}, {counted(masks, 'mask')}, "
            f"{counted(candidates, 'candidate')} each"
        )

    def frame(self) -> pd.DataFrame:
        """One row a candidate."""
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
        """One row a followed word in a layer."""
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
    """How surprising each token is to the model that reads the rest: −log₂ p(token | text with it masked).

    ``positions`` are all tokens but the special ones and typed masks, which have no original. The sum is the
    pseudo-log-likelihood of the text with its sign turned (Salazar et al. 2020).
    """

    encoded: Encoded
    positions: Array  # (place,)
    surprisal: Array  # (place,), in bits
    probabilities: Array  # (place,), of the token that stands there
    ranks: Array  # (place,)
    choice_ids: Array  # (place,), the model's own first choice
    choices: tuple[str, ...]  # (place,), vocabulary strings
    choice_probabilities: Array  # (place,)
    entropy: Array  # (place,), in bits: how open the model holds this place
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
        """PLL = Σ ln p(token | rest), in nats, as the paper has it."""
        return -self.total * float(np.log(2))

    @property
    def pseudo_perplexity(self) -> float:
        """2 to the mean surprisal: among how many equally likely tokens the model seems to choose."""
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
        """One row a place."""
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
    """How likely given words are at one place.

    A word of one piece has its probability and rank from one forward pass, as in ``fill_mask``. A word of n pieces is
    put in place of n masks and has the product of its pieces' probabilities, each found with pieces masked as
    ``variant`` says, and rank 0: no rank. It is a probability among words of n pieces, since n masks tell the model n.
    """

    encoded: Encoded  # with one mask in place
    position: int  # of that mask
    replaced: tuple[str, ...]  # the tokens that stood there
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
        """One row a word."""
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
    """A sentence with slots, every combination of slot fillers, and what the model would put at its mask.

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
    choices: tuple[str, ...]  # (combination,), the model's own first choice
    choice_probabilities: Array  # (combination,)
    entropy: Array  # (combination,), in bits
    variant: PieceScoring
    forward_passes: int

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
        """One row a combination and word; slot columns are named as in the template, ``{job}``."""
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
    """Which of several sentences follows: next-sentence prediction for each, in the order given.

    ``swapped``: the candidates come first and ``first`` after them.
    """

    first: str
    candidates: tuple[str, ...]  # (candidate,)
    swapped: bool
    logits: Array  # (candidate, 2): is next, is not next
    probabilities: Array  # (candidate, 2)

    _arrays: ClassVar[Mapping[str, str]] = {"logits": "float32", "probabilities": "float32"}

    @property
    def is_next(self) -> Array:
        """(candidate,): the probability that the second text follows the first."""
        return read_only(self.probabilities[:, 0], "float32")

    @property
    def margins(self) -> Array:
        """(candidate,): logit of "is next" minus logit of "is not next"; still tells apart what rounds to 1."""
        return read_only(self.logits[:, 0] - self.logits[:, 1], "float32")

    @property
    def order(self) -> Array:
        """(candidate,): the candidates' numbers, the likeliest first; ties stay in the order given."""
        return read_only(np.argsort(-self.margins, kind="stable"), "int64")

    def _about(self) -> str:
        best = int(self.order[0])
        return (
            f"of {quoted((self.first,))} → {clipped(repr(self.candidates[best]), 50)} ({self.is_next[best]:.2f}): "
            f"{counted(len(self.candidates), 'candidate')}"
        )

    def frame(self) -> pd.DataFrame:
        """One row a candidate, the likeliest first."""
        import pandas as pd

        order = self.order
        return pd.DataFrame(
            {
                "rank": np.arange(1, len(order) + 1),
                "candidate": [self.candidates[index] for index in order],
                "probability": self.is_next[order],
                "margin": self.margins[order],
            }
        )
