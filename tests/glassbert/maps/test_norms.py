"""Value-weighted norms: the parts add up to the stock model's attention output, and the norms are theirs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import glassbert as gb
from glassbert.maps._value_norms import traced
from tests import tiny
from tests.glassbert.maps.oracles import NAMES, carried_vectors, parameters, seen, stock_layers

TEXT = "The unbelievable film was not good."
PAIR = ("The man went home.", "He was tired.")


@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_what_is_carried_adds_up_to_the_attention_output(tiny_model, stock, family):
    """Σ over heads and sources, plus the output bias, is what the stock model's attention gives."""
    model, oracle = tiny_model(family, "encoder"), stock(family, "encoder")
    layers = traced(model, gb.encode(model, TEXT))
    for number, (_, mixed, _, _) in enumerate(seen(oracle, family, TEXT)):
        bias = parameters(stock_layers(oracle.network, family)[number], NAMES[family][1])[1]
        total = torch.einsum("hqk,khd->qd", layers[number].weights(), layers[number].carried()).numpy()
        np.testing.assert_allclose(total + bias, mixed, atol=1e-5)


@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_norms_are_those_of_the_vectors_written_out(tiny_model, stock, family):
    model, oracle = tiny_model(family, "encoder"), stock(family, "encoder")
    result, per_head = gb.value_norms(model, TEXT), gb.value_norms(model, TEXT, per_head=True)
    assert (result.values.ndim, per_head.values.ndim) == (3, 4)
    assert not result.rows_sum_to_one
    for number, (states, _, _, weights) in enumerate(seen(oracle, family, TEXT)):
        vectors = carried_vectors(oracle, family, number, states, weights)
        np.testing.assert_allclose(
            result.values[number], np.linalg.norm(vectors.sum(axis=0), axis=-1), rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(per_head.values[number], np.linalg.norm(vectors, axis=-1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_norms_with_residual_and_layer_norm_are_of_parts_that_add_up_to_its_output(tiny_model, stock, family):
    """Kobayashi et al. 2021: LayerNorm gives Σ_j g(Σ_h α f + [i = j] x) + g(bias) + β; the norms are of the parts."""
    model, oracle = tiny_model(family, "encoder"), stock(family, "encoder")
    result = gb.value_norms(model, TEXT, variant="2021")
    assert result.measure == "value_norms_2021"
    for number, (states, mixed, normed, weights) in enumerate(seen(oracle, family, TEXT)):
        layer = stock_layers(oracle.network, family)[number]
        scale, shift = parameters(layer, NAMES[family][2])
        eps = layer.get_submodule(NAMES[family][2]).eps
        spread = np.sqrt((mixed + states).var(axis=-1) + eps)
        vectors = carried_vectors(oracle, family, number, states, weights).sum(axis=0)
        vectors[np.arange(len(states)), np.arange(len(states))] += states
        parts = scale * (vectors - vectors.mean(axis=-1, keepdims=True)) / spread[:, None, None]
        bias = parameters(layer, NAMES[family][1])[1]
        constant = scale * (bias - bias.mean()) / spread[:, None] + shift
        np.testing.assert_allclose(parts.sum(axis=1) + constant, normed, atol=1e-5)
        np.testing.assert_allclose(result.values[number], np.linalg.norm(parts, axis=-1), rtol=1e-4, atol=1e-5)


def test_a_pair_is_measured_like_one_text(tiny_model, stock):
    model, oracle = tiny_model("bert", "encoder"), stock("bert", "encoder")
    result = gb.value_norms(model, *PAIR)
    for number, (states, _, _, weights) in enumerate(seen(oracle, "bert", *PAIR)):
        vectors = carried_vectors(oracle, "bert", number, states, weights).sum(axis=0)
        np.testing.assert_allclose(result.values[number], np.linalg.norm(vectors, axis=-1), rtol=1e-4, atol=1e-5)
    assert result.block("A→B").values.shape[1:] == (5, 4)


@pytest.mark.parametrize("variant", ["2020", "2021"])
def test_weights_that_are_there_already_give_the_same_norms(tiny_model, variant):
    model = tiny_model("bert", "classification")
    maps = gb.attention(model, TEXT)
    np.testing.assert_allclose(
        gb.value_norms(model, TEXT, variant=variant, maps=maps).values,
        gb.value_norms(model, TEXT, variant=variant).values,
        atol=1e-6,
    )


def test_a_head_that_is_off_carries_nothing(tiny_model):
    model = tiny_model("distilbert", "encoder")
    view = gb.ablate(model, [(0, 0), (0, 1), (0, 3)])
    per_head = gb.value_norms(view, TEXT, per_head=True).values
    untouched = gb.value_norms(model, TEXT, per_head=True).values
    assert not per_head[0, [0, 1, 3]].any()
    np.testing.assert_allclose(per_head[0, 2], untouched[0, 2], rtol=1e-5)
    np.testing.assert_allclose(gb.value_norms(view, TEXT).values[0], untouched[0, 2], rtol=1e-4)


def test_normalised_norms_are_shares(tiny_model):
    result = gb.value_norms(tiny_model("bert", "encoder"), TEXT)
    shares = result.normalised()
    np.testing.assert_allclose(shares.values.sum(axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(shares.values * result.values.sum(axis=-1, keepdims=True), result.values, rtol=1e-5)
    assert shares.rows_sum_to_one


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "2022"}, "must be one of 2020, 2021"),
        ({"variant": "2021", "per_head": True}, "use variant 2020"),
    ],
)
def test_a_variant_that_is_not_there(tiny_model, options, message):
    with pytest.raises(gb.OptionError, match=message):
        gb.value_norms(tiny_model("bert", "encoder"), TEXT, **options)
