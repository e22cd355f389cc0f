"""Characters and words of scripts that tokenizers cut badly, and vocabulary strings as people read them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

import glassbert as gb
from glassbert.text.characters import grapheme_end, grapheme_start, unicode_words
from glassbert.text.inputs import readable_name, spelling_of
from glassbert.text.vocabulary import begins_words, piece_in_place
from glassbert.text.words import same_place, words_of
from tests import tiny


def words(encoded: gb.Encoded) -> list[str]:
    """The words of the first text."""
    labels = words_of(encoded)
    inside = np.unique(labels.group[encoded.sequence_ids == 0])
    return [labels.labels[word] for word in inside]


@pytest.mark.parametrize("family", ["roberta", "xlm-roberta"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("हिन्दी में लिखा है।", ["हिन्दी", "में", "लिखा", "है", "।"]),
        ("سَلَام عَلَيْكُم", ["سَلَام", "عَلَيْكُم"]),
        ("naïve cafe\u0301 déjà", ["naïve", "cafe\u0301", "déjà"]),
        ("don't stop", {"roberta": ["don", "'t", "stop"], "xlm-roberta": ["don't", "stop"]}),
    ],
)
def test_vowel_marks_belong_to_their_word(tiny_model, family, text, expected):
    encoded = gb.encode(tiny_model(family, "encoder"), text)
    expected = expected[family] if isinstance(expected, dict) else expected
    spans = [
        encoded.texts[0][encoded.offsets[own, 0].min() : encoded.offsets[own, 1].max()].strip()
        for word in range(encoded.word_ids.max() + 1)
        for own in [encoded.word_ids == word]
    ]
    if family == "xlm-roberta":  # which splits at spaces only
        expected = text.split()
    assert spans == expected


@pytest.mark.parametrize("family", ["albert", "xlm-roberta"])
@pytest.mark.parametrize("text", ["巴黎是法国的首都。", "巴黎 法国 film法国"])
def test_a_sentence_without_spaces_is_more_than_one_word(tiny_model, family, text):
    """Unicode sees a boundary between any two of these characters: so there is one wherever two tokens meet."""
    encoded = gb.encode(tiny_model(family, "encoder"), text)
    inside = np.flatnonzero(encoded.sequence_ids == 0)
    meet = [(one, other) for one, other in pairwise(inside) if encoded.offsets[one, 1] == encoded.offsets[other, 0] > 0]
    assert len(meet) > 1
    assert all(encoded.word_ids[one] != encoded.word_ids[other] for one, other in meet)


def test_a_character_without_spaces_around_it_is_edited_alone(tiny_model):
    model, text = tiny_model("xlm-roberta", "classification"), "巴黎是法国的首都。"
    encoded = gb.encode(model, text)
    place = int(np.flatnonzero((encoded.offsets[:, 0] == 3) & (encoded.sequence_ids == 0))[0])
    changed = gb.variants(model, text, edits=[gb.Edit(place, replacement="北")], target=0).texts[0][0]
    assert changed == "巴黎是北国的首都。"


def test_a_piece_across_two_words_stays_whole():
    """A Unigram vocabulary has pieces such as 日本の; Latin words keep the tokenizer's own rule."""
    text = "東京 日本の本 don't"
    offsets = np.array([(0, 2), (3, 6), (6, 7), (8, 11), (11, 13)])
    found = unicode_words([0, 1, 1, 2, 2], np.zeros(5, dtype=int), offsets, [text], "Metaspace")
    assert found == [0, 1, 2, 3, 3]


def test_characters_end_after_their_marks():
    text = "cafe\u0301 ❤\ufe0f👨\u200d👩\u200d👧 x"
    assert grapheme_end(text, 4) == 5
    assert grapheme_end(text, 7) == 8
    assert (grapheme_start(text, 10), grapheme_end(text, 9)) == (8, 13)
    assert [grapheme_end("plain", end) for end in range(6)] == list(range(6))


@pytest.mark.parametrize("text", ["the cafe\u0301 was nice", "the cafe\u0301 was nice, cafe\u0301"])
def test_an_edit_takes_the_marks_with_the_letter(sentiment, text):
    edits = [gb.Edit(2, replacement="tea"), gb.Edit(2, kind="delete")]
    replaced, deleted = (texts[0] for texts in gb.variants(sentiment, text, edits=edits).texts)
    assert replaced == text.replace("cafe\u0301", "tea", 1)
    assert deleted == text.replace("cafe\u0301 ", "", 1)


def test_an_edit_takes_the_variation_selector_with_the_sign(sentiment):
    encoded = gb.encode(sentiment, "I ❤\ufe0f this film")
    place = int(np.flatnonzero(encoded.offsets[:, 0] == 2)[-1])
    (texts,) = gb.variants(sentiment, encoded.texts[0], edits=[gb.Edit(place, replacement="love")]).texts
    assert texts == ("I love this film",)


@pytest.mark.parametrize("sign", ["½", "£", "日", "😀"])
def test_a_character_of_several_byte_tokens_is_written_once(tiny_model, sign):
    """ "½" is C2 BD, and the letter for BD is "½" itself."""
    assert words(gb.encode(tiny_model("roberta", "encoder"), sign)) == [sign]


