"""The input of a pre-training step: which source, which sentences, which tokens are masked.

The objective is BERT's (Devlin et al. 2019): 15 % of the tokens are to be predicted, 80 % of those replaced by
[MASK], 10 % by a random token, 10 % left unchanged; and for a pair of texts, whether the second follows the first.
Three shapes of sequences are mixed, because the checkpoints should work on short sentences as well as long ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from training.errors import RecipeError
from training.tokenised import CLS, FIRST_WORD, MASK, PAD, SEP, VOCABULARY_SIZE, TokenisedSource

__all__ = [
    "EVERYDAY_SOURCES",
    "FIRST_SOURCES",
    "IGNORED",
    "SHAPES",
    "SOURCES",
    "Batch",
    "BatchSampler",
    "Pair",
    "Shape",
    "mask_tokens",
    "split_by_length",
]

Ids = npt.NDArray[np.int64]

#: Label of a position (or a sequence) that is not to be predicted.
IGNORED = -100

MASKED_SHARE = 0.15
#: Share of the drawn facts that have the whole object masked and nothing else.
OBJECT_MASK_SHARE = 0.7
#: Maximum share of a pair's length for the first text.
MAX_FIRST_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of sequence: its length in tokens, padding included, and how much of it is drawn from each source.

    Only the proportions of ``mix`` count. Those of the first sources are what the evaluation draws from, and sum to 1.
    """

    length: int
    pairs: bool
    mix: Mapping[str, float]


#: The sources of the first checkpoints: reference works, textbooks, novels, film reviews.
FIRST_SOURCES = ("books", "factbook", "facts", "imdb", "openstax", "wiki_full", "wiki_intro", "wordnet")
#: What the first sources lack: how people talk, write to each other and tell stories today.
EVERYDAY_SOURCES = (
    "african_storybook",
    "changelog_talk",
    "common_voice_en",
    "masc",
    "onestop_news",
    "sgd_dialogues",
    "topical_chat",
    "us_speeches_1945on",
)
#: Every source of the corpus.
SOURCES = tuple(sorted(FIRST_SOURCES + EVERYDAY_SOURCES))

_EVERYDAY_TEXTS = {
    "changelog_talk": 0.22,
    "topical_chat": 0.13,
    "masc": 0.09,
    "onestop_news": 0.05,
    "sgd_dialogues": 0.05,
    "african_storybook": 0.03,
    "us_speeches_1945on": 0.03,
}
_EVERYDAY_SENTENCES = {
    "changelog_talk": 0.14,
    "topical_chat": 0.12,
    "common_voice_en": 0.12,
    "masc": 0.07,
    "sgd_dialogues": 0.06,
    "african_storybook": 0.05,
    "onestop_news": 0.04,
}

#: Shape id → shape. The order is that of the shares given to `BatchSampler.draw_shape`.
SHAPES = {
    "long_pairs": Shape(
        128, True, {"wiki_full": 0.40, "openstax": 0.28, "books": 0.14, "imdb": 0.18, **_EVERYDAY_TEXTS}
    ),
    "short_pairs": Shape(
        64,
        True,
        {
            "wiki_full": 0.30,
            "wiki_intro": 0.12,
            "openstax": 0.22,
            "books": 0.16,
            "imdb": 0.20,
            **_EVERYDAY_TEXTS,
        },
    ),
    "single_sentences": Shape(
        32,
        False,
        {
            "facts": 0.22,
            "wordnet": 0.20,
            "factbook": 0.04,
            "wiki_full": 0.14,
            "wiki_intro": 0.10,
            "openstax": 0.12,
            "books": 0.10,
            "imdb": 0.08,
            **_EVERYDAY_SENTENCES,
        },
    ),
}


