"""Names in sentences: read, replaced, cut into pieces, lost and found as the definitions say."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from tests.training import samples
from training.entity_data import (
    IGNORED,
    LABELS,
    OTHER_OR_OUTSIDE,
    EncodedSentence,
    Sentence,
    encode,
    entity_batches,
    mentions,
    read_sentences,
    replace_mentions,
    spans,
    without,
    without_other,
)
from training.errors import RecipeError
from training.evaluate_entities import NamesFound, names_found, tags_of, word_logits
from training.finetune_entities import EntityOptions, choosing, entity_loss, training_sentences


def sentence(text: str) -> Sentence:
    """ "Marie/B-PER slept" → the words and their tags, O where none is written."""
    words, _, tags = zip(*(word.partition("/") for word in text.split()), strict=True)
    return Sentence(words, tuple(tag or "O" for tag in tags))


def test_files_are_read_as_they_are(tmp_path: Path) -> None:
    rows = [{"tokens": ["Marie", "slept"], "tags": ["B-PER", "O"]}, {"tokens": ["Très"], "tags": ["O"]}]
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    assert read_sentences(tmp_path, "x") == [sentence("Marie/B-PER slept"), sentence("Très")]
    for wrong in ({"tokens": ["a"], "tags": ["B-GPE"]}, {"tokens": ["a", "b"], "tags": ["O"]}):
        (tmp_path / "y.jsonl").write_text(f"{json.dumps(rows[0])}\n{json.dumps(wrong)}\n", encoding="utf-8")
        with pytest.raises(RecipeError, match="line 2: one tag a word"):
            read_sentences(tmp_path, "y")
    with pytest.raises(RecipeError, match=r"z\.jsonl is missing"):
        read_sentences(tmp_path, "z")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("", []),
        ("O O", []),
        ("B-PER I-PER O B-PER", [(0, 2, "PER"), (3, 4, "PER")]),
        ("B-PER B-PER", [(0, 1, "PER"), (1, 2, "PER")]),
        ("O I-LOC I-LOC", [(1, 3, "LOC")]),  # without its beginning
        ("B-PER I-LOC I-LOC", [(0, 1, "PER"), (1, 3, "LOC")]),
        ("B-ORG O I-ORG", [(0, 1, "ORG"), (2, 3, "ORG")]),
        ("? - B-LOC", [(2, 3, "LOC")]),
    ],
)
def test_spans_are_those_of_conlleval(tags: str, expected: list[tuple[int, int, str]]) -> None:
    assert spans(tags.split()) == expected


def test_later_pieces_of_a_word_continue_its_name(vocabulary: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(vocabulary)
    (encoded,) = encode([Sentence(("Sonmarg", "\u200b", "slept"), ("B-LOC", "O", "O"))], tokenizer)
    pieces = tokenizer.convert_ids_to_tokens(encoded.token_ids)
    assert pieces == ["[CLS]", "son", "##mar", "##g", "slept", "[SEP]"]
    assert [LABELS[label] if label >= 0 else label for label in encoded.labels] == [
        *(IGNORED, "B-LOC", "I-LOC", "I-LOC", "O", IGNORED)
    ]
    assert encoded.words == [-1, 0, 0, 0, 2, -1]  # of the second word nothing is left
    assert encode([], tokenizer) == []


def test_a_tweet_says_nothing_of_other_names_and_user_names_do_not_count() -> None:
    tweet = sentence("RT @/B-PER marie/B-PER sings in Paris/B-LOC @")
    assert without_other([tweet]) == [Sentence(tweet.words, ("?", "-", "-", "?", "?", "B-LOC", "-"))]


def test_a_name_is_replaced_by_one_of_its_type_as_a_whole() -> None:
    sentences = [sentence("Marie/B-PER Curie/I-PER was born in Warsaw/B-LOC ."), sentence("Rome/B-LOC slept")]
    names = mentions([*sentences, sentence("Bob/B-PER Bob/B-PER")])
    assert names == {"PER": [("Bob",), ("Marie", "Curie")], "ORG": [], "LOC": [("Rome",), ("Warsaw",)], "MISC": []}
    assert replace_mentions(sentences, names, 0.0, random.Random(1)) == sentences
    drawn = {replace_mentions(sentences, names, 1.0, random.Random(seed))[0] for seed in range(30)}
    assert drawn == {
        sentence(f"{person} was born in {place}/B-LOC .")
        for person in ("Marie/B-PER Curie/I-PER", "Bob/B-PER")
        for place in ("Rome", "Warsaw")
    }
    many = [sentence("Rome/B-LOC")] * 2000
    moved = Counter(one.words[0] for one in replace_mentions(many, names, 0.5, random.Random(1)))
    assert moved["Warsaw"] == pytest.approx(500, abs=80)  # half are replaced, half of these by the other place


def test_no_sentence_of_a_test_file_or_that_chooses_is_trained_on(tmp_path: Path) -> None:
    samples.write_entities(tmp_path)
    held_out = [
        read for name in ("crossner", "gum_open", "wnut17", "btc") for read in read_sentences(tmp_path, f"{name}_test")
    ]
    chosen = [one for sentences in choosing(tmp_path).values() for one in sentences]
    for name in ("wnut17_train", "btc_train"):  # now also a sentence of a test file, in other letters
        with (tmp_path / f"{name}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"tokens": [word.upper() for word in held_out[0].words], "tags": held_out[0].tags}))
    training = training_sentences(tmp_path)
    assert training
    texts = [" ".join(one.words).lower() for one in training]
    assert not set(texts) & {" ".join(one.words).lower() for one in [*held_out, *chosen]}
    assert len(set(texts)) == len(texts)
    assert without([], held_out) == []


def test_the_loss_is_the_cross_entropy_of_what_is_known() -> None:
    logits = torch.randn(2, 3, len(LABELS), generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([[3, OTHER_OR_OUTSIDE, IGNORED], [0, IGNORED, IGNORED]])
    shares = logits.softmax(-1)
    other = [LABELS.index(label) for label in ("O", "B-MISC", "I-MISC")]
    expected = -(shares[0, 0, 3].log() + shares[0, 1, other].sum().log() + shares[1, 0, 0].log()) / 3
    assert entity_loss(logits, labels).item() == pytest.approx(expected.item(), rel=1e-6)


def test_names_count_if_words_and_type_are_right() -> None:
    true = [["B-PER", "I-PER", "O", "B-MISC"], ["B-LOC", "O", "B-ORG", "O"]]
    predicted = [["B-PER", "O", "O", "B-MISC"], ["B-LOC", "O", "B-PER", "B-LOC"]]
    found = names_found(true, predicted)
    assert found == NamesFound(right=1, found=4, there=3)
    assert (found.precision, found.recall, found.f1) == (1 / 4, 1 / 3, 2 / 7)
    assert names_found(true, predicted, ("MISC",)) == NamesFound(1, 1, 1)
    assert math.isclose((found + NamesFound(1, 1, 1)).f1, 4 / 9)
    assert NamesFound().f1 == NamesFound().precision == NamesFound().recall == 0


class Echo(torch.nn.Module):
    """Says of every token the label that its id names: ``1000 + label``."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, input_ids: torch.Tensor, **_: torch.Tensor) -> Any:
        named = (input_ids - 1000).clamp(0, len(LABELS) - 1)
        return SimpleNamespace(logits=torch.nn.functional.one_hot(named, len(LABELS)).float())


