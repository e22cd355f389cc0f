"""Value zeroing equals the whole stock model run again, once for each token and layer."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch

import glassbert as gb
from glassbert.maps import MEASURES
from tests import tiny
from tests.glassbert.maps.oracles import NAMES, stock_layers, without_heads

TEXT = "She was not tired."
MODULE = importlib.import_module("glassbert.maps.zeroing")  # the package's own name stands for the function


def without_value(stock, family, number, token, *texts):
    """The output of layer ``number`` when the value of ``token`` is zero there, from a run of the whole network."""
    calls = []

    def zero(_module, _inputs, output):
        calls.append(None)
        if len(calls) - 1 == (number if family == "albert" else 0):  # an ALBERT's one layer is called for each
            output = output.clone()
            output[0, token] = 0
        return output

    hook = stock_layers(stock.network, family)[number].get_submodule(NAMES[family][0]).register_forward_hook(zero)
    try:
        states = stock(*texts, output_hidden_states=True).hidden_states
    finally:
        hook.remove()
    return states[number + 1][0].double()


def rerun(oracle, family, *texts):
    """Value zeroing by its definition: (layer, query, key)."""
    whole = oracle(*texts, output_hidden_states=True).hidden_states[1:]
    layers = []
    for number, states in enumerate(whole):
        turned = [
            1
            - torch.cosine_similarity(without_value(oracle, family, number, token, *texts), states[0].double(), dim=-1)
            for token in range(states.shape[1])
        ]
        distances = torch.stack(turned, dim=1).numpy()
        layers.append(distances / distances.sum(axis=1, keepdims=True))
    return np.asarray(layers)


@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_value_zeroing_equals_a_direct_rerun(tiny_model, stock, family):
    result = gb.value_zeroing(tiny_model(family, "encoder"), TEXT)
    np.testing.assert_allclose(result.values, rerun(stock(family, "encoder"), family, TEXT), atol=1e-4)
    np.testing.assert_allclose(result.values.sum(axis=-1), 1, atol=1e-5)
    assert result.rows_sum_to_one


def test_a_pair_is_zeroed_like_one_text(tiny_model, stock):
    texts = ("She was tired.", "It was late.")
    result = gb.value_zeroing(tiny_model("bert", "encoder"), *texts)
    np.testing.assert_allclose(result.values, rerun(stock("bert", "encoder"), "bert", *texts), atol=1e-4)


def test_chunks_give_the_same(tiny_model, monkeypatch):
    model = tiny_model("albert", "encoder")
    whole = gb.value_zeroing(model, TEXT)
    monkeypatch.setattr(MODULE, "_TOKEN_ROWS", 3 * len(whole.encoded))
    np.testing.assert_allclose(gb.value_zeroing(model, TEXT).values, whole.values, atol=1e-5)


@pytest.mark.parametrize("rows", [4096, 30])
def test_the_stated_cost_is_what_runs(tiny_model, monkeypatch, rows):
    """Inputs that go through each layer, the traced pass included."""
    monkeypatch.setattr(MODULE, "_TOKEN_ROWS", rows)
    model = tiny_model("distilbert", "encoder")
    inputs = []
    counters = [
        layer.register_forward_hook(lambda module, given, output: inputs.append(len(given[0])))
        for layer in model.network.transformer.layer
    ]
    result = gb.value_zeroing(model, TEXT)
    for counter in counters:
        counter.remove()
    assert sum(inputs) == model.layers * MEASURES["value_zeroing"].cost(len(result.encoded))


@pytest.mark.parametrize(
    ("family", "off"), [("bert", [(0, 1), (1, 0), (1, 2)]), ("albert", [(0, 0), (0, 2), (1, 0), (1, 2)])]
)
def test_a_view_without_heads_is_measured_without_them(tiny_model, stock, family, off):
    result = gb.value_zeroing(gb.ablate(tiny_model(family, "encoder"), off), TEXT)
    oracle = without_heads(stock(family, "encoder"), family, off[:2] if family == "albert" else off)
    np.testing.assert_allclose(result.values, rerun(oracle, family, TEXT), atol=1e-4)


def test_a_layer_without_heads_has_rows_of_zeros(tiny_model):
    model = tiny_model("roberta", "encoder")
    result = gb.value_zeroing(gb.ablate(model, [(0, head) for head in range(4)]), TEXT)
    assert not result.values[0].any()
    np.testing.assert_allclose(result.values[1].sum(axis=-1), 1, atol=1e-5)
    assert not result.rows_sum_to_one


def hooks(model):
    """Everything hooked to the network; transformers has some of its own there."""
    return [(*module._forward_hooks, *module._forward_pre_hooks) for module in model.network.modules()]


def test_progress_is_told_layer_by_layer_and_can_end_the_work(tiny_model):
    model, steps = tiny_model("bert", "encoder"), []
    before = hooks(model)
    gb.value_zeroing(model, TEXT, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 2), (2, 2)]

    def stop(*_report: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        gb.value_zeroing(model, TEXT, progress=stop)
    assert hooks(model) == before


def test_it_can_be_stopped_between_two_batches(tiny_model, monkeypatch):
    monkeypatch.setattr(MODULE, "_TOKEN_ROWS", 30)
    model, asked = tiny_model("bert", "encoder"), []
    before = hooks(model)

    def cancelled():
        asked.append(True)
        return len(asked) > 3

    with pytest.raises(gb.StoppedError, match="run it again"):
        gb.value_zeroing(model, TEXT, cancelled=cancelled)
    assert len(asked) == 4
    assert hooks(model) == before


@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_a_long_text_is_zeroed_by_the_fused_kernel(tiny_model, stock, family):
    """Many batches, of a network whose attention is torch's kernel where the family has it."""
    text = " ".join([TEXT] * 10)
    assert len(gb.encode(tiny_model(family, "encoder"), text)) > 48
    result = gb.value_zeroing(tiny_model(family, "encoder"), text)
    np.testing.assert_allclose(result.values, rerun(stock(family, "encoder"), family, text), atol=1e-5)
