"""Reading steps: each equals what the tokenizer and the stock embedding module say; padding changes nothing."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
import torch
from hypothesis import example, given

import glassbert as gb
from glassbert.text.normalisation import normalise
from tests import tiny
from tests.glassbert.oracles import SEGMENTED
from tests.glassbert.text.test_inputs import check_offsets, reading, texts, thorough

PAIR = ("The café in Paris was [MASK].", "He bought unbelievable milk 😀")
WORD_PIECE = ("bert", "distilbert", "electra", "mpnet")


@pytest.mark.parametrize("task", ["masked_words", "encoder"])
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_embeddings_equal_the_stock_module_and_its_tables(tiny_model, stock, family, task):
    oracle = stock(family, task)
    steps = gb.reading_steps(tiny_model(family, task), *PAIR, vectors=True)
    inputs = oracle.inputs(*PAIR)
    module = oracle.network.base_model.embeddings
    with torch.no_grad():
        rest = {name: value for name, value in inputs.items() if name == "token_type_ids"}
        expected = module(input_ids=inputs["input_ids"], **rest)[0]
        states = oracle.network.base_model(**inputs, output_hidden_states=True).hidden_states
    vectors = dict(zip(steps.parts, steps.vectors, strict=True))
    np.testing.assert_allclose(vectors["normalised"], expected, atol=1e-5)
    ids = inputs["input_ids"][0]
    first_position = 2 if family in ("roberta", "xlm-roberta", "mpnet") else 0
    assert steps.position_ids.tolist() == list(range(first_position, first_position + len(ids)))
    np.testing.assert_array_equal(vectors["word"], module.word_embeddings.weight[ids].detach())
    np.testing.assert_array_equal(
        vectors["position"], module.position_embeddings.weight[torch.tensor(steps.position_ids)].detach()
    )
    has_segments = family not in ("distilbert", "mpnet")
    assert steps.parts == ("word", "position", *(("segment",) if has_segments else ()), "sum", "normalised")
    if has_segments:
        segments = inputs["token_type_ids"][0] if family in SEGMENTED else torch.zeros_like(ids)
        np.testing.assert_array_equal(vectors["segment"], module.token_type_embeddings.weight[segments].detach())
    total = sum(vectors[part] for part in ("word", "position", "segment") if part in vectors)
    np.testing.assert_allclose(vectors["sum"], total, atol=1e-6)
    np.testing.assert_allclose(
        vectors["normalised"], module.LayerNorm(torch.tensor(vectors["sum"])).detach(), atol=1e-5
    )
    for part, norms in zip(steps.parts, steps.part_norms, strict=True):
        np.testing.assert_allclose(norms, np.sqrt((vectors[part].astype(float) ** 2).sum(axis=-1)), rtol=1e-5)
    assert steps.projected == (family in ("albert", "electra"))
    np.testing.assert_allclose(steps.input_norms, states[0][0].norm(dim=-1), rtol=1e-4)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_padding_is_what_the_tokenizer_pads_and_changes_nothing(tiny_model, stock, family):
    model, oracle = tiny_model(family, "masked_words"), stock(family, "masked_words")
    steps = gb.reading_steps(model, *PAIR, padding=90)
    own = [text.replace("[MASK]", oracle.tokenizer.mask_token) for text in PAIR]
    padded = oracle.tokenizer(*own, padding="max_length", max_length=90, return_token_type_ids=True)
    assert steps.padded_ids.tolist() == padded["input_ids"]
    assert steps.padded_mask.tolist() == padded["attention_mask"]
    if family in SEGMENTED:
        assert steps.padded_segments.tolist() == padded["token_type_ids"]
    tokens = len(steps.encoded)
    assert steps.padded_positions[:tokens].tolist() == steps.position_ids.tolist()
    encoder = oracle.network.base_model
    with torch.no_grad():
        plain = encoder(**oracle.inputs(*PAIR)).last_hidden_state[0]
        row = {"input_ids": torch.tensor([padded["input_ids"]])}
        if family in SEGMENTED:
            row["token_type_ids"] = torch.tensor([padded["token_type_ids"]])
        mask = torch.tensor([padded["attention_mask"]])
        hidden, seen = (
            (encoder(**row, attention_mask=one).last_hidden_state[0, :tokens] - plain).abs().max()
            for one in (mask, torch.ones_like(mask))
        )
    assert steps.padding_difference == pytest.approx(float(hidden), abs=1e-5)
    assert steps.padding_difference < 1e-5
    assert steps.padding_difference_unmasked == pytest.approx(float(seen), rel=1e-3)
    assert steps.padding_difference_unmasked > 0.05


def test_padding_goes_from_the_text_to_all_the_model_has(tiny_model):
    model = tiny_model("roberta", "encoder")
    longest = gb.reading_steps(model, "the film", padding="max_length")
    assert len(longest.padded_ids) == 512
    assert longest.padding_difference < 1e-5
    own = len(longest.encoded)
    same = gb.reading_steps(model, "the film", padding=own)
    assert same.padded_ids.tolist() == same.encoded.input_ids.tolist()
    assert same.padding_difference == same.padding_difference_unmasked == 0
    for wrong in (own - 1, 513, "all", 0):
        with pytest.raises(gb.OptionError, match=f"must be from {own}, the tokens of this text, to 512"):
            gb.reading_steps(model, "the film", padding=wrong)
    without = gb.reading_steps(model, "the film")
    assert (without.padding_difference, len(without.padded_ids), len(without.vectors)) == (None, 0, 0)


@pytest.mark.hypothesis
@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "albert", "mpnet"])
def test_words_and_spans_in_any_script(tiny_model, family):
    """The pieces of each word spell the word; its span is theirs; unknown tokens are flagged, and only they."""
    model = tiny_model(family, "masked_words")
    checked = 0

    @thorough
    @given(texts)
    @example("''")  # one quotation mark to ALBERT
    @example("0 <s>")
    def check(text):
        nonlocal checked
        encoded = reading(model, text)
        if encoded is None:
            return
        steps = gb.reading_steps(model, encoded)
        check_offsets(encoded, keeps_everything=family == "roberta")
        assert len(steps.words) == len(steps.word_spans) == encoded.word_ids.max() + 1
        assert (steps.unknown == (encoded.input_ids == model.tokenizer.unk_token_id)).all()
        for word, (start, end) in enumerate(steps.word_spans.tolist()):
            own = np.flatnonzero(encoded.word_ids == word)
            assert (start, end) == (encoded.offsets[own, 0].min(), encoded.offsets[own, 1].max())
            if steps.unknown[own].any():
                continue
            raw = [encoded.tokens[index] for index in own]
            match family:
                case "bert" | "mpnet":
                    spelt = raw[0] + "".join(token.removeprefix("##") for token in raw[1:])
                case "roberta":
                    spelt = model.tokenizer.convert_tokens_to_string(raw).lstrip(" ") or "␣"
                case _:
                    spelt = "".join(raw).lstrip("▁") or "␣"
            assert steps.words[word] == spelt
            checked += 1

    check()
    assert checked > 50


def bert_normaliser(text):
    """BertNormalizer by its definition: clean, space Chinese characters, decompose, drop marks, lower case."""
    cleaned = []
    for character in text:
        if character in "\t\n\r" or unicodedata.category(character) == "Zs":
            cleaned.append(" ")
        elif unicodedata.category(character) in ("Cc", "Cf", "Cn", "Co") or character in "\x00\ufffd":
            continue
        elif "\u4e00" <= character <= "\u9fff":
            cleaned.append(f" {character} ")
        else:
            cleaned.append(character)
    decomposed = unicodedata.normalize("NFD", "".join(cleaned))
    return "".join(c.lower() for c in decomposed if unicodedata.category(c) != "Mn")


@pytest.mark.hypothesis
def test_the_normalised_text_is_the_definitions(tiny_model):
    tokenizer = tiny_model("bert", "encoder").tokenizer

    @thorough
    @given(texts)
    def check(text):
        done = normalise(tokenizer, text)
        assert done.text == bert_normaliser(text)
        assert bool(done.changes) == (done.text != text)
        assert all(count > 0 for _, count in done.changes)
        assert {kind for kind, _ in done.changes} <= set(gb.text.normalisation.NORMALISATIONS)

    check()


CHANGES = {
    "Hello World": {"lower_case": 2},
    "naïve café": {"accents": 2},
    "ÉÀ": {"lower_case": 2, "accents": 2},
    "e\u0301": {"accents": 1},
    "巴黎 ok": {"chinese_spaced": 2},
    "a\x07b\u200bc\ufffd": {"controls_removed": 3},
    "a\tb\u00a0c\u3000d": {"white_space": 3},
    "한국": {"decomposed": 2},
    "plain": {},
    "مرحبا 😀 [MASK]": {},
}


@pytest.mark.parametrize("text", CHANGES)
def test_what_the_uncased_normaliser_did(tiny_model, text):
    steps = gb.reading_steps(tiny_model("bert", "encoder"), f"{text} a")
    assert dict(steps.changes[0]) == CHANGES[text]


def test_what_other_normalisers_did(tiny_model):
    text = "É ﬁ ½ ① ``a``"
    assert gb.reading_steps(tiny_model("roberta", "encoder"), text).changes == ((),)
    albert = dict(gb.reading_steps(tiny_model("albert", "encoder"), text).changes[0])
    assert albert == {"compatibility": 3, "lower_case": 1, "accents": 1, "combined": 2}


def test_each_text_of_a_pair_has_its_own_steps(tiny_model):
    model = tiny_model("bert", "next_sentence")
    steps = gb.reading_steps(model, "Hi [MASK]", "Café")
    assert steps.normalised == ("hi [MASK]", "cafe")
    assert [dict(changes) for changes in steps.changes] == [{"lower_case": 1}, {"lower_case": 1, "accents": 1}]
    assert steps.words == ("hi", "[MASK]", "cafe")
    assert steps.word_texts.tolist() == [0, 0, 1]
    assert steps.word_spans.tolist() == [[0, 2], [3, 9], [0, 4]]
    middle = steps.encoded.tokens.index("[SEP]")
    assert [role for role in steps.roles if role] == ["start", "mask", "separator", "end"]
    assert (steps.roles[0], steps.roles[middle], steps.roles[-1]) == ("start", "separator", "end")


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_roles_and_unknown_tokens(tiny_model, family):
    steps = gb.reading_steps(tiny_model(family, "masked_words"), "the [MASK] 😀")
    assert steps.roles[0] == "start"
    assert steps.roles[-1] == "end"
    assert steps.roles.count("mask") == 1
    assert ("unknown" in steps.roles) == (family != "roberta")  # bytes are never unknown
    assert steps.unknown.tolist() == [int(role == "unknown") for role in steps.roles]


def test_the_frame_has_a_row_a_token(tiny_model):
    steps = gb.reading_steps(tiny_model("bert", "encoder"), *PAIR)
    frame = steps.frame()
    assert frame["token"].tolist() == list(steps.encoded.tokens)
    assert frame["position_id"].tolist() == steps.position_ids.tolist()
    for part, norms in zip(steps.parts, steps.part_norms, strict=True):
        assert frame[f"{part}_norm"].tolist() == norms.tolist()
    assert frame["role"].tolist() == list(steps.roles)


def test_reading_leaves_no_hook_and_says_when_a_text_is_empty(tiny_model):
    model = tiny_model("bert", "encoder")

    def hooks():
        return [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.network.modules()]

    own = hooks()
    gb.reading_steps(model, "a", padding=9)
    gb.architecture(model)
    assert hooks() == own
    with pytest.raises(gb.EmptyTextError):
        gb.reading_steps(model, "")
