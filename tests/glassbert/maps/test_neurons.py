"""Queries and keys give the attention weights, softmax of their products over √d, in every supported family."""

from __future__ import annotations

import numpy as np
import pytest

import glassbert as gb
from glassbert.maps.neurons import neurons

TEXT = "The doctor said that she was unbelievable."


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("family", ["bert", "roberta", "electra", "distilbert", "albert"])
def test_queries_and_keys_give_the_weights(tiny_model, family):
    model = tiny_model(family, "encoder")
    found = neurons(model, TEXT)
    weights = gb.attention(model, TEXT).weights
    assert np.array_equal(found.weights, weights)
    size = found.queries.shape[-1]
    assert size * model.attention_heads == model.hidden_size
    products = found.queries.astype(np.float64) @ np.swapaxes(found.keys, -1, -2)
    assert np.abs(softmax(products / np.sqrt(size)) - weights).max() < 1e-5


def test_some_layers_and_a_pair(pretrained):
    found = neurons(pretrained, "One text.", "Another text.", layers=(4, 1))
    every = neurons(pretrained, "One text.", "Another text.")
    assert found.layers.tolist() == [4, 1]
    for name in ("weights", "queries", "keys"):
        assert np.array_equal(getattr(found, name), getattr(every, name)[[4, 1]])
        assert not getattr(found, name).flags.writeable


def test_the_table_names_every_neuron(tiny_model):
    found = neurons(tiny_model("bert", "encoder"), "So", layers=(1,))
    frame = found.frame()
    assert len(frame) == found.queries.size
    row = frame[(frame["head"] == 2) & (frame["position"] == 1) & (frame["neuron"] == 3)].iloc[0]
    assert (row["layer"], row["token"]) == (1, found.encoded.tokens[1])
    assert row["query"] == found.queries[0, 2, 1, 3]
    assert row["key"] == found.keys[0, 2, 1, 3]


@pytest.mark.parametrize("layer", [-1, 2])
def test_a_layer_that_is_not_there(tiny_model, layer):
    with pytest.raises(gb.LayerError, match="layers 0 to 1"):
        neurons(tiny_model("bert", "encoder"), TEXT, layers=(layer,))


def test_other_families_are_told_so(tiny_model):
    with pytest.raises(
        gb.UnsupportedModelError, match="MPNet networks do not have; choose a model of another family: ALBERT, BERT"
    ):
        neurons(tiny_model("mpnet", "encoder"), TEXT)
