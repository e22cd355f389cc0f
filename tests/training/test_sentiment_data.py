"""The sentiment examples are what the files say, in batches of the size that was asked for."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from training.errors import RecipeError
from training.finetune_sentiment import FinetuneOptions, TrainingTexts, training_texts
from training.finetuning import rate_at
from training.sentiment_data import (
    Encoded,
    encode,
    read_imdb,
    read_labelled,
    read_sst2,
    review_snippets,
    sentiment_batches,
)


def test_files_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "sst2_dev.tsv").write_text("a fine film\t1\na tab\tinside\t0\n", encoding="utf-8")
    assert read_sst2(tmp_path, "dev") == [("a fine film", 1), ("a tab\tinside", 0)]
    reviews = [{"text": "Très\nbien.", "label": 1}, {"text": "No.", "label": 0}]
    (tmp_path / "imdb_x.jsonl").write_text("\n".join(map(json.dumps, reviews)) + "\n", encoding="utf-8")
    assert read_imdb(tmp_path, "x") == [("Très\nbien.", 1), ("No.", 0)]
    with pytest.raises(RecipeError, match=r"sst2_test\.tsv is missing"):
        read_sst2(tmp_path, "test")


def test_snippets_are_the_last_sentence_or_the_first() -> None:
    first, last = "This was a very fine film.", "I would see it once more."
    long = "Word " * 41 + "ends."
    reviews = [
        (f"{first} It rained. {last}", 1),
        (f"{first} Go!", 0),  # the last has one word
        (f"No. {long}", 1),  # neither has 5 to 40
        ("", 1),
        (last, 0),
    ]
    assert review_snippets(reviews) == [(last, 1), (first, 0), (last, 0)]


@pytest.fixture(scope="module")
def tokenizer(vocabulary: Path) -> Any:
    return AutoTokenizer.from_pretrained(vocabulary)


def test_texts_are_cut_at_128_tokens(tokenizer: Any) -> None:
    short, long = encode([("a film", 1), ("a film " * 100, 0)], tokenizer)
    assert short == Encoded([101, 1037, 2143, 102], 1)
    assert len(long.token_ids) == 128
    assert long.token_ids[-1] == 102
    assert encode([], tokenizer) == []


def examples(count: int) -> list[Encoded]:
    """Texts of 3 to 30 tokens, each with its own id and a label that follows from it."""
    rng = random.Random(5)
    return [Encoded([101, *[1000 + number] * rng.randint(1, 28), 102], number % 2) for number in range(count)]


@pytest.mark.parametrize("seed", [None, 4])
def test_batches_hold_every_text_once_within_their_size(seed: int | None) -> None:
    texts = examples(200)
    met: Counter[int] = Counter()
    for batch in sentiment_batches(texts, tokens_per_batch=128, rng=seed and random.Random(seed)):
        # shuffling lets a text up to 4 tokens longer in, and padding adds up to 3
        assert batch.input_ids.numel() <= 128 + 7 * len(batch.labels)
        assert batch.input_ids.shape[1] % 4 == 0
        assert torch.equal(batch.attention_mask, (batch.input_ids != 0).long())
        for row, label in zip(batch.input_ids, batch.labels, strict=True):
            number = int(row[1]) - 1000
            assert row[row != 0].tolist() == texts[number].token_ids
            assert label == texts[number].label
            met[number] += 1
    assert met == Counter(range(200))


def test_batches_without_a_generator_come_by_length() -> None:
    widths = [batch.input_ids.shape[1] for batch in sentiment_batches(examples(100), tokens_per_batch=64, rng=None)]
    assert widths == sorted(widths)
    seeded = [
        [
            batch.input_ids.tolist()
            for batch in sentiment_batches(examples(100), tokens_per_batch=64, rng=random.Random(1))
        ]
        for _ in range(2)
    ]
    assert seeded[0] == seeded[1]
    assert [len(batch[0]) for batch in seeded[0]] != sorted(len(batch[0]) for batch in seeded[0])


def test_a_text_longer_than_a_batch_is_a_batch_of_its_own() -> None:
    texts = [Encoded([101] * 50, 0), Encoded([101] * 3, 1)]
    shapes = [tuple(batch.input_ids.shape) for batch in sentiment_batches(texts, tokens_per_batch=10, rng=None)]
    assert shapes == [(1, 4), (1, 52)]


def test_later_epochs_take_half_of_the_reviews() -> None:
    texts = TrainingTexts(every_epoch=examples(3), reviews=examples(5))
    assert [len(texts.epoch(index)) for index in range(3)] == [8, 5, 5]
    assert texts.epoch(1)[3:] == texts.reviews[:2]


def test_training_texts_take_what_is_asked_for(tmp_path: Path, tokenizer: Any) -> None:
    from tests.training import samples

    samples.write_sentiment(tmp_path)
    folders = {"model": tmp_path, "data": tmp_path, "out": tmp_path}
    options = FinetuneOptions(
        **folders,
        sentences=2,
        phrases=5,
        opinions=4,
        pros_and_cons=3,
        snippets=6,
        reviews=3,
        templates=10,
    )
    texts = training_texts(options, tokenizer)
    assert len(texts.every_epoch) == 2 * 40 + 6 + 5 + 4 + 3 + 10
    assert len(texts.reviews) == 3
    phrases = [tokenizer.decode(text.token_ids[1:-1]) for text in texts.every_epoch[2 * 40 + 6 :][:5]]
    assert phrases == [text for text, _ in read_labelled(tmp_path, "sst_phrases_train")[:5]]
    nothing = replace(options, sentences=0, phrases=0, opinions=0, pros_and_cons=0, snippets=0, reviews=0, templates=7)
    assert len(training_texts(nothing, tokenizer).every_epoch) == 7
    beginnings = [tokenizer.decode(text.token_ids[1:-1]) for text in texts.reviews]
    assert beginnings == [text.lower() for text, _ in read_imdb(tmp_path, "train_strong")[6:9]]
    with pytest.raises(RecipeError, match="epochs"):
        FinetuneOptions(**folders, epochs=0)


@pytest.mark.parametrize(
    ("progress", "share"), [(0.0, 0.0), (0.03, 0.5), (0.06, 1.0), (0.53, 0.5), (1.0, 0.0), (1.01, 0.0)]
)
def test_the_rate_rises_and_falls(progress: float, share: float) -> None:
    assert rate_at(progress) == pytest.approx(share)
