"""Attention equals the stock model's, and is what the definition says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import glassbert as gb
from tests.glassbert.oracles import CHECKPOINTS

TEXT = "The doctor said that she was tired."
PAIR = ("The man went to the store.", "He bought a gallon of milk and some bread.")


@pytest.mark.parametrize(("family", "task"), CHECKPOINTS)
def test_attention_equals_the_stock_model_and_rows_sum_to_one(tiny_model, stock, family, task):
    maps = gb.attention(tiny_model(family, task), TEXT)
    oracle = torch.cat(stock(family, task)(TEXT, output_attentions=True).attentions).numpy()
    assert maps.weights.shape == oracle.shape == (2, 4, len(maps.encoded), len(maps.encoded))
    np.testing.assert_allclose(maps.weights, oracle, atol=1e-6)
    np.testing.assert_allclose(maps.weights.sum(axis=-1), 1, atol=1e-6)
    assert maps.weights.dtype == np.float32
    assert (maps.layers, maps.heads) == (2, 4)


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta", "albert", "mpnet"])
def test_a_pair_is_read_as_the_stock_model_reads_it(tiny_model, stock, family):
    maps = gb.attention(tiny_model(family, "masked_words"), *PAIR)
    oracle = torch.cat(stock(family, "masked_words")(*PAIR, output_attentions=True).attentions).numpy()
    np.testing.assert_allclose(maps.weights, oracle, atol=1e-6)


def test_attention_is_the_softmax_of_scaled_query_key_products(tiny_model, stock):
    """Vaswani et al. 2017 written out in numpy on the stock model's hidden states."""
    maps = gb.attention(tiny_model("bert", "encoder"), TEXT)
    oracle = stock("bert", "encoder")
    hidden = oracle(TEXT, output_hidden_states=True).hidden_states
    for layer in range(maps.layers):
        states = hidden[layer][0].numpy().astype(np.float64)
        attention = oracle.network.encoder.layer[layer].attention.self
        size = states.shape[1] // maps.heads
        for head in range(maps.heads):
            rows = slice(head * size, (head + 1) * size)
            query = states @ attention.query.weight[rows].numpy().T + attention.query.bias[rows].numpy()
            key = states @ attention.key.weight[rows].numpy().T + attention.key.bias[rows].numpy()
            powers = np.exp(query @ key.T / np.sqrt(size))
            np.testing.assert_allclose(
                maps.weights[layer, head], powers / powers.sum(axis=-1, keepdims=True), atol=1e-5
            )


def test_the_longest_input_has_every_row_summing_to_one(tiny_model):
    model = tiny_model("bert", "encoder")
    maps = gb.attention(model, " ".join(["a"] * 510))
    assert len(maps.encoded) == model.max_tokens == 512
    np.testing.assert_allclose(maps.weights.sum(axis=-1), 1, atol=1e-5)


def test_an_encoded_input_gives_the_same_as_its_text(tiny_model):
    model = tiny_model("roberta", "masked_words")
    text = "Paris is the capital of [MASK]."
    maps = gb.attention(model, text)
    assert maps.encoded.tokens.count("<mask>") == 1
    again = gb.attention(model, gb.encode(model, text))
    np.testing.assert_array_equal(again.weights, maps.weights)


def test_attention_of_the_embedded_model_equals_the_stock_model(pretrained):
    import transformers

    folder = pretrained.checkpoint.folder
    oracle = transformers.BertModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        weights = torch.cat(oracle(**tokenizer(TEXT, return_tensors="pt"), output_attentions=True).attentions)
    maps = gb.attention(pretrained, TEXT)
    assert maps.weights.shape[:2] == (6, 12)
    np.testing.assert_allclose(maps.weights, weights.numpy(), atol=1e-6)
