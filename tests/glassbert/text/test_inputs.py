"""Text → tokens: spans that cover the text, limits that are exact, errors that say what to do."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, pre_tokenizers
from transformers import PreTrainedTokenizerFast

import glassbert as gb
from glassbert.text.inputs import mask_positions, with_masks
from tests import tiny
from tests.glassbert.oracles import SEGMENTED

ALPHABETS = (
    "abcdefghij XYZ ' , . 012",
    "áéîõüñçßøåĀ ÉÜ",
    "e\u0301 o\u0308 ",
    "巴黎是法国的首都 。",
    "مرحبا بالعالم ،",
    "Привет мир ёй ",
    "😀👍🏽👩‍👩‍👧 ❤️",
    "<b>&amp;</b> <script> \" ' /",
    "한국어 ½ ﬁ ①",
    "\t\n\u00a0\u3000 \u200b\x00\x07\ufffd",
)
chunks = st.one_of(*(st.text(alphabet=alphabet, min_size=1, max_size=8) for alphabet in ALPHABETS))
texts = st.lists(chunks, min_size=1, max_size=5).map(" ".join)
thorough = settings(max_examples=settings().max_examples * 4 // 5)


def droppable(character: str) -> bool:
    """White space, and what WordPiece and Unigram normalisers remove: controls, formats, combining marks."""
    return character.isspace() or character == "\ufffd" or unicodedata.category(character) in {"Mn", "Cc", "Cf"}


def reading(model, *parts):
    """The encoding, or None for a text without anything this model can read."""
    try:
        return gb.encode(model, *parts)
    except gb.EmptyTextError:
        return None


def check_offsets(encoded, *, keeps_everything):
    """Spans run forwards, share at most one character with the next, and miss only what the tokenizer drops."""
    for number, text in enumerate(encoded.texts):
        own = np.flatnonzero(encoded.sequence_ids == number)
        spans = encoded.offsets[own]
        assert ((spans >= 0) & (spans <= len(text))).all()
        assert (spans[:, 0] <= spans[:, 1]).all()
        assert (np.diff(spans, axis=0) >= 0).all()
        assert (spans[:-1, 1] - spans[1:, 0] <= 1).all()
        covered = np.zeros(len(text), dtype=bool)
        for start, end in spans:
            covered[start:end] = True
        missed = {character for character, is_covered in zip(text, covered, strict=True) if not is_covered}
        assert all(character.isspace() if keeps_everything else droppable(character) for character in missed), missed
    words = encoded.word_ids[encoded.sequence_ids >= 0]
    assert words[0] == 0
    assert np.isin(np.diff(words), (0, 1)).all()
    assert (encoded.word_ids[encoded.sequence_ids < 0] == -1).all()
    special = encoded.special_tokens_mask.astype(bool)
    assert special[encoded.sequence_ids < 0].all()
    for place in np.flatnonzero(special & (encoded.sequence_ids >= 0)):  # typed, such as "<s>"
        start, end = encoded.offsets[place]
        assert encoded.texts[encoded.sequence_ids[place]][start:end].strip() == encoded.tokens[place]


@pytest.mark.hypothesis
@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "albert", "mpnet"])
def test_spans_cover_the_text_in_any_script(tiny_model, family):
    model = tiny_model(family, "masked_words")

    @thorough
    @given(texts, st.none() | texts)
    @example("0 <s>", None)
    @example("''", None)  # one quotation mark to ALBERT
    def check(text, pair):
        encoded = reading(model, text, pair)
        if encoded is None:
            assert all(droppable(character) for character in text) or all(droppable(character) for character in pair)
            return
        check_offsets(encoded, keeps_everything=family == "roberta")
        if pair is not None:
            first, second = (encoded.word_ids[encoded.sequence_ids == number] for number in (0, 1))
            assert second.min() == first.max() + 1

    check()


@pytest.mark.hypothesis
def test_a_span_of_the_text_lower_cased_without_accents_is_its_piece(pretrained):
    """Uncased WordPiece by its definition: lower case, decompose, drop combining marks."""

    def plain(text):
        lowered = "".join(character.lower() for character in text)
        return "".join(c for c in unicodedata.normalize("NFD", lowered) if unicodedata.category(c) not in ("Mn", "Cf"))

    known = 0

    @thorough
    @given(texts)
    @example("''")  # one quotation mark to ALBERT
    @example("a `` b")
    def check(text):
        nonlocal known
        encoded = reading(pretrained, text)
        for token, piece, sequence, (start, end) in zip(
            *((encoded.tokens, encoded.pieces, encoded.sequence_ids, encoded.offsets) if encoded else ((),) * 4),
            strict=True,
        ):
            if sequence == 0 and token != "[UNK]":
                assert piece in plain(text[start:end])
                assert token == piece or token == f"##{piece}"
                known += 1

    check()
    assert known > 300


def test_pieces_are_for_human_eyes(tiny_model):
    text = "Hi [MASK] naïve ##ab 巴黎 unbelievable"
    shown = {family: gb.encode(tiny_model(family, "masked_words"), text).pieces for family in tiny.FAMILIES}
    for family, pieces in shown.items():
        assert not [piece for piece in pieces if set(piece) & set("ĠÃ▁") or (len(piece) > 2 and "##" in piece)], family
    assert "able" in shown["bert"]
    assert "🙂" in gb.encode(tiny_model("roberta", "masked_words"), "so 🙂").pieces


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_ids_and_segments_are_the_stock_tokenizers(tiny_model, stock, family):
    pair = ("Paris is the capital of [MASK].", "The Seine is a river in Paris.")
    encoded = gb.encode(tiny_model(family, "masked_words"), *pair)
    oracle = stock(family, "masked_words").inputs(*pair)
    assert encoded.input_ids.tolist() == oracle["input_ids"][0].tolist()
    assert encoded.attention_mask.tolist() == [1] * len(encoded)
    second_half = (encoded.sequence_ids == 1).astype(int)
    second_half[-1] = 1  # the last separator belongs to the second text
    expected = second_half if family in SEGMENTED else np.zeros(len(encoded))
    np.testing.assert_array_equal(encoded.token_type_ids, expected)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_a_typed_mask_is_the_models_own(tiny_model, family):
    model = tiny_model(family, "masked_words")
    encoded = gb.encode(model, "The [MASK] said [MASK].")
    masks = mask_positions(model, encoded)
    assert len(masks) == 2
    assert all(encoded.tokens[position] == model.mask_token for position in masks)
    assert not encoded.special_tokens_mask[list(masks)].any()


def test_with_masks_changes_that_token_and_nothing_else(tiny_model):
    model = tiny_model("roberta", "masked_words")
    encoded = gb.encode(model, "The film was good.")
    masked = with_masks(model, encoded, [2])
    assert masked.tokens[2] == masked.pieces[2] == "<mask>"
    different = np.flatnonzero(masked.input_ids != encoded.input_ids)
    assert different.tolist() == [2]
    np.testing.assert_array_equal(masked.offsets, encoded.offsets)
    with pytest.raises(gb.TaskHeadError, match="masked words"):
        with_masks(tiny_model("roberta", "classification"), encoded, [2])


@pytest.mark.parametrize("text", ["", " ", "\t\n \u3000\u00a0"])
def test_an_empty_text_says_so(tiny_model, text):
    model = tiny_model("bert", "next_sentence")
    with pytest.raises(gb.EmptyTextError, match="the text is empty: type at least one word"):
        gb.encode(model, text)
    with pytest.raises(gb.EmptyTextError, match="text A is empty"):
        gb.encode(model, text, "B")
    with pytest.raises(gb.EmptyTextError, match="text B is empty"):
        gb.encode(model, "A", text)


@pytest.mark.parametrize("text", ["\x00\x07", "\u200b \ufffd", "\u0301"])
def test_a_text_of_characters_the_model_drops_says_so(tiny_model, text):
    with pytest.raises(gb.EmptyTextError, match="no word that this model can read"):
        gb.encode(tiny_model("bert", "masked_words"), text)
    with pytest.raises(gb.EmptyTextError, match="text B has no word"):
        gb.encode(tiny_model("bert", "masked_words"), "a", text)


@pytest.mark.parametrize("text", ["x", "[MASK]", "<img src=x onerror=alert(1)>", "😀", "巴黎", "مرحبا", "a" * 5000])
def test_unusual_texts_are_read(pretrained, text):
    encoded = gb.encode(pretrained, text)
    assert 3 <= len(encoded) < 40
    check_offsets(encoded, keeps_everything=False)
    assert gb.attention(pretrained, encoded).weights.shape[-1] == len(encoded)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_the_longest_input_runs_and_one_more_is_refused_with_the_count(tiny_model, stock, family):
    model = tiny_model(family, "classification")
    assert model.max_tokens == 512
    word = "a " if family not in ("xlm-roberta", "albert") else "the "
    text = word * 510
    longest = gb.encode(model, text.strip())
    assert len(longest) == 512
    oracle = stock(family, "classification")(text.strip()).logits[0].numpy()
    np.testing.assert_allclose(gb.classify(model, longest).logits, oracle, atol=1e-5)
    with pytest.raises(gb.TextTooLongError, match=r"the text has 514 tokens .* at most 512: shorten it") as error:
        gb.encode(model, (word * 512).strip())
    assert (error.value.tokens, error.value.max_tokens) == (514, 512)
    with pytest.raises(gb.TextTooLongError, match=re.escape("the two texts have")) as error:
        gb.encode(model, text.strip(), "and the film")
    added = token_count(model, "and the film") + model.tokenizer.num_special_tokens_to_add(pair=True)
    assert error.value.tokens == 510 + added


def test_the_limit_is_the_positions_the_weights_have(tiny_model):
    """RoBERTa's 514 positions start after the padding id: 512 tokens; one more position would be out of the table."""
    network = tiny_model("roberta", "encoder").network
    assert network.config.max_position_embeddings == 514
    table = network.get_input_embeddings()
    with torch.no_grad(), pytest.raises((IndexError, RuntimeError)):
        network(inputs_embeds=table(torch.full((1, 513), 5)))


