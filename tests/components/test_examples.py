"""Each example selects the word that it names, in words that the embedded models know."""

from __future__ import annotations

import pytest

import glassbert as gb
from components.examples import EXAMPLES, Example


@pytest.fixture(scope="module")
def pretrained() -> gb.Model:
    return gb.load("pretrained", "cpu")


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_the_selected_token_is_the_word_it_names(example: Example) -> None:
    for name in gb.embedded():
        encoded = gb.encode(gb.load(name.id, "cpu"), example.text, example.pair or None)
        assert encoded.pieces[example.token] == (example.select if "[" in example.select else example.select.lower())


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_the_embedded_models_know_every_word(example: Example, pretrained: gb.Model) -> None:
    assert "[UNK]" not in gb.encode(pretrained, example.text, example.pair or None).tokens


def test_no_two_examples_look_the_same() -> None:
    for told in ("label", "text", "look"):
        assert len({getattr(example, told) for example in EXAMPLES.values()}) == len(EXAMPLES)


# What an example tells the visitor to look at must be there to be seen.


@pytest.mark.parametrize(
    ("id", "words"),
    [
        ("fact", ["paris"]),
        ("coreference", ["she"]),
        ("bias", ["he", "she"]),
        ("agreement", ["were", "are"]),
        ("ambiguity", ["money"]),
    ],
)
def test_the_first_choices_that_the_example_names(id: str, words: list[str], pretrained: gb.Model) -> None:
    assert list(gb.fill_mask(pretrained, EXAMPLES[id].text, top_k=len(words)).candidates[0]) == words


def test_the_pair_falls_with_an_unrelated_sentence(pretrained: gb.Model) -> None:
    pair = EXAMPLES["pair"]
    assert gb.next_sentence(pretrained, pair.text, pair.pair).probability > 0.9
    assert gb.next_sentence(pretrained, pair.text, "Penguins cannot fly, but they swim well.").probability < 0.5


def test_the_mistake_is_still_one() -> None:
    result = gb.classify(gb.load("sentiment", "cpu"), EXAMPLES["wrong"].text)
    assert result.labels[result.predicted] == "NEGATIVE"


def test_the_names_are_read_as_the_examples_say() -> None:
    namer = gb.load("entities", "cpu")
    said = {
        "names": ["PER", "LOC", "LOC", "ORG"],
        "three_readings": ["PER", "LOC", "ORG"],
        "river": ["ORG", "LOC", "LOC"],
    }
    for id, types in said.items():
        assert list(gb.entities(namer, EXAMPLES[id].text).names) == types
    assert float(gb.entities(namer, EXAMPLES["river"].text).probabilities[0]) < 0.6


def test_the_answers_are_found_as_the_examples_say() -> None:
    reader = gb.load("answers", "cpu")
    when, not_said = EXAMPLES["when"], EXAMPLES["not_said"]
    assert gb.answer(reader, when.text, when.pair).answers[0] == "Tuesday"
    assert float(gb.answer(reader, not_said.text, not_said.pair).span_probabilities[0]) < 0.5


def test_negation_is_read() -> None:
    sentiment = gb.load("sentiment", "cpu")
    positive = sentiment.labels.index("POSITIVE")
    with_not = gb.classify(sentiment, EXAMPLES["negation"].text).probabilities[positive]
    without = gb.classify(sentiment, EXAMPLES["negation"].text.replace("not ", "")).probabilities[positive]
    assert with_not > 0.5 > without
