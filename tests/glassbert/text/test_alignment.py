"""Words of two inputs side by side: by hand, and for any text that every token has one row and order is kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import glassbert as gb
from glassbert.text.alignment import align_words, same_length_hint
from tests import tiny


def rows(alignment):
    return list(zip(alignment.first_labels, alignment.second_labels, strict=True))


def words(alignment):
    """Without the special tokens."""
    return [row for row, special in zip(rows(alignment), alignment.special, strict=True) if not special]


def texts(model, first, second):
    return align_words(gb.encode(model, first), gb.encode(model, second))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("a good film", "a good film", [("a", "a"), ("good", "good"), ("film", "film")]),
        ("a good film", "a bad film", [("a", "a"), ("good", "bad"), ("film", "film")]),
        ("a film", "a very good film", [("a", "a"), ("", "very"), ("", "good"), ("film", "film")]),
        ("not a good film", "a film", [("not", ""), ("a", "a"), ("good", ""), ("film", "film")]),
        ("good film", "film good", [("", "film"), ("good", "good"), ("film", "")]),
        ("the man", "a doctor saw", [("", "a"), ("the", "doctor"), ("man", "saw")]),
        ("unbelievable", "unbelievable!", [("unbelievable", "unbelievable"), ("", "!")]),
        ("a [MASK] film", "a good film", [("a", "a"), ("[MASK]", "good"), ("film", "film")]),
        (
            "superb and fine",
            "really terrible, but fine",
            [("", "really"), ("superb", "terrible"), ("", ","), ("and", "but"), ("fine", "fine")],
        ),
    ],
)
def test_two_texts(pretrained, first, second, expected):
    assert words(texts(pretrained, first, second)) == expected


@pytest.mark.parametrize(
    ("family", "first", "second", "expected"),
    [
        (
            "bert",
            "巴黎是首都",
            "巴黎国是首都",
            [("巴",) * 2, ("黎",) * 2, ("", "国"), ("是",) * 2, ("首",) * 2, ("都",) * 2],
        ),
        ("roberta", "good 😀 film", "good 👍🏽 film", [("good",) * 2, ("😀", "👍🏽"), ("film",) * 2]),
        (
            "bert",
            "good 😀 film",
            "good 👍 film",
            [("good",) * 2, ("[UNK]",) * 2, ("film",) * 2],
        ),  # one and the same to it
    ],
)
def test_chinese_and_emoji(tiny_model, family, first, second, expected):
    assert words(texts(tiny_model(family, "encoder"), first, second)) == expected


def test_kinds_and_labels_say_what_happened(pretrained):
    alignment = texts(pretrained, "the good film ended", "a good old film")
    assert alignment.by == "words"
    assert alignment.labels == ("[CLS]", "the → a", "good", "→ old", "film", "ended →", "[SEP]")
    assert alignment.kinds == ("same", "replaced", "same", "inserted", "same", "deleted", "same")
    assert alignment.matched.tolist() == [True, True, True, False, True, False, True]
    frame = alignment.frame()
    assert frame["kind"].tolist() == list(alignment.kinds)
    gap = frame.iloc[3]
    assert (gap["first_start"], gap["first_stop"], gap["second_start"], gap["second_stop"]) == (3, 3, 3, 4)


def test_second_texts_face_second_texts(pretrained):
    first, second = gb.encode(pretrained, "Good.", "Bad film."), gb.encode(pretrained, "Bad film.", "Good.")
    expected = [("[CLS]", "[CLS]"), ("", "bad"), ("good", "film"), (".", "."), ("[SEP]", "[SEP]")]
    expected += [("bad", ""), ("film", "good"), (".", "."), ("[SEP]", "[SEP]")]
    assert rows(align_words(first, second)) == expected
    single = align_words(gb.encode(pretrained, "Good."), first)
    assert single.kinds == ("same",) * 4 + ("inserted",) * 4


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("bert", [("The", "the"), ("naïve", "naive"), ("doctor", "doctor"), (".", ".")]),
        ("albert", [("The", "the"), ("naïve", "naive"), ("doctor.", "doctor.")]),
    ],
)
def test_one_text_on_two_tokenizers_is_aligned_by_its_characters(tiny_model, family, expected):
    first, second = tiny_model("xlm-roberta", "encoder"), tiny_model(family, "encoder")
    alignment = align_words(*(gb.encode(model, "The naïve doctor.") for model in (first, second)))
    assert alignment.by == "characters"
    assert set(alignment.kinds) == {"same"}
    found = words(alignment)
    assert [second for _, second in found][:2] == [second for _, second in expected][:2]
    assert "".join(first for first, _ in found) == "Thenaïvedoctor."


def test_words_cut_otherwise_share_a_row(tiny_model):
    """One tokenizer keeps the apostrophe with its word, another makes three words of it."""
    alignment = align_words(
        gb.encode(tiny_model("bert", "encoder"), "It doesn't fit."),
        gb.encode(tiny_model("albert", "encoder"), "It doesn't fit."),
    )
    assert words(alignment)[:2] == [("it", "it"), ("doesn't", "doesn't")]
    start, stop = alignment.first_spans[2]
    assert len(set(alignment.first.word_ids[start:stop])) == 3


def test_special_tokens_of_other_numbers_share_a_row(tiny_model):
    pair = ("The man went home.", "He was tired.")
    alignment = align_words(*(gb.encode(tiny_model(name, "encoder"), *pair) for name in ("bert", "roberta")))
    special = [row for row, is_special in zip(rows(alignment), alignment.special, strict=True) if is_special]
    assert special == [("[CLS]", "<s>"), ("[SEP]", "</s></s>"), ("[SEP]", "</s>")]


def test_masks_face_each_other_whatever_they_are_called(tiny_model):
    first, second = tiny_model("bert", "masked_words"), tiny_model("roberta", "masked_words")
    alignment = align_words(*(gb.encode(model, "The [MASK] was good.") for model in (first, second)))
    assert alignment.by == "characters"
    assert ("[MASK]", "<mask>") in words(alignment)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.text(st.sampled_from("ab é'巴😀.!\u200d [MASK]"), min_size=1, max_size=25),
    second=st.text(st.sampled_from("ab é'巴😀.! "), min_size=1, max_size=25),
    families=st.tuples(st.sampled_from(tiny.FAMILIES), st.sampled_from(tiny.FAMILIES)),
    same=st.booleans(),
)
def test_every_token_has_one_row_and_order_is_kept(tiny_model, first, second, families, same):
    try:
        one = gb.encode(tiny_model(families[0], "encoder"), first)
        other = gb.encode(tiny_model(families[1], "encoder"), first if same else second)
    except gb.EmptyTextError:
        return
    alignment = align_words(one, other)
    for spans, encoded in ((alignment.first_spans, one), (alignment.second_spans, other)):
        covered = [token for start, stop in spans for token in range(start, stop)]
        assert covered == list(range(len(encoded)))
    itself = align_words(one, one)
    assert set(itself.kinds) == {"same"}
    np.testing.assert_array_equal(itself.first_spans, itself.second_spans)


def test_the_hint_names_the_words_that_make_the_difference(pretrained):
    hint = same_length_hint(pretrained, "It was a good film.", "It was an unwatchable film.")
    frame = hint.frame()
    assert not hint.fits
    assert frame["first"].tolist() == ["good"]
    assert frame["first_tokens"].tolist() == [1]
    assert frame["second"].tolist() == ["unwatchable"]
    assert frame["second_tokens"].item() == len(hint.alignment.second) - len(hint.alignment.first) + 1
    assert f"'good' (1 token) against 'unwatchable' ({frame['second_tokens'].item()} tokens)" in hint.sentence
    assert str(len(hint.alignment.first)) in hint.sentence
    assert str(len(hint.alignment.second)) in hint.sentence
    fits = same_length_hint(pretrained, "It was a good film.", "It was a bad film.")
    assert fits.fits
    assert fits.frame().empty
    assert "can be traced" in fits.sentence


def test_the_hint_names_three_words_at_most(pretrained):
    hint = same_length_hint(pretrained, "film", "one two three four film")
    assert "nothing against 'one' (1 token)" in hint.sentence
    assert hint.sentence.count("against") == 3
    assert "and 1 more" in hint.sentence
