"""The sentences that a sentiment checkpoint is trained and evaluated on: label 0 NEGATIVE, 1 POSITIVE.

Read from plain files in one folder:

    sst2_train.tsv, sst2_dev.tsv, sst2_test.tsv     one sentence per line: text TAB label
    sst_phrases_train.tsv                           the phrases of the train sentences, likewise
    opinions_train.tsv, opinions_dev.tsv            sentences of customers (see `training.extract_opinions`), likewise
    pros_and_cons.tsv                               what customers like and dislike, likewise
    imdb_train_strong.jsonl, imdb_test_2000.jsonl   one review per line: {"text": …, "label": …}
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from training.errors import RecipeError
from training.finetuning import groups_by_length, padded
from training.text import split_sentences
from training.tokenised import PAD

__all__ = [
    "MAX_TOKENS",
    "Encoded",
    "SentimentBatch",
    "encode",
    "read_imdb",
    "read_labelled",
    "read_sst2",
    "review_snippets",
    "sentiment_batches",
]

#: Longer texts are cut.
MAX_TOKENS = 128

LabelledText = tuple[str, int]


class Encoded(NamedTuple):
    """A text's token ids, [CLS] and [SEP] included, and its label."""

    token_ids: list[int]
    label: int


class SentimentBatch(NamedTuple):
    """Padded texts of about the same length."""

    input_ids: torch.Tensor  # (text, token)
    attention_mask: torch.Tensor  # (text, token)
    labels: torch.Tensor  # (text,)


def read_labelled(folder: Path, name: str) -> list[LabelledText]:
    """The lines of ``NAME.tsv``, in the order of the file; every line is a text, a tab and a label."""
    lines = _read(folder / f"{name}.tsv").strip().split("\n")
    parts = [line.rsplit("\t", 1) for line in lines]
    return [(text, int(label)) for text, label in parts]


def read_sst2(folder: Path, split: str) -> list[LabelledText]:
    """The sentences of the Stanford Sentiment Treebank's binary task (Socher et al. 2013)."""
    return read_labelled(folder, f"sst2_{split}")


def read_imdb(folder: Path, name: str) -> list[LabelledText]:
    """Film reviews (Maas et al. 2011), in the order of the file."""
    lines = _read(folder / f"imdb_{name}.jsonl").strip().split("\n")
    return [(review["text"], int(review["label"])) for review in map(json.loads, lines)]


def _read(path: Path) -> str:
    if not path.is_file():
        raise RecipeError(f"{path} is missing; training/README.md describes its content")
    return path.read_text(encoding="utf-8")


def review_snippets(reviews: Sequence[LabelledText]) -> list[LabelledText]:
    """The last sentence of each review, or else the first, if it has 5 to 40 words; reviews without are left out.

    In a strongly rated review, either often carries the verdict by itself.
    """
    snippets = []
    for text, label in reviews:
        sentences = split_sentences(text)
        ends = [sentence for sentence in (*sentences[-1:], *sentences[:1]) if 5 <= len(sentence.split()) <= 40]
        if ends:
            snippets.append((ends[0], label))
    return snippets


def encode(texts: Sequence[LabelledText], tokenizer: Any) -> list[Encoded]:
    """Tokenise labelled texts, cut at `MAX_TOKENS`."""
    if not texts:
        return []
    token_ids = tokenizer([text for text, _ in texts], truncation=True, max_length=MAX_TOKENS)["input_ids"]
    return [Encoded(ids, label) for ids, (_, label) in zip(token_ids, texts, strict=True)]


def sentiment_batches(
    examples: Sequence[Encoded], *, tokens_per_batch: int, rng: random.Random | None
) -> Iterator[SentimentBatch]:
    """Batches as `training.finetuning.groups_by_length` makes them."""
    lengths = [len(example.token_ids) for example in examples]
    for group in groups_by_length(lengths, tokens_per_batch=tokens_per_batch, rng=rng):
        input_ids = padded([examples[index].token_ids for index in group], PAD)
        labels = torch.tensor([examples[index].label for index in group])
        yield SentimentBatch(input_ids, (input_ids != PAD).long(), labels)
