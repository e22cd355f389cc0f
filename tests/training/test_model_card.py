"""What the model card says of the shipped checkpoints' probes is what they answer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoTokenizer,
    BertForPreTraining,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
)

from training.entity_data import LABELS
from training.evaluate_answers import asked, exact_match
from training.evaluate_entities import named_in
from training.evaluate_pretrained import cloze, next_sentence
from training.evaluate_sentiment import positive_probability
from training.probes import (
    ANSWER_PROBES,
    CLOZE_PROBES,
    ENTITY_PROBES,
    EVERYDAY_PROBES,
    NEXT_SENTENCE_PROBES,
    SENTIMENT_PROBES,
    Sentiment,
)


@pytest.fixture(scope="module")
def card(vocabulary: Path) -> str:
    return (vocabulary.parent / "MODEL_CARDS.md").read_text(encoding="utf-8")


def load(model_class: Any, folder: Path) -> tuple[Any, Any]:
    return model_class.from_pretrained(folder, dtype=torch.float32).eval(), AutoTokenizer.from_pretrained(folder)


def figure(card: str, pattern: str) -> tuple[int, ...]:
    match = re.search(pattern, card)
    assert match, f"the card does not say {pattern}"
    return tuple(map(int, match.groups()))


@pytest.mark.slow
def test_cloze_and_next_sentence_probes(card: str, vocabulary: Path) -> None:
    model, tokenizer = load(BertForPreTraining, vocabulary)
    clozes = [cloze(model, tokenizer, probe) for probe in CLOZE_PROBES]
    found = (len(clozes), sum(result.top1 for result in clozes), sum(result.top5 for result in clozes))
    assert found == figure(card, r"cloze probes \((\d+)\): top-1 right (\d+), top-5 right (\d+)") == (44, 26, 39)
    pairs = [next_sentence(model, tokenizer, probe) for probe in NEXT_SENTENCE_PROBES]
    assert (sum(pair.right for pair in pairs), len(pairs)) == figure(card, r"NSP probes: (\d+)/(\d+)") == (9, 10)
    for result in clozes:
        row = next(line for line in card.splitlines() if line.startswith(f"| {result.sentence} |"))
        _, _, candidates, top1, _ = (cell.strip() for cell in row.split("|"))
        assert top1 == ("yes" if result.top1 else "no")
        token, probability = candidates.split(", ")[0].rsplit(" ", 1)
        assert token == result.candidates[0][0]
        assert float(probability) == pytest.approx(result.candidates[0][1], abs=0.011)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("probes", "named", "expected"),
    [(SENTIMENT_PROBES, "Probes", (17, 20)), (EVERYDAY_PROBES, "Everyday probes", (14, 20))],
    ids=["probes", "everyday"],
)
def test_sentiment_probes(
    card: str, vocabulary: Path, probes: tuple[Sentiment, ...], named: str, expected: tuple[int, int]
) -> None:
    model, tokenizer = load(BertForSequenceClassification, vocabulary.parent / "sentiment")
    right = 0
    for sentence, positive in probes:
        probability = positive_probability(model, tokenizer, sentence)
        right += (probability > 0.5) == positive
        row = next(line for line in card.splitlines() if line.startswith(f"| {sentence} |"))
        assert float(row.split("|")[2]) == pytest.approx(probability, abs=0.002)
    assert (right, len(probes)) == figure(card, rf"{named}: (\d+)/(\d+)") == expected


@pytest.mark.slow
def test_names_in_sentences(card: str, vocabulary: Path) -> None:
    model, tokenizer = load(BertForTokenClassification, vocabulary.parent / "entities")
    assert model.config.id2label == dict(enumerate(LABELS))
    found = [named_in(model, tokenizer, probe.sentence) for probe in ENTITY_PROBES]
    right = sum(tuple(names) == probe.names for names, probe in zip(found, ENTITY_PROBES, strict=True))
    assert (right, len(found)) == figure(card, r"Names: (\d+)/(\d+)")
    for names, probe in zip(found, ENTITY_PROBES, strict=True):
        told = (", ".join(names) or "none") + ("" if tuple(names) == probe.names else " (wrong)")
        assert f"| {probe.sentence} | {told} |" in card


@pytest.mark.slow
def test_answers_to_questions(card: str, vocabulary: Path) -> None:
    model, tokenizer = load(BertForQuestionAnswering, vocabulary.parent / "answers")
    found = [asked(model, tokenizer, probe) for probe in ANSWER_PROBES]
    right = [exact_match(answer.text, probe.answers) for answer, probe in zip(found, ANSWER_PROBES, strict=True)]
    assert (sum(right), len(right)) == figure(card, r"Questions: (\d+)/(\d+)")
    for answer, exact, probe in zip(found, right, ANSWER_PROBES, strict=True):
        row = next(line for line in card.splitlines() if line.startswith(f"| {probe.question} |"))
        _, _, text, probability, _ = (cell.strip() for cell in row.split("|"))
        assert text == answer.text + ("" if exact else " (wrong)")
        assert float(probability) == pytest.approx(answer.probability, abs=0.002)
