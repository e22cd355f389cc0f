"""Rollout and flow: closed forms on hand-made graphs, and an independent max-flow."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

import glassbert as gb
from glassbert.maps import _max_flow
from glassbert.maps._max_flow import max_flows

TEXT = "The doctor said that she was tired."


@pytest.fixture(scope="module")
def encoded(tiny_model):
    return gb.encode(tiny_model("bert", "encoder"), "the man")  # [CLS] the man [SEP]


def handmade(encoded, *layers):
    """Maps whose mean over two heads is each of these matrices; the heads differ."""
    weights = []
    for layer in layers:
        layer = np.asarray(layer, dtype=np.float32)
        shift = np.minimum(layer, 1 - layer).min() / 2 * np.resize([1, -1], layer.shape)
        weights.append([layer + shift, layer - shift])
    return gb.AttentionMaps(encoded=encoded, weights=np.asarray(weights))


def cycle(tokens):
    """Every token looks at the one before it, the first at the last."""
    return np.roll(np.eye(tokens), -1, axis=1)


def test_rollout_of_a_uniform_layer_is_half_itself_half_everything(encoded):
    result = gb.rollout(handmade(encoded, np.full((4, 4), 0.25)))
    np.testing.assert_allclose(result.values[0], np.eye(4) / 2 + 1 / 8, atol=1e-7)


def test_rollout_of_shifts_is_a_binomial_distribution(encoded):
    """(I + P)/2 again and again: after n layers, C(n, k) / 2ⁿ is where k steps back lead."""
    result = gb.rollout(handmade(encoded, cycle(4), cycle(4), cycle(4)))
    np.testing.assert_allclose(result.values[2, 0], np.array([1, 1, 3, 3]) / 8, atol=1e-7)
    np.testing.assert_allclose(result.values[1, 0], np.array([1, 0, 1, 2]) / 4, atol=1e-7)


def test_rollout_takes_the_later_layer_first(encoded):
    """The last layer looks at token 1 only, the first at token 3 only: what arrives is token 3 and the residuals."""
    to_one, to_three = np.zeros((4, 4)), np.zeros((4, 4))
    to_one[:, 1], to_three[:, 3] = 1, 1
    result = gb.rollout(handmade(encoded, to_three, to_one))
    np.testing.assert_allclose(result.values[1, 0], [1 / 4, 1 / 4, 0, 1 / 2], atol=1e-7)


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta", "albert"])
def test_rollout_of_a_model_is_the_product_written_out(tiny_model, family):
    maps = gb.attention(tiny_model(family, "masked_words"), TEXT)
    result = gb.rollout(maps)
    joint = np.eye(len(maps.encoded))
    for layer in range(maps.layers):
        mixed = maps.weights[layer].astype(np.float64).sum(axis=0) / maps.heads + np.eye(len(maps.encoded))
        joint = np.einsum("qk,kj->qj", mixed / mixed.sum(axis=1)[:, None], joint)
        np.testing.assert_allclose(result.values[layer], joint, atol=1e-6)
    np.testing.assert_allclose(result.values.sum(axis=-1), 1, atol=1e-5)
    assert result.rows_sum_to_one
    assert result.measure == "rollout"


def test_flow_of_one_layer_is_its_capacity(encoded):
    maps = handmade(encoded, np.full((4, 4), 0.25))
    np.testing.assert_allclose(gb.flow(maps).values[0], np.eye(4) / 2 + 1 / 8, atol=1e-6)


def test_flow_of_two_layers_is_the_sum_of_the_narrower_pipes(encoded):
    rng = np.random.default_rng(0)
    layers = rng.dirichlet(np.ones(4), size=(2, 4))
    lower, upper = (layers + np.eye(4)) / 2
    expected = np.minimum(upper[:, :, None], lower[None]).sum(axis=1)
    np.testing.assert_allclose(gb.flow(handmade(encoded, *layers)).values[1], expected, atol=1e-6)


def test_flow_shares_the_pipe_that_all_ways_go_through(encoded):
    """All look at token 2 in every layer: half of each token's own pipe, and what token 2 can take in and give."""
    to_two = np.zeros((4, 4))
    to_two[:, 2] = 1
    result = gb.flow(handmade(encoded, to_two, to_two, to_two)).values[2]
    # straight down its own column: ½; to token 2: everything, by its own column and by the others'
    np.testing.assert_allclose(result[0], [0.5, 0, 1, 0], atol=1e-6)