def test_an_encoded_input_passes_through_and_is_checked(tiny_model):
    model = tiny_model("bert", "classification")
    encoded = gb.encode(model, "the film")
    assert gb.encode(model, encoded) is encoded
    with pytest.raises(gb.OptionError, match="already contains its second text"):
        gb.encode(model, encoded, "more")
    larger = tiny_model("bert", "classification", vocab=700)
    other = gb.Encoded.from_dict({**encoded.to_dict(), "input_ids": [2, 650, 600, 3]})
    assert gb.encode(larger, other) is other
    with pytest.raises(gb.OptionError, match="encode it again"):
        gb.classify(model, other)


def token_count(model, text):
    own = text.replace("[MASK]", model.mask_token)
    return len(model.tokenizer(own, add_special_tokens=False)["input_ids"])


def longer_beginnings(model, text, short):
    """The next beginnings that end where a token of the whole text ends."""
    raw = model.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ends = sorted({end for _, end in raw["offset_mapping"]})
    assert len(short) in ends
    return [text[:end] for end in ends if end > len(short)][:8]


LONG = {
    "words": "The film was not good at all, unbelievable! " * 80,
    "one word": "heartwarming" * 300,
    "chinese": "巴黎是法国的首都" * 150,
    "arabic": "مرحبا بالعالم " * 120,
    "emoji": "😀👩‍👩‍👧" * 300,
    "masks": "a [MASK] " * 600,
    "html": "<b>&amp;</b>" * 200,
}


