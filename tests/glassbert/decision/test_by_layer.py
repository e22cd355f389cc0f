"""Gradients taken layer by layer are those of one backward pass through the whole stock network."""

from __future__ import annotations

import pytest
import torch

import glassbert as gb
from glassbert.decision import decide
from glassbert.decision.by_layer import gradients_by_layer
from glassbert.network.blocks import scale_heads
from glassbert.network.run import batch, network_inputs
from tests import tiny

TEXT = "The unbelievable film was not good, she said."


def whole(model, encoded, target, off):
    """(layer, head, query, key) ∂F/∂A and (layer, head) ∂F/∂ξ of the logit of a class, by one graph of everything."""
    gates = torch.ones(model.layers, model.attention_heads, requires_grad=True)
    mask = torch.ones_like(gates)
    for layer, head in off:
        mask[layer, head] = 0
    embedded = model.network.get_input_embeddings()(torch.tensor(encoded.input_ids)[None]).requires_grad_()
    arguments = network_inputs(model, batch(model, [encoded]), "cpu", embedded)
    with torch.enable_grad(), scale_heads(model.network, lambda layer: gates[layer] * mask[layer]):
        output = model.network(**arguments, output_attentions=True)
        by_gates, *by_weights = torch.autograd.grad(
            output.logits[0, target], (gates, *output.attentions), allow_unused=True, materialize_grads=True
        )
    return float(output.logits[0, target].detach()), torch.cat(output.attentions), torch.cat(by_weights), by_gates


@pytest.mark.parametrize("off", [(), ((0, 1), (2, 0), (2, 3))], ids=["all on", "some off"])
@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_gradients_are_those_of_the_whole_network(tiny_model, family, off):
    model = tiny_model(family, "classification", layers=3)
    encoded = gb.encode(model, TEXT)
    value, weights, by_weights, by_gates = whole(model, encoded, 2, off)
    runner = decide(gb.ablate(model, off) if off else model, encoded, gb.ClassTarget(2), "logit")
    before, found = runner.passes.count, {}
    told = gradients_by_layer(runner, lambda one: found.update({one.layer: one}))
    assert told == pytest.approx(value, abs=1e-5)
    assert list(found) == [2, 1, 0]
    assert runner.passes.count - before == 2
    for layer, one in found.items():
        torch.testing.assert_close(one.weights, weights[layer], atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(one.by_weights, by_weights[layer], atol=1e-6, rtol=1e-4)
        torch.testing.assert_close(one.by_gates, by_gates[layer], atol=1e-6, rtol=1e-4)
        assert all(one.by_gates[head] == 0 for at, head in off if at == layer)
    assert by_weights.abs().max() > 1e-4  # there is something to compare


def test_relevance_as_a_map_ends_in_the_scores_of_the_method(tiny_model):
    model = tiny_model("bert", "classification", layers=3)
    maps = gb.maps.attention_relevance_map(model, TEXT, target=1)
    scores = gb.attribute(model, TEXT, method="attention_relevance", target=1)
    torch.testing.assert_close(torch.tensor(maps.values[-1, 0]), torch.tensor(scores.scores), atol=1e-6, rtol=1e-4)
