"""Merging word pieces: totals conserved, rows still sum to 1, equal to loops written from the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassbert as gb
from glassbert.text.words import merge_scores, same_place, words_of
from tests import tiny

TEXT = "An unbelievable, heartwarming movie!"
PAIR = ("The unbelievable film", "café naïve [MASK]")
READABLE = st.text(alphabet="abcXY é巴ا Привт😀<>&.,'", min_size=1, max_size=30).filter(str.strip)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_words_of_a_sentence(tiny_model, family):
    encoded = gb.encode(tiny_model(family, "masked_words"), "unbelievable film was good")
    words = words_of(encoded)
    assert words.labels == (encoded.tokens[0], "unbelievable", "film", "was", "good", encoded.tokens[-1])
    assert len(words.group) == len(encoded) > len(words.labels)
    assert not words.group.flags.writeable


def test_words_are_those_of_basic_tokenisation(pretrained):
    words = words_of(gb.encode(pretrained, "Don't over-explain: heartwarmingly naïve!"))
    assert words.labels == (
        "[CLS]", "don", "'", "t", "over", "-", "explain", ":", "heartwarmingly", "naive", "!", "[SEP]",
    )  # fmt: skip


def test_bytes_of_one_character_are_shown_once(tiny_model):
    model = tiny_model("roberta", "masked_words")
    encoded = gb.encode(model, "naïve 😀😀 巴黎  x")
    assert len(encoded) > 15
    assert words_of(encoded).labels == ("<s>", "naïve", "😀😀", "巴黎", "␣", "x", "</s>")


def test_a_ligature_that_becomes_two_letters_keeps_both(tiny_model):
    assert words_of(gb.encode(tiny_model("albert", "masked_words"), "ﬁne")).labels[1] == "fine"


def test_a_masked_piece_shows_inside_its_word(tiny_model):
    from glassbert.text.inputs import with_masks

    model = tiny_model("bert", "masked_words")
    encoded = gb.encode(model, "unbelievable")
    assert encoded.tokens[-2] == "##able"
    assert words_of(with_masks(model, encoded, [len(encoded) - 2])).labels[1] == "unbeliev[MASK]"


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
@settings(max_examples=settings().max_examples * 2 // 5)
@given(first=READABLE, second=st.none() | READABLE, seed=st.integers(0, 2**32 - 1))
def test_merging_equals_the_definition(tiny_model, family, first, second, seed):
    encoded = gb.encode(tiny_model(family, "masked_words"), first, second)
    words = words_of(encoded)
    # every group is one special token, or all the tokens of one word of one text, in order
    members = [np.flatnonzero(words.group == index) for index in range(len(words.labels))]
    assert np.concatenate(members).tolist() == list(range(len(encoded)))
    for group in members:
        assert len(set(encoded.word_ids[group])) == len(set(encoded.sequence_ids[group])) == 1
        assert len(group) == 1 or encoded.word_ids[group[0]] >= 0
    assert len(words.labels) == len(set(encoded.word_ids) - {-1}) + int(encoded.special_tokens_mask.sum())
    assert all(words.labels)

    random = np.random.default_rng(seed)
    scores = random.normal(size=len(encoded))
    merged = merge_scores(scores, words)
    np.testing.assert_allclose(merged, [sum(scores[token] for token in group) for group in members], atol=1e-12)
    assert merged.sum() == pytest.approx(scores.sum(), abs=1e-9)

    weights = random.dirichlet(np.ones(len(encoded)), size=(2, 3, len(encoded)))
    together = gb.AttentionMaps(encoded, weights).by_word().values
    assert together.shape == (2, 3, len(members), len(members))
    np.testing.assert_allclose(together.sum(axis=-1), 1, atol=1e-5)
    for row, queries in enumerate(members):
        for column, keys in enumerate(members):
            expected = sum(weights[1, 2, query, key] for query in queries for key in keys) / len(queries)
            assert together[1, 2, row, column] == pytest.approx(expected, abs=1e-6)


def test_the_words_of_a_pair(tiny_model):
    words = words_of(gb.encode(tiny_model("bert", "masked_words"), *PAIR))
    assert words.labels == ("[CLS]", "the", "unbelievable", "film", "[SEP]", "cafe", "naive", "[MASK]", "[SEP]")


@pytest.mark.parametrize("other", ["roberta", "xlm-roberta", "bert"])
def test_the_same_place_in_another_models_reading(tiny_model, other):
    first = gb.encode(tiny_model("bert", "masked_words"), *PAIR)
    second = gb.encode(tiny_model(other, "masked_words"), *PAIR)
    for position in np.flatnonzero(first.sequence_ids >= 0):
        place = same_place(first, position, second)
        assert second.sequence_ids[place] == first.sequence_ids[position]
        assert max(first.offsets[position, 0], second.offsets[place, 0]) < min(
            first.offsets[position, 1], second.offsets[place, 1]
        )
    assert same_place(first, 0, second) == 0
    alone = gb.encode(tiny_model(other, "masked_words"), PAIR[0])
    assert same_place(first, int(np.flatnonzero(first.sequence_ids == 1)[0]), alone) is None