@pytest.mark.parametrize("texts", [("The man went home.", "He was tired of it."), ("A film.", "Good.")])
def test_the_separators_of_a_pair_are_in_the_same_place(tiny_model, texts):
    bert, roberta = (gb.encode(tiny_model(family, "encoder"), *texts) for family in ("bert", "roberta"))
    special = [np.flatnonzero(one.sequence_ids < 0).tolist() for one in (bert, roberta)]
    (start, middle, end), (first, second, third, last) = special
    assert [same_place(bert, place, roberta) for place in (start, middle, end)] == [first, second, last]
    assert [same_place(roberta, place, bert) for place in (first, second, third, last)] == [start, middle, middle, end]


# --- vocabulary strings ----------------------------------------------------------------------------------------------


def both_ways(model: gb.Model) -> str:
    """An entry that the vocabulary has with and without its space."""
    vocabulary = model.tokenizer.get_vocab()
    return next(
        entry for entry in sorted(vocabulary) if entry.isascii() and entry.isalpha() and f"Ġ{entry}" in vocabulary
    )


def test_byte_level_entries_are_named_by_their_text(tiny_model):
    model = tiny_model("roberta", "masked_words")
    for token in range(4, 300):
        text = model.tokenizer.decode([token], clean_up_tokenization_spaces=False)
        if "\ufffd" in text or not text.strip():
            continue  # part of a character
        name = readable_name(model, token)
        assert name.replace("␣", " ", 1) == text
    vocabulary = model.tokenizer.get_vocab()
    entry = both_ways(model)
    assert readable_name(model, vocabulary[entry]) == entry
    assert readable_name(model, vocabulary[f"Ġ{entry}"]) == f"␣{entry}"
    encoded = gb.encode(model, "(<mask>).")
    place = encoded.tokens.index("<mask>")
    assert piece_in_place(model, encoded, place, f"␣{entry}") == vocabulary[f"Ġ{entry}"]


@pytest.mark.parametrize(
    ("family", "spelling"),
    [("bert", "WordPiece"), ("mpnet", "WordPiece"), ("roberta", "ByteLevel"), ("xlm-roberta", "Metaspace")],
)
def test_how_a_vocabulary_is_spelt(tiny_model, family, spelling):
    assert spelling_of(tiny_model(family, "encoder").tokenizer) == spelling


def test_a_sequence_of_decoders_is_spelt_as_its_steps():
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel()
    backend.decoder = decoders.Sequence([decoders.Replace("x", "y"), decoders.ByteLevel()])
    assert spelling_of(transformers.PreTrainedTokenizerFast(tokenizer_object=backend)) == "ByteLevel"


def test_a_target_is_named_as_people_read_it(tiny_model):
    model = tiny_model("roberta", "masked_words")
    vocabulary = model.tokenizer.get_vocab()
    token = int(vocabulary.get("Ã©", vocabulary[f"Ġ{both_ways(model)}"]))
    text = "Paris is <mask>."
    place = gb.encode(model, text).tokens.index("<mask>")
    label = gb.attribute(model, text, method="saliency", target=gb.MaskTarget(place, token)).target_label
    assert label.replace("␣", " ") == model.tokenizer.decode([token])


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize("text", ["{} is good.", "It is ({}).", "It is {}."])
def test_a_whole_word_is_what_is_read_as_one_piece_in_its_place(tiny_model, family, text):
    """For every entry: typed in the place of the mask, it is this one token."""
    model = tiny_model(family, "masked_words")
    masked = gb.encode(model, text.format(model.mask_token))
    place = masked.tokens.index(model.mask_token)
    ids = list(range(0, int(model.network.config.vocab_size), 3))
    found = dict(zip(ids, begins_words(model, masked, place, ids), strict=True))
    assert any(found.values())
    begin = text.index("{}")
    for token in set(ids) - set(model.tokenizer.all_special_ids):
        word = model.tokenizer.decode([token], clean_up_tokenization_spaces=False).strip().removeprefix("##")
        if not word.isalpha():
            continue
        typed = gb.encode(model, text.format(word))
        there = (typed.offsets[:, 1] > begin) & (typed.offsets[:, 0] < begin + len(word)) & (typed.sequence_ids == 0)
        read = [int(typed.input_ids[at]) for at in np.flatnonzero(there) if typed.pieces[at] != "␣"]
        # an entry that needs a lone "▁" or "Ġ" before it is no word, but what follows one
        first = int(np.flatnonzero(there)[0])
        before = (typed.tokens[first], typed.tokens[first - 1])
        lone = bool({"▁", "Ġ"} & {*before}) and masked.tokens[place - 1] not in ("▁", "Ġ")
        assert found[token] == (read == [token] and not lone), (word, read)


def test_entries_that_look_like_marks_do_not_hide_the_whole_words(tiny_model):
    """A byte-level vocabulary has an entry "##", which marks nothing there."""
    model = tiny_model("roberta", "masked_words")
    vocabulary = model.tokenizer.get_vocab()
    encoded = gb.encode(model, "It is <mask>.")
    place = encoded.tokens.index("<mask>")
    entry = both_ways(model)
    ids = [vocabulary[f"Ġ{entry}"], vocabulary[entry], vocabulary["#"]]
    assert begins_words(model, encoded, place, ids) == (True, False, False)
    bracket = gb.encode(model, "(<mask>)")
    assert begins_words(model, bracket, bracket.tokens.index("<mask>"), ids)[:2] == (False, True)
