"""Logit lens: every layer against the stock head on the stock states, the last one against fill_mask bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import glassbert as gb
from glassbert.network import batches as batching
from tests import tiny

MASKED = "The [MASK] said that [MASK] was tired."
TASKS = [(family, "masked_words") for family in tiny.FAMILIES] + [("bert", "next_sentence")]


def stock_head(oracle, state):
    """The whole task network's head on a state (1, token, hidden): its encoder is made to return that state."""
    encoder = oracle.network.base_model

    def replace(_module, _inputs, output):
        output.last_hidden_state = state
        return output

    handle = encoder.register_forward_hook(replace)
    try:
        with torch.no_grad():
            output = oracle.network(**oracle.inputs(MASKED))
    finally:
        handle.remove()
    return (output.prediction_logits if oracle.task == "next_sentence" else output.logits)[0]


@pytest.mark.parametrize(("family", "task"), TASKS)
def test_every_layer_is_the_stock_head_on_the_stock_state(tiny_model, stock, family, task):
    model, oracle = tiny_model(family, task, layers=3), stock(family, task, layers=3)
    lens = gb.logit_lens(model, MASKED, top_k=512, words=["the", "was"])
    states = oracle(MASKED, output_hidden_states=True).hidden_states
    ids = oracle.inputs(MASKED)["input_ids"][0]
    positions = (ids == oracle.tokenizer.mask_token_id).nonzero().flatten().tolist()
    assert lens.positions.tolist() == positions
    assert lens.layers == len(states) == 4
    for layer, state in enumerate(states):
        logits = stock_head(oracle, state)[positions].double()
        probabilities = logits.softmax(dim=-1)
        rows = np.arange(2)[:, None]
        np.testing.assert_allclose(lens.logits[layer], logits.numpy()[rows, lens.candidate_ids[layer]], atol=1e-4)
        np.testing.assert_allclose(
            lens.probabilities[layer], probabilities.numpy()[rows, lens.candidate_ids[layer]], atol=1e-5
        )
        entropy = -(probabilities * probabilities.log2()).sum(dim=-1)
        np.testing.assert_allclose(lens.entropy[layer], entropy.numpy(), atol=1e-4)
        assert (np.sort(lens.candidate_ids[layer], axis=-1) == np.arange(512)).all()
        for mask in range(2):
            for word in range(2):
                token = int(lens.word_ids[mask, word])
                place = lens.candidate_ids[layer, mask].tolist().index(token)
                assert lens.word_ranks[layer, mask, word] == place + 1
                assert lens.word_probabilities[layer, mask, word] == lens.probabilities[layer, mask, place]
    assert not np.allclose(lens.probabilities[0], lens.probabilities[-1], atol=1e-3)


@pytest.mark.parametrize("model", ["pretrained", *tiny.FAMILIES])
@pytest.mark.parametrize("positions", [None, [1], [1, 2, 4]])
def test_the_last_layer_is_fill_mask_bit_for_bit(request, tiny_model, model, positions):
    model = request.getfixturevalue(model) if model == "pretrained" else tiny_model(model, "masked_words")
    lens = gb.logit_lens(model, MASKED, positions=positions, top_k=7)
    best = gb.fill_mask(model, MASKED, positions=positions, top_k=7)
    for name in ("candidate_ids", "logits", "probabilities", "entropy"):
        np.testing.assert_array_equal(getattr(lens, name)[-1], getattr(best, name), err_msg=name)
    assert lens.candidates[-1] == best.candidates
    assert lens.original_ids.tolist() == best.original_ids.tolist()
    assert lens.original_tokens == best.original_tokens
    assert lens.original_ranks[-1].tolist() == best.original_ranks.tolist()
    np.testing.assert_array_equal(lens.original_probabilities[-1], best.original_probabilities)
    assert lens.encoded.tokens == best.encoded.tokens


