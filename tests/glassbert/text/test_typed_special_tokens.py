"""Special tokens typed in a text stand for no word: they are not scored, replaced, edited or counted as words."""

from __future__ import annotations

import numpy as np
import pytest

import glassbert as gb
from tests import tiny

TEXT = "She left. [SEP] He stayed."


def test_a_typed_separator_is_not_scored(pretrained):
    """By hand from fill_mask: exp of the mean surprisal of the words, in the text that still has the separator."""
    found = gb.surprise(pretrained, TEXT)
    place = found.encoded.tokens.index("[SEP]")
    assert place not in found.positions
    log = [
        np.log(gb.fill_mask(pretrained, TEXT, positions=[int(at)]).original_probabilities[0]) for at in found.positions
    ]
    assert found.pseudo_perplexity == pytest.approx(np.exp(-np.mean(log)), rel=1e-4)
    assert found.pseudo_perplexity == pytest.approx(20.8, abs=0.05)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_every_typed_special_token_is_kept_by_every_baseline(tiny_model, family):
    model = tiny_model(family, "classification")
    tokenizer = model.tokenizer
    typed = [getattr(tokenizer, name) for name in ("pad_token", "cls_token", "sep_token")]
    encoded = gb.encode(model, f"The film {' was '.join(typed)} good {tokenizer.mask_token} {tokenizer.unk_token}.")
    inside = encoded.sequence_ids == 0
    special = {encoded.tokens[place] for place in np.flatnonzero(inside & (encoded.special_tokens_mask == 1))}
    assert special == set(typed)
    for method in ("integrated_gradients", "occlusion", "leave_one_out"):
        scores = gb.attribute(model, encoded, method=method, target=0).scores
        assert np.abs(scores[encoded.special_tokens_mask == 1]).max() == 0
        assert np.abs(scores[encoded.special_tokens_mask == 0]).max() > 0


def test_a_typed_special_token_is_no_word_of_heads_and_edits(pretrained):
    encoded = gb.encode(pretrained, TEXT)
    place = encoded.tokens.index("[SEP]")
    with pytest.raises(gb.TargetError, match="not a word"):
        gb.variants(pretrained, f"{TEXT} It was [MASK].", edits=[gb.Edit(place, kind="delete")])
    profile = gb.head_profile(gb.attention(pretrained, TEXT))
    weights = gb.attention(pretrained, TEXT).weights[0][0]  # (query, key) of the first head
    words = encoded.special_tokens_mask == 0
    later = np.flatnonzero(encoded.special_tokens_mask)[1:]
    column = 1  # special tokens after the first
    assert profile.shares[0, 0, column] == pytest.approx(float(weights[words][:, later].sum(axis=1).mean()), abs=1e-5)


def test_words_are_reduced_around_a_typed_special_token(sentiment):
    found = gb.reduce_input(sentiment, "A good [SEP] film.")
    assert all("[SEP]" in texts[0] for texts in found.texts)


@pytest.mark.parametrize("text", ["[SEP]", "[CLS] [PAD]"])
def test_a_text_of_special_tokens_alone_has_no_word(pretrained, text):
    with pytest.raises(gb.EmptyTextError):
        gb.encode(pretrained, text)
