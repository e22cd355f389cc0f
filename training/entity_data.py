"""The sentences that an entities checkpoint is trained and evaluated on: names of people, organisations, places, other.

Read from JSON lines in one folder, ``{"tokens": […], "tags": […]}``, a tag per word: O, or B- and I- with PER, ORG, LOC
or MISC.

    crossner_{train,dev,test}.jsonl     Wikipedia: politics, science, music, literature, AI (Liu et al. 2021)
    gum_open_{train,dev,test}.jsonl     many kinds of text: the names among GUM's mentions (Zeldes 2017)
    wnut17_{train,dev,test}.jsonl       social media, rare names (Derczynski et al. 2017)
    btc_{train,dev,test}.jsonl          tweets (Derczynski et al. 2016)
    wikigold_all.jsonl                  Wikipedia (Balasuriya et al. 2009)
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from training.errors import RecipeError
from training.finetuning import groups_by_length, padded
from training.tokenised import PAD

__all__ = [
    "IGNORED",
    "LABELS",
    "MAX_TOKENS",
    "OTHER_OR_OUTSIDE",
    "TYPES",
    "EncodedSentence",
    "EntityBatch",
    "Sentence",
    "encode",
    "entity_batches",
    "mentions",
    "read_sentences",
    "replace_mentions",
    "spans",
    "text_of",
    "without",
    "without_other",
    "without_user_names",
]

TYPES = ("PER", "ORG", "LOC", "MISC")
LABELS = ("O", *(f"{prefix}-{kind}" for kind in TYPES for prefix in "BI"))
#: Longer sentences are cut.
MAX_TOKENS = 128
#: The label of a token that counts for nothing: [CLS], [SEP], padding, user names of tweets.
IGNORED = -100
#: The label of a word that is no person, organisation or place, in data that do not say whether it is another name.
OTHER_OR_OUTSIDE = -1
_NAMES = {**{label: number for number, label in enumerate(LABELS)}, "?": OTHER_OR_OUTSIDE, "-": IGNORED}


class Sentence(NamedTuple):
    """Words and the tag of each: one of `LABELS`, "?" for "other or outside", "-" for "not to be learned"."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


class EncodedSentence(NamedTuple):
    """Token ids, [CLS] and [SEP] included, the label of each, and the word that each belongs to (-1: none)."""

    token_ids: list[int]
    labels: list[int]
    words: list[int]


class EntityBatch(NamedTuple):
    """Padded sentences of about the same length."""

    input_ids: torch.Tensor  # (sentence, token)
    attention_mask: torch.Tensor  # (sentence, token)
    labels: torch.Tensor  # (sentence, token)


def read_sentences(folder: Path, name: str) -> list[Sentence]:
    """The sentences of ``NAME.jsonl``, in the order of the file. Raises `RecipeError`."""
    path = folder / f"{name}.jsonl"
    if not path.is_file():
        raise RecipeError(f"{path} is missing; training/README.md describes its content")
    sentences = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        row = json.loads(line)
        sentence = Sentence(tuple(row["tokens"]), tuple(row["tags"]))
        unknown = set(sentence.tags) - set(LABELS)
        if unknown or len(sentence.words) != len(sentence.tags):
            raise RecipeError(f"{path}, line {number}: one tag a word is needed, of {', '.join(LABELS)}")
        sentences.append(sentence)
    return sentences


def text_of(sentence: Sentence) -> str:
    """The sentence as one compares it: lower-cased words between blanks."""
    return " ".join(sentence.words).lower()


def without(sentences: Iterable[Sentence], held_out: Iterable[Sentence]) -> list[Sentence]:
    """The sentences that do not stand in ``held_out``."""
    forbidden = {text_of(sentence) for sentence in held_out}
    return [sentence for sentence in sentences if text_of(sentence) not in forbidden]