class Pair(NamedTuple):
    """Two texts and the label of the pair, in BERT's convention: 0, the second follows; 1, it is random."""

    first: Ids
    second: Ids
    label: int


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Sequences of one shape, all (sequence, token) except the last; positions not to be predicted are `IGNORED`."""

    input_ids: torch.Tensor
    token_type_ids: torch.Tensor
    labels: torch.Tensor
    next_sentence_labels: torch.Tensor  # (sequence,)


def split_by_length(batch: Batch, parts: int) -> list[Batch]:
    """The same sequences in ``parts`` batches sorted by length, each padded to the next multiple of 8 of its longest.

    Fewer than ``parts`` if there are fewer sequences. With lengths rounded up there are few shapes: for each, PyTorch's
    bfloat16 products keep a kernel and its buffers.
    """
    lengths = (batch.input_ids != PAD).sum(1)
    return [
        _rows(batch, rows, -(-int(lengths[rows].max()) // 8) * 8) for rows in lengths.argsort(stable=True).chunk(parts)
    ]


def _rows(batch: Batch, rows: torch.Tensor, length: int) -> Batch:
    return Batch(
        input_ids=batch.input_ids[rows, :length],
        token_type_ids=batch.token_type_ids[rows, :length],
        labels=batch.labels[rows, :length],
        next_sentence_labels=batch.next_sentence_labels[rows],
    )


def mask_tokens(tokens: Ids, rng: np.random.Generator) -> tuple[Ids, Ids]:
    """Mask 15 % of a sequence's tokens (at least one) by BERT's 80/10/10 rule; [CLS] and [SEP] are never hidden.

    Returns the tokens as the model sees them and the labels, both (token,).
    """
    inputs, labels = tokens.copy(), np.full_like(tokens, IGNORED)
    candidates = np.nonzero((tokens != CLS) & (tokens != SEP))[0]
    if not len(candidates):
        return inputs, labels
    hidden = rng.choice(candidates, max(1, round(len(candidates) * MASKED_SHARE)), replace=False)
    labels[hidden] = tokens[hidden]
    fate = rng.random(len(hidden))
    inputs[hidden[fate < 0.8]] = MASK
    replaced = hidden[(fate >= 0.8) & (fate < 0.9)]
    inputs[replaced] = rng.integers(FIRST_WORD, VOCABULARY_SIZE, len(replaced))
    return inputs, labels


def _mask_span(tokens: Ids, start: int, end: int) -> tuple[Ids, Ids]:
    inputs, labels = tokens.copy(), np.full_like(tokens, IGNORED)
    labels[start:end] = tokens[start:end]
    inputs[start:end] = MASK
    return inputs, labels


class _Documents:
    """The training or the held-out documents of one source, drawn in proportion to their number of sentences."""

    def __init__(self, name: str, source: TokenisedSource, *, held_out: bool) -> None:
        self.source = source
        documents = np.nonzero(source.held_out == held_out)[0]
        if not len(documents):
            kind = "held-out" if held_out else "training"
            raise RecipeError(f"the source {name} has no {kind} documents; leave it out or give it more text")
        sentences = source.document_starts[documents + 1] - source.document_starts[documents]
        self._all = documents
        self._all_cumulative = np.cumsum(sentences / sentences.sum())
        # a pair needs a document of two sentences
        self.paired = documents[sentences >= 2]
        paired_sentences = sentences[sentences >= 2].astype(np.float64)
        self._paired_cumulative = np.cumsum(paired_sentences / paired_sentences.sum())

    def draw(self, rng: np.random.Generator) -> int:
        return self._draw(rng, self._all, self._all_cumulative)

    def draw_paired(self, rng: np.random.Generator) -> int:
        return self._draw(rng, self.paired, self._paired_cumulative)

    @staticmethod
    def _draw(rng: np.random.Generator, documents: Ids, cumulative: npt.NDArray[np.float64]) -> int:
        # rounding can leave the last cumulative share just under 1
        return int(documents[min(int(np.searchsorted(cumulative, rng.random())), len(documents) - 1)])

    def sentences(self, document: int) -> tuple[int, int]:
        """First sentence of a document, and the end."""
        starts = self.source.document_starts
        return int(starts[document]), int(starts[document + 1])

    def span(self, start: int, end: int, min_tokens: int) -> tuple[Ids, int]:
        """Whole sentences from ``start`` up to ``min_tokens`` or to ``end``, and the next sentence."""
        parts: list[Ids] = []
        tokens, index = 0, start
        while index < end and tokens < min_tokens:
            parts.append(self.source.sentence(index))
            tokens += len(parts[-1])
            index += 1
        return np.concatenate(parts), index


class BatchSampler:
    """Draws batches from the training (or the held-out) documents; one seed, one stream of batches.

    ``folder`` contains the ``.npz`` files of ``sources``. The share of an omitted source goes to the others of the same
    shape. Raises `RecipeError` for a missing file, a source without documents, or one too small to draw pairs from.
    """

    def __init__(self, folder: Path, *, seed: int, held_out: bool = False, sources: Sequence[str] = SOURCES) -> None:
        unknown = sorted(set(sources) - set(SOURCES))
        if unknown:
            raise RecipeError(f"there is no source {', '.join(unknown)}; the sources are {', '.join(SOURCES)}")
        self._documents = {
            name: _Documents(name, TokenisedSource.load(folder / f"{name}.npz"), held_out=held_out) for name in sources
        }
        self._rng = np.random.default_rng(seed)

    def draw_shape(self, shares: Sequence[float]) -> str:
        """A shape id, drawn with the given shares of `SHAPES`."""
        return str(self._rng.choice(list(SHAPES), p=shares))

    def draw_batch(self, shape_id: str, sequences: int) -> Batch:
        """A batch of ``sequences`` sequences of one shape."""
        shape = SHAPES[shape_id]
        names = [name for name in shape.mix if name in self._documents]
        if not names:
            raise RecipeError(f"none of the sources of {shape_id} is there: {', '.join(shape.mix)}")
        shares = np.array([shape.mix[name] for name in names])
        shares /= shares.sum()
        input_ids = np.zeros((sequences, shape.length), np.int64)
        token_type_ids = np.zeros_like(input_ids)
        labels = np.full_like(input_ids, IGNORED)
        next_sentence_labels = np.full(sequences, IGNORED, np.int64)
        for row in range(sequences):
            name = names[int(self._rng.choice(len(names), p=shares))]
            if shape.pairs:
                pair = self.draw_pair(name, shape.length)
                tokens = np.concatenate([[CLS], pair.first, [SEP], pair.second, [SEP]])
                token_type_ids[row, len(pair.first) + 2 : len(tokens)] = 1
                next_sentence_labels[row] = pair.label
                inputs, targets = mask_tokens(tokens, self._rng)
            else:
                inputs, targets = self._draw_sentence(name, shape.length)
            input_ids[row, : len(inputs)] = inputs
            labels[row, : len(targets)] = targets
        arrays = (input_ids, token_type_ids, labels, next_sentence_labels)
        return Batch(*map(torch.from_numpy, arrays))

    def draw_pair(self, name: str, length: int) -> Pair:
        """Two texts of one source that fit, with [CLS] and two [SEP], into ``length`` tokens.

        The first is whole sentences of a document (one sentence in short pairs), cut at the end if it takes more
        than 70 % of the room. The second is, half of the time, the sentences after it; else sentences of another
        document of the same source. In short pairs it is one sentence half of the time, else as many as fit.
        """
        documents, rng = self._documents[name], self._rng
        if len(documents.paired) < 2:
            raise RecipeError(f"the source {name} needs two documents of two sentences or more to draw pairs from")
        document = documents.draw_paired(rng)
        first_sentence, end = documents.sentences(document)
        start = int(rng.integers(first_sentence, end - 1))
        room = length - 3
        long = length > 64
        first, after = documents.span(start, end - 1, int(room * rng.uniform(0.2, 0.6)) if long else 1)
        label = int(rng.random() < 0.5)
        if label == 0:
            start, end = after, end
        else:
            other = documents.draw_paired(rng)
            while other == document:
                other = documents.draw_paired(rng)
            first_sentence, end = documents.sentences(other)
            start = int(rng.integers(first_sentence, end))
        fill = long or rng.random() < 0.5
        second, _ = documents.span(start, end, max(room - len(first), 1) if fill else 1)
        first = first[: int(room * MAX_FIRST_SHARE)]
        return Pair(first, second[: room - len(first)], label)

    def _draw_sentence(self, name: str, length: int) -> tuple[Ids, Ids]:
        """One masked sentence: inputs and labels."""
        documents, rng = self._documents[name], self._rng
        sentence = int(rng.integers(*documents.sentences(documents.draw(rng))))
        tokens = documents.source.sentence(sentence)[: length - 2]
        sequence = np.concatenate([[CLS], tokens, [SEP]])
        if name == "facts" and rng.random() < OBJECT_MASK_SHARE:
            start, end = documents.source.object_spans[sentence]
            if start < end <= len(tokens):
                return _mask_span(sequence, start + 1, end + 1)  # + 1: [CLS]
        return mask_tokens(sequence, rng)