def test_a_word_is_labelled_by_its_first_piece(vocabulary: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(vocabulary)
    first, second = (tokenizer.convert_ids_to_tokens(1000 + label) for label in (1, 2))
    sentences = [
        Sentence((second, "\u200b", first + "zq", second), ("O",) * 4),
        Sentence((first,) * 200, ("O",) * 200),
    ]
    short, long = tags_of(word_logits(Echo(), sentences, tokenizer, "float32"))
    pieces = tokenizer.convert_ids_to_tokens(encode(sentences[:1], tokenizer)[0].token_ids)
    assert pieces[2] == first
    assert len(pieces) > 5  # the third word has several pieces
    assert short == ["I-PER", "O", "B-PER", "I-PER"]
    assert long == ["B-PER"] * 126 + ["O"] * 74  # what is cut off is outside


def test_batches_hold_every_sentence_with_its_labels() -> None:
    examples = [EncodedSentence([101, *[1000 + n] * n, 102], [IGNORED, *[n % 9] * n, IGNORED], []) for n in range(1, 9)]
    met = []
    for batch in entity_batches(examples, tokens_per_batch=20, rng=random.Random(1)):
        assert torch.equal(batch.attention_mask, (batch.input_ids != 0).long())
        for ids, labels in zip(batch.input_ids, batch.labels, strict=True):
            number = int(ids[1]) - 1000
            met.append(number)
            assert ids[ids != 0].tolist() == examples[number - 1].token_ids
            assert labels[: number + 2].tolist() == examples[number - 1].labels
            assert set(labels[number + 2 :].tolist()) <= {IGNORED}
    assert sorted(met) == list(range(1, 9))


def test_shares_are_shares(tmp_path: Path) -> None:
    folders = {"model": tmp_path, "data": tmp_path, "out": tmp_path}
    for wrong in ({"replaced": 1.5}, {"share": 0.0}, {"epochs": 0}, {"precision": "float8"}):
        with pytest.raises(RecipeError):
            EntityOptions(**folders, **wrong)