def independent(capacities, source, sink):
    """networkx on whole numbers."""
    graph = nx.DiGraph()
    depth, tokens, _ = capacities.shape
    for layer in range(depth):
        for upper in range(tokens):
            for lower in range(tokens):
                graph.add_edge(
                    (layer + 1, upper), (layer, lower), capacity=round(float(capacities[layer, upper, lower]) * 10**9)
                )
    return nx.maximum_flow_value(graph, (depth, source), (0, sink)) / 10**9


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("concentration", [0.1, 1.0, 10.0])
def test_flow_equals_an_independent_max_flow_on_random_graphs(seed, concentration):
    """Sparse and dense, with and without the residual: those without need flow to be taken back."""
    rng = np.random.default_rng(seed)
    depth, tokens = int(rng.integers(2, 6)), int(rng.integers(3, 7))
    capacities = rng.dirichlet(np.full(tokens, concentration), size=(depth, tokens))
    if seed % 2:
        capacities = (capacities + np.eye(tokens)) / 2
    flows = max_flows(capacities, range(tokens))
    for source in range(tokens):
        for sink in range(tokens):
            assert flows[source, sink] == pytest.approx(independent(capacities, source, sink), abs=1e-6)


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
def test_flow_of_a_model_equals_an_independent_max_flow(tiny_model, family):
    maps = gb.attention(tiny_model(family, "masked_words", layers=3), "She was tired.")
    mean = maps.weights.mean(axis=1, dtype=np.float64)
    capacities = (mean + np.eye(mean.shape[-1])) / 2
    result = gb.flow(maps)
    assert not result.rows_sum_to_one
    for layer, source, sink in [(0, 1, 2), (1, 0, 3), (2, 0, 1), (2, 3, 3), (2, 4, 0)]:
        expected = independent(capacities[: layer + 1], source, sink)
        assert result.values[layer, source, sink] == pytest.approx(expected, abs=1e-5)


def test_flow_of_chosen_queries_and_layers_are_rows_of_the_whole(tiny_model):
    maps = gb.attention(tiny_model("bert", "masked_words"), TEXT)
    whole, steps = gb.flow(maps), []
    part = gb.flow(maps, layers=[1], queries=[4, 2, 4], progress=lambda done, total: steps.append((done, total)))
    assert part.layers.tolist() == [1]
    assert part.queries.tolist() == [[2, 3], [4, 5]]
    assert part.query_labels == (maps.encoded.pieces[2], maps.encoded.pieces[4])
    assert part.key_labels == maps.encoded.pieces
    np.testing.assert_array_equal(part.values[0], whole.values[1, [2, 4]])
    assert steps == [(1, 1)]


def test_work_in_chunks_gives_the_same(monkeypatch):
    rng = np.random.default_rng(3)
    capacities = (rng.dirichlet(np.ones(6), size=(4, 6)) + np.eye(6)) / 2
    whole = max_flows(capacities, range(6))
    monkeypatch.setattr(_max_flow, "_CHUNK", 4 * 36 * 5)
    np.testing.assert_allclose(max_flows(capacities, range(6)), whole, atol=1e-8)


def test_a_flow_too_long_to_compute_is_refused_with_a_way_out(tiny_model):
    maps = gb.attention(tiny_model("bert", "masked_words"), " ".join(["a"] * 98))
    with pytest.raises(
        gb.OptionError, match=r"flow for 100 of 100 tokens after 2 layers is 6.2 times .* queries=\[…\]"
    ):
        gb.flow(maps)
    assert gb.flow(maps, queries=[3], layers=[0]).values.shape == (1, 1, 100)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"layers": [2]}, gb.LayerError, "a layer must be from 0 to 1; got 2"),
        ({"layers": []}, gb.LayerError, "at least one layer"),
        ({"queries": [-1]}, gb.OptionError, "a query must be from 0 to 9; got -1"),
        ({"queries": [10]}, gb.OptionError, "a query must be from 0 to 9; got 10"),
    ],
)
def test_layers_and_queries_that_are_not_there(tiny_model, options, error, message):
    maps = gb.attention(tiny_model("bert", "masked_words"), TEXT)
    with pytest.raises(error, match=message):
        gb.flow(maps, **options)