def without_other(sentences: Iterable[Sentence]) -> list[Sentence]:
    """Tweets of the Broad Twitter Corpus, as far as their tags agree with the other data.

    The corpus does not annotate other names, so a word outside may be one ("?"). It calls every user name a person or
    an organisation, which WNUT17 does not: "@" and the word after it are not to be learned ("-").
    """
    changed = []
    for sentence in sentences:
        tags = without_user_names(sentence.words, ["?" if tag == "O" else tag for tag in sentence.tags])
        changed.append(Sentence(sentence.words, tuple(tags)))
    return changed


def without_user_names(words: Sequence[str], tags: Sequence[str]) -> list[str]:
    """The tags, "-" at "@" and the word after it."""
    ignored = {place for index, word in enumerate(words) if word == "@" for place in (index, index + 1)}
    return ["-" if index in ignored else tag for index, tag in enumerate(tags)]


def spans(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Start, end (exclusive) and type of each name; an I- without its beginning begins one, as in conlleval.

    >>> spans(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
    [(0, 2, 'PER'), (3, 4, 'LOC'), (4, 5, 'LOC')]
    """
    found: list[tuple[int, int, str]] = []
    for index, tag in enumerate(tags):
        prefix, _, kind = tag.partition("-")
        if not kind:
            continue
        if prefix == "I" and found and found[-1][1:] == (index, kind):
            found[-1] = (found[-1][0], index + 1, kind)
        else:
            found.append((index, index + 1, kind))
    return found


def mentions(sentences: Iterable[Sentence]) -> dict[str, list[tuple[str, ...]]]:
    """The different names of each type, sorted."""
    names: dict[str, set[tuple[str, ...]]] = {kind: set() for kind in TYPES}
    for words, tags in sentences:
        for start, end, kind in spans(tags):
            names[kind].add(words[start:end])
    return {kind: sorted(different) for kind, different in names.items()}


def replace_mentions(
    sentences: Iterable[Sentence], names: dict[str, list[tuple[str, ...]]], share: float, rng: random.Random
) -> list[Sentence]:
    """The sentences with about ``share`` of their names replaced by others of the same type (Dai and Adel 2020).

    So a name has to be recognised by what stands around it too. The names of a type are equally likely.
    """
    changed = []
    for words, tags in sentences:
        new_words, new_tags, done = list[str](), list[str](), 0
        for start, end, kind in spans(tags):
            if rng.random() >= share:
                continue
            name = rng.choice(names[kind])
            new_words += [*words[done:start], *name]
            new_tags += [*tags[done:start], f"B-{kind}", *[f"I-{kind}"] * (len(name) - 1)]
            done = end
        changed.append(Sentence((*new_words, *words[done:]), (*new_tags, *tags[done:])))
    return changed


def encode(sentences: Sequence[Sentence], tokenizer: Any) -> list[EncodedSentence]:
    """Tokenise sentences, cut at `MAX_TOKENS`; a word's later pieces continue its name (I-)."""
    if not sentences:
        return []
    words = [list(sentence.words) for sentence in sentences]
    encodings = tokenizer(words, is_split_into_words=True, truncation=True, max_length=MAX_TOKENS)
    encoded = []
    for number, sentence in enumerate(sentences):
        places = [-1 if word is None else word for word in encodings.word_ids(number)]
        labels = [
            IGNORED if word < 0 else _label(sentence.tags[word], first=word != before)
            for before, word in zip([-1, *places], places, strict=False)
        ]
        encoded.append(EncodedSentence(encodings["input_ids"][number], labels, places))
    return encoded


def _label(tag: str, *, first: bool) -> int:
    return _NAMES[tag if first or not tag.startswith("B-") else f"I-{tag[2:]}"]


def entity_batches(
    examples: Sequence[EncodedSentence], *, tokens_per_batch: int, rng: random.Random | None
) -> Iterator[EntityBatch]:
    """Batches as `training.finetuning.groups_by_length` makes them."""
    lengths = [len(example.token_ids) for example in examples]
    for group in groups_by_length(lengths, tokens_per_batch=tokens_per_batch, rng=rng):
        input_ids = padded([examples[index].token_ids for index in group], PAD)
        labels = padded([examples[index].labels for index in group], IGNORED)
        yield EntityBatch(input_ids, (input_ids != PAD).long(), labels)
