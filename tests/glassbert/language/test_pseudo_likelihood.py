"""Surprise against a naive loop over the stock model, one position at a time, written out from the papers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import glassbert as gb
from glassbert.language import masked_copies
from glassbert.network import batches as batching
from tests import tiny

TEXT = "The heartwarming film was not good at all; it is unbelievable."
PAIR = ("The man went to the store.", "He bought a gallon of milk.")
TASKS = [(family, "masked_words") for family in tiny.FAMILIES] + [("bert", "next_sentence")]


def naive(oracle, encoded, variant, *texts):
    """position → (log p of its token, the whole distribution), one stock forward pass each."""
    inputs = oracle.inputs(*texts)
    original = inputs["input_ids"][0].clone()
    special = set(oracle.tokenizer.all_special_ids)
    found = {}
    for position, token in enumerate(original.tolist()):
        if token in special and token != oracle.tokenizer.unk_token_id:
            continue
        inputs["input_ids"][0] = original
        inputs["input_ids"][0, position] = oracle.tokenizer.mask_token_id
        if variant == "word_l2r":
            later = position + 1
            while encoded.word_ids[later] == encoded.word_ids[position]:
                inputs["input_ids"][0, later] = oracle.tokenizer.mask_token_id
                later += 1
        with torch.no_grad():
            output = oracle.network(**inputs)
        logits = output.prediction_logits if oracle.task == "next_sentence" else output.logits
        distribution = logits[0, position].double().log_softmax(dim=-1)
        found[position] = (float(distribution[token]), distribution.numpy())
    return found


@pytest.mark.parametrize("variant", ["original", "word_l2r"])
@pytest.mark.parametrize("texts", [(TEXT,), PAIR], ids=["single", "pair"])
@pytest.mark.parametrize(("family", "task"), TASKS)
def test_equals_masking_one_position_at_a_time(tiny_model, stock, family, task, texts, variant):
    result = gb.surprise(tiny_model(family, task), *texts, variant=variant)
    expected = naive(stock(family, task), result.encoded, variant, *texts)
    assert result.positions.tolist() == list(expected)
    own = np.array([value for value, _ in expected.values()])
    np.testing.assert_allclose(result.surprisal, -own / math.log(2), atol=1e-5 / math.log(2), rtol=1e-5)
    np.testing.assert_allclose(result.probabilities, np.exp(own), atol=1e-5)
    for row, (position, (_, distribution)) in enumerate(expected.items()):
        by_probability = np.argsort(-distribution).tolist()
        assert result.ranks[row] == by_probability.index(int(result.encoded.input_ids[position])) + 1
        assert result.choice_ids[row] == by_probability[0]
        assert result.choices[row] == stock(family, task).tokenizer.convert_ids_to_tokens(by_probability[0])
        assert result.choice_probabilities[row] == pytest.approx(math.exp(distribution.max()), abs=1e-5)
        entropy = -(np.exp(distribution) * distribution).sum() / math.log(2)
        assert result.entropy[row] == pytest.approx(entropy, abs=1e-4)
    assert result.pseudo_log_likelihood == pytest.approx(own.sum(), rel=1e-5)
    assert result.total == pytest.approx(-own.sum() / math.log(2), rel=1e-5)
    assert result.pseudo_perplexity == pytest.approx(math.exp(-own.mean()), rel=1e-4)
    assert result.most_surprising == list(expected)[own.argmin()]
    assert (result.variant, result.forward_passes) == (variant, len(expected))


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_batches_of_any_size_give_the_same(tiny_model, monkeypatch, family):
    model = tiny_model(family, "masked_words", layers=3)
    whole = gb.surprise(model, TEXT)
    for limit in (1, 100_000):
        monkeypatch.setattr(batching, "_CPU_BYTES", limit)
        parts = gb.surprise(model, TEXT)
        np.testing.assert_allclose(parts.surprisal, whole.surprisal, atol=1e-5)
        assert parts.choices == whole.choices
        assert parts.ranks.tolist() == whole.ranks.tolist()


def test_batches_are_bounded_by_length(tiny_model, monkeypatch):
    model = tiny_model("bert", "masked_words")
    assert list(masked_copies.batches(model, [3, 1, 2])) == [[1, 2, 0]]
    sizes = []
    for length in (4, 64, 512):
        per_input = length * (6 * 32 + 2 * 64 + 3 * 4 * length)
        monkeypatch.setattr(batching, "_CPU_BYTES", 4 * (2 * per_input + 1))
        sizes.append([len(chunk) for chunk in masked_copies.batches(model, [length] * 5)])
    assert sizes == [[2, 2, 1]] * 3


def test_equals_fill_mask_at_every_place(pretrained):
    text = "The doctor said that the nurse was late."
    result = gb.surprise(pretrained, text)
    for row, position in enumerate(result.positions.tolist()):
        best = gb.fill_mask(pretrained, text, positions=[position], top_k=1)
        assert result.probabilities[row] == pytest.approx(best.original_probabilities[0], abs=1e-5)
        assert result.ranks[row] == best.original_ranks[0]
        assert result.choices[row] == best.candidates[0][0]
        assert result.entropy[row] == pytest.approx(best.entropy[0], abs=1e-4)


def test_the_odd_word_out_is_the_most_surprising(pretrained):
    plain = gb.surprise(pretrained, "The man went to the store and bought some milk.")
    odd = gb.surprise(pretrained, "The man went to the store and bought some algebra.")
    assert odd.encoded.tokens[odd.most_surprising] == "algebra"
    assert odd.pseudo_perplexity > plain.pseudo_perplexity


def test_left_to_right_takes_away_what_pieces_give_away(tiny_model):
    """The last piece of a word hides nothing more, so it has the same number either way; the ones before differ."""
    model = tiny_model("bert", "masked_words")
    original, l2r = (gb.surprise(model, TEXT, variant=variant) for variant in ("original", "word_l2r"))
    words = original.encoded.word_ids[original.positions]
    last = np.append(words[1:] != words[:-1], True)
    np.testing.assert_allclose(l2r.surprisal[last], original.surprisal[last], atol=1e-5)
    assert (np.abs(l2r.surprisal[~last] - original.surprisal[~last]) > 1e-3).all()


def test_typed_masks_stay_and_are_not_scored(tiny_model, stock):
    model = tiny_model("bert", "masked_words")
    text = "the [MASK] was tired"
    result = gb.surprise(model, text)
    assert "[MASK]" not in [result.encoded.tokens[position] for position in result.positions]
    expected = naive(stock("bert", "masked_words"), result.encoded, "original", text)
    own = [value for value, _ in expected.values()]
    np.testing.assert_allclose(result.surprisal, -np.array(own) / math.log(2), atol=1e-4)
    by_token = result.by_token()
    assert np.isnan(by_token).tolist() == [True, False, True, *[False] * (len(result.encoded) - 4), True]
    assert by_token[result.positions].tolist() == result.surprisal.tolist()
    with pytest.raises(gb.TargetError, match="no token to score"):
        gb.surprise(model, "[MASK]")


def test_the_frame_has_a_row_a_place(tiny_model):
    result = gb.surprise(tiny_model("roberta", "masked_words"), TEXT)
    frame = result.frame()
    assert frame["position"].tolist() == result.positions.tolist()
    assert frame["token"].tolist() == [result.encoded.tokens[position] for position in result.positions]
    for column in ("surprisal", "entropy"):
        assert frame[column].tolist() == getattr(result, column).tolist()
    assert frame["choice"].tolist() == list(result.choices)


def test_the_model_keeps_no_hook(tiny_model):
    model = tiny_model("albert", "masked_words", layers=3)
    before = gb.fill_mask(model, TEXT, positions=[2]).logits

    def hooks():
        return [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.network.modules()]

    own = hooks()  # transformers has some
    gb.surprise(model, TEXT)
    assert hooks() == own
    np.testing.assert_array_equal(gb.fill_mask(model, TEXT, positions=[2]).logits, before)


def test_with_heads_off(tiny_model):
    """A view with ablated heads is asked with those heads off, the last layer's too."""
    model = gb.ablate(tiny_model("distilbert", "masked_words"), [(0, 1), (1, 2)])
    result = gb.surprise(model, TEXT)
    for row in (0, 3):
        best = gb.fill_mask(model, TEXT, positions=[int(result.positions[row])], top_k=1)
        assert result.probabilities[row] == pytest.approx(best.original_probabilities[0], abs=1e-5)
    whole = gb.surprise(tiny_model("distilbert", "masked_words"), TEXT)
    assert np.abs(result.surprisal - whole.surprisal).max() > 1e-2


def test_wrong_requests_say_so(tiny_model):
    with pytest.raises(gb.OptionError, match="must be one of original, word_l2r"):
        gb.surprise(tiny_model("bert", "masked_words"), TEXT, variant="l2r")  # type: ignore[arg-type]
    with pytest.raises(gb.TaskHeadError, match="masked words"):
        gb.surprise(tiny_model("distilbert", "classification"), TEXT)
    with pytest.raises(gb.EmptyTextError):
        gb.surprise(tiny_model("bert", "masked_words"), " ")