@pytest.mark.parametrize("kind", LONG)
@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
def test_shorten_gives_the_longest_beginning_that_fits(tiny_model, family, kind):
    model, text = tiny_model(family, "masked_words"), LONG[kind].strip()
    short, none = gb.shorten(model, text)
    assert none is None
    assert text.startswith(short)
    assert len(gb.encode(model, short)) <= 512
    own = text.replace("[MASK]", model.mask_token)
    if token_count(model, text) <= 510:
        assert short == text
    else:
        longer = longer_beginnings(model, own, short.replace("[MASK]", model.mask_token))
        assert longer
        assert all(token_count(model, text) > 510 for text in longer)


@pytest.mark.parametrize("family", ["bert", "roberta"])
@pytest.mark.parametrize(
    ("first", "second"), [(700, 40), (40, 700), (700, 700), (300, 260), (255, 900), (10, 10), (600, 508)]
)
def test_shorten_cuts_the_longer_text_of_a_pair(tiny_model, family, first, second):
    model = tiny_model(family, "masked_words")
    room = 512 - model.tokenizer.num_special_tokens_to_add(pair=True)
    pair = ("a " * first).strip(), ("b " * second).strip()
    counts = [token_count(model, text) for text in gb.shorten(model, *pair)]
    assert sum(counts) == min(room, first + second)
    expected = [first, second]
    while sum(expected) > room:  # one token off the longer, as often as needed
        expected[int(np.argmax(expected))] -= 1
    assert max(abs(a - b) for a, b in zip(counts, expected, strict=True)) <= 1
    assert all(text.startswith(part) for text, part in zip(pair, gb.shorten(model, *pair), strict=True))


def test_shorten_leaves_alone_what_fits(tiny_model):
    model = tiny_model("roberta", "masked_words")
    assert gb.shorten(model, "  naïve [MASK] ") == ("  naïve [MASK] ", None)
    assert gb.shorten(model, "a b", " c ") == ("a b", " c ")


def test_shorten_says_when_not_even_one_character_fits(tiny_model, monkeypatch):
    model = tiny_model("roberta", "masked_words")
    monkeypatch.setattr(model.tokenizer, "num_special_tokens_to_add", lambda pair=False: 510)
    with pytest.raises(gb.TextTooLongError, match="not even the first character") as error:
        gb.shorten(model, "😀")
    assert error.value.tokens == 4


def test_a_tokenizer_that_panics_over_a_text_is_a_sentence(pretrained: gb.Model) -> None:
    """A real panic of tokenizers' Rust code: a pattern that backtracks for ever passes every short trial."""
    rules = Tokenizer.from_str(pretrained.tokenizer.backend_tokenizer.to_str())
    rules.pre_tokenizer = pre_tokenizers.Split(Regex("(x+x+)+y"), "isolated")
    own = PreTrainedTokenizerFast(tokenizer_object=rules, pad_token="[PAD]", unk_token="[UNK]", mask_token="[MASK]")
    model = replace(pretrained, tokenizer=own)
    assert gb.encode(model, "a short text").tokens
    text = "x" * 28 + "!"
    with pytest.raises(BaseException, match="retry-limit") as caught:
        own(text)
    assert not isinstance(caught.value, Exception), "nothing to guard against any more"
    for ask in (gb.encode, gb.shorten, gb.attention, gb.fill_mask):
        with pytest.raises(gb.TextError, match="the tokenizer of 'pretrained' breaks down over this text"):
            ask(model, text)
