"""Hidden states against the stock network's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import glassbert as gb
from tests import tiny

PAIR = ("The unbelievable film.", "He was tired.")


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize("texts", [PAIR[:1], PAIR])
def test_they_are_those_of_the_stock_network(tiny_model, stock, family, texts):
    result = gb.hidden_states(tiny_model(family, "encoder"), *texts)
    oracle = stock(family, "encoder")
    with torch.no_grad():
        states = oracle.network(**oracle.inputs(*texts), output_hidden_states=True).hidden_states
    expected = torch.cat(states).numpy()
    assert result.states.shape == (tiny_model(family, "encoder").layers + 1, len(result.encoded), expected.shape[-1])
    np.testing.assert_allclose(result.states, expected, atol=1e-6)


def test_layer_0_is_the_embeddings_after_their_layer_norm(tiny_model, stock):
    network, inputs = stock("bert", "encoder").network, stock("bert", "encoder").inputs(*PAIR)
    ids, segments = inputs["input_ids"][0], inputs["token_type_ids"][0]
    tables = network.embeddings
    with torch.no_grad():
        total = tables.word_embeddings.weight[ids] + tables.token_type_embeddings.weight[segments]
        total += tables.position_embeddings.weight[: len(ids)]
        mean, variance = total.mean(-1, keepdim=True), total.var(-1, keepdim=True, unbiased=False)
        norm = tables.LayerNorm
        expected = (total - mean) / (variance + norm.eps).sqrt() * norm.weight + norm.bias
    states = gb.hidden_states(tiny_model("bert", "encoder"), *PAIR).states
    np.testing.assert_allclose(states[0], expected.numpy(), atol=1e-5)


def test_one_forward_pass(tiny_model):
    model, passes = tiny_model("bert", "masked_words"), []
    hook = model.network.base_model.register_forward_hook(lambda *_: passes.append(1))
    try:
        gb.hidden_states(model, PAIR[0])
    finally:
        hook.remove()
    assert len(passes) == 1


def test_the_frame_has_a_norm_for_each_token_and_layer(tiny_model):
    result = gb.hidden_states(tiny_model("bert", "encoder"), PAIR[0])
    frame = result.frame()
    assert len(frame) == result.states.shape[0] * len(result.encoded)
    row = frame[(frame["layer"] == 1) & (frame["position"] == 2)]
    assert row["token"].item() == result.encoded.tokens[2]
    assert row["norm"].item() == pytest.approx(np.sqrt((result.states[1, 2].astype(np.float64) ** 2).sum()), rel=1e-6)


def test_heads_that_are_off_are_off(tiny_model):
    model = tiny_model("bert", "encoder")
    whole, without = gb.hidden_states(model, PAIR[0]), gb.hidden_states(gb.ablate(model, [(1, 0)]), PAIR[0])
    np.testing.assert_array_equal(whole.states[:2], without.states[:2])
    assert np.abs(whole.states[2] - without.states[2]).max() > 1e-4