def test_layers_read_some_at_a_time_are_the_same(tiny_model, monkeypatch):
    model = tiny_model("albert", "masked_words", layers=4)
    whole = gb.logit_lens(model, MASKED, words=["he"])
    monkeypatch.setattr(batching, "_CPU_BYTES", 2 * 4 * 2 * 512)  # two layers of two masks
    parts = gb.logit_lens(model, MASKED, words=["he"])
    np.testing.assert_allclose(parts.logits, whole.logits, atol=1e-5)
    np.testing.assert_array_equal(parts.word_ranks, whole.word_ranks)
    monkeypatch.setattr(batching, "_CPU_BYTES", 1)
    np.testing.assert_allclose(gb.logit_lens(model, MASKED).logits, whole.logits, atol=1e-5)


def test_words_are_spelt_for_their_place(tiny_model):
    """RoBERTa's first word has no space before it, the second has: two different ids."""
    model = tiny_model("roberta", "masked_words")
    vocabulary = model.tokenizer.get_vocab()
    lens = gb.logit_lens(model, "[MASK] is ([MASK])", words=["is", "Ġis", vocabulary["a"]])
    assert lens.words == ("is", "Ġis", "a"), "an id is named"
    assert lens.word_ids[:, 1].tolist() == [vocabulary["Ġis"]] * 2
    assert lens.word_ids[:, 0].tolist() == [vocabulary["is"]] * 2
    assert lens.word_ids[:, 2].tolist() == [vocabulary["a"]] * 2
    assert gb.logit_lens(model, "the [MASK]", words=["is"]).word_ids.tolist() == [[vocabulary["Ġis"]]]


def test_the_frames_hold_every_number(tiny_model):
    lens = gb.logit_lens(tiny_model("bert", "masked_words"), MASKED, top_k=3, words=["he", "she"])
    frame = lens.frame()
    assert len(frame) == 3 * 2 * 3
    row = frame[(frame["layer"] == 1) & (frame["position"] == lens.positions[1]) & (frame["rank"] == 2)]
    assert row["token"].item() == lens.candidates[1][1][1]
    assert row["probability"].item() == lens.probabilities[1, 1, 1]
    assert row["entropy"].item() == lens.entropy[1, 1]
    words = lens.word_frame()
    assert len(words) == 3 * 2 * 2
    row = words[(words["layer"] == 2) & (words["position"] == lens.positions[0]) & (words["word"] == "she")]
    assert row["probability"].item() == lens.word_probabilities[2, 0, 1]
    assert row["rank"].item() == lens.word_ranks[2, 0, 1]


def test_what_cannot_be_followed_says_so(tiny_model):
    model = tiny_model("bert", "masked_words")
    with pytest.raises(gb.TargetError, match=r"'unbelievable' is \d+ pieces"):
        gb.logit_lens(model, MASKED, words=["unbelievable"])
    with pytest.raises(gb.OptionError, match="words must be a list"):
        gb.logit_lens(model, MASKED, words="he")
    with pytest.raises(gb.OptionError, match="1 to 512"):
        gb.logit_lens(model, MASKED, top_k=0)
    with pytest.raises(gb.TargetError, match="no \\[MASK\\] in the text"):
        gb.logit_lens(model, "no mask")
    with pytest.raises(gb.TargetError, match="tokens 0 to"):
        gb.logit_lens(model, "no mask", positions=[99])
    with pytest.raises(gb.TaskHeadError, match="masked words"):
        gb.logit_lens(tiny_model("bert", "classification"), MASKED)


@pytest.mark.parametrize("output", ["logit", "probability"])
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_foils_are_linear(tiny_model, family, output):
    """IG of a difference is the difference of two IGs: the same path, the same steps."""
    model = tiny_model(family, "masked_words")
    text = "The [MASK] was tired in Paris."
    position = int(gb.fill_mask(model, text).positions[0])

    def explain(token, foil=None):
        target = gb.MaskTarget(position, token, foil)
        return gb.attribute(model, text, method="integrated_gradients", target=target, output=output, n_steps=6)

    first, second, both = explain(40), explain(60), explain(40, 60)
    size = max(np.abs(score.scores).max() for score in (first, second, both))
    np.testing.assert_allclose(both.scores, first.scores - second.scores, atol=1e-4 * size)
    assert np.abs(both.scores).max() > 1e-2 * size
    assert both.value == pytest.approx(first.value - second.value, abs=1e-5)
