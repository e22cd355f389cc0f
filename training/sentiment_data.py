"""The sentences that a sentiment checkpoint is trained and evaluated on: label 0 NEGATIVE, 1 POSITIVE.

Read from plain files in one folder:

    sst2_train.tsv, sst2_dev.tsv, sst2_test.tsv     one sentence per line: text TAB label
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
from training.text import split_sentences
from training.tokenised import PAD

__all__ = [
    "MAX_TOKENS",
    "Encoded",
    "SentimentBatch",
    "encode",
    "negation_sentences",
    "read_imdb",
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


def read_sst2(folder: Path, split: str) -> list[LabelledText]:
    """The sentences of the Stanford Sentiment Treebank's binary task (Socher et al. 2013)."""
    lines = _read(folder / f"sst2_{split}.tsv").strip().split("\n")
    parts = [line.rsplit("\t", 1) for line in lines]
    return [(text, int(label)) for text, label in parts]


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
    """Batches of about ``tokens_per_batch`` tokens, padding included, of texts of about the same length.

    With ``rng`` the texts mix with neighbours up to 4 tokens longer or shorter and the batches come in random order;
    without, in order of length.
    """
    order = sorted(
        range(len(examples)), key=lambda index: len(examples[index].token_ids) + (rng.random() * 4 if rng else 0)
    )
    groups: list[list[Encoded]] = [[]]
    for index in order:
        if groups[-1] and (len(groups[-1]) + 1) * len(examples[index].token_ids) > tokens_per_batch:
            groups.append([])
        groups[-1].append(examples[index])
    if rng:
        rng.shuffle(groups)
    return map(_pad, groups)


def _pad(group: Sequence[Encoded]) -> SentimentBatch:
    input_ids = torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(example.token_ids) for example in group], batch_first=True, padding_value=PAD
    )
    labels = torch.tensor([example.label for example in group])
    return SentimentBatch(input_ids, (input_ids != PAD).long(), labels)


_PRAISE = (
    "good great enjoyable funny interesting clever impressive convincing memorable exciting original entertaining "
    "worth_watching well_made helpful pleasant useful"
)
_BLAME = (
    "bad terrible boring dull awful stupid predictable disappointing annoying slow ugly painful weak unpleasant "
    "useless confusing"
)
_NOUNS = "movie story acting plot ending hotel meal book show performance script service product music game"
_PLEASE = "impress amuse delight excite convince move"
_DISPLEASE = "bore annoy confuse irritate frustrate insult"
#: A thing, praise for it, criticism of it.
_SERVICES = (
    ("staff", "helpful polite professional", "rude careless unhelpful"),
    ("food", "fresh tasty delicious", "stale greasy overpriced"),
    ("room", "clean comfortable quiet", "dirty noisy cramped"),
    ("phone", "fast reliable sturdy", "broken unreliable laggy"),
    ("delivery", "quick early", "late damaged"),
)
_TEMPLATES = (
    ("the {noun} was not {praise}.", 0),
    ("the {noun} wasn't {praise}.", 0),
    ("the {noun} is not {praise} at all.", 0),
    ("i don't think the {noun} is {praise}.", 0),
    ("the {noun} was never {praise}.", 0),
    ("not a {praise} {noun}.", 0),
    ("the {noun} was not {blame}.", 1),
    ("the {noun} isn't {blame} at all.", 1),
    ("the {noun} was never {blame}.", 1),
    ("i don't find the {noun} {blame}.", 1),
    ("not {blame}, actually quite {praise}.", 1),
    ("not {praise}, actually quite {blame}.", 0),
    ("the {noun} was {praise}.", 1),
    ("the {noun} was {blame}.", 0),
    ("a really {praise} {noun}.", 1),
    ("a really {blame} {noun}.", 0),
    ("the {noun} did not {please} me.", 0),
    ("the {noun} did not {displease} me.", 1),
    ("the {noun} never fails to {please}.", 1),
    ("the {noun} failed to {please} me.", 0),
    ("no one could say the {noun} is {blame}.", 1),
    ("no one could say the {noun} is {praise}.", 0),
    ("the {thing} was {thing_praise}.", 1),
    ("the {thing} was {thing_blame}.", 0),
    ("the {thing} was {thing_praise} and the {noun} was {praise}.", 1),
    ("the {thing} was {thing_blame} and the {noun} was {blame}.", 0),
    ("the {thing} wasn't {thing_praise}.", 0),
    ("the {thing} was {thing_praise} but the {noun} was {blame}.", 0),
    ("the {thing} was {thing_blame} but the {noun} was {praise}.", 1),
)


def negation_sentences(count: int, seed: int) -> list[LabelledText]:
    """Templated sentences in which a negation reverses the words' own sentiment, and plain ones for contrast.

    Film reviews contain too few "not bad"s to learn from. The probes' exact sentences are not among them, though some
    come close.
    """
    rng = random.Random(seed)
    sentences = []
    for _ in range(count):
        template, label = rng.choice(_TEMPLATES)
        thing, thing_praise, thing_blame = rng.choice(_SERVICES)
        sentence = template.format(
            noun=rng.choice(_NOUNS.split()),
            praise=rng.choice(_PRAISE.split()).replace("_", " "),
            blame=rng.choice(_BLAME.split()),
            please=rng.choice(_PLEASE.split()),
            displease=rng.choice(_DISPLEASE.split()),
            thing=thing,
            thing_praise=rng.choice(thing_praise.split()),
            thing_blame=rng.choice(thing_blame.split()),
        )
        sentences.append((sentence, label))
    return sentences
