"""F read at one position: the last layer stops there, and neither F nor its gradient is another for it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

import glassbert as gb
from glassbert.decision import Decision, decide
from glassbert.decision.gradients import Row, values_and_gradients
from glassbert.network.blocks import has_known_blocks, see_input
from tests import tiny

SHORT = "The film was not good at all."
LONG = " ".join([SHORT] * 8)  # attention runs as the fused kernel
DECISIONS = [("classification", gb.ClassTarget(1)), ("masked_words", gb.MaskTarget(3))]


def value_and_gradient(runner, rows=2):
    """Of the text, and of a point on the way to its baseline."""
    ends = runner.decision.embeddings, runner.decision.baseline_embeddings("pad")
    points = torch.cat([(1 - place) * ends[0] + place * ends[1] for place in torch.linspace(0, 0.5, rows)])
    points = points.requires_grad_()
    values = runner.value(points)
    return values.detach(), torch.autograd.grad(values.sum(), points)[0]


def read_whole(monkeypatch):
    monkeypatch.setattr(Decision, "reads_one_position", property(lambda _: False))


@pytest.mark.parametrize("text", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize(("task", "target"), DECISIONS)
@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_the_value_and_its_gradient_are_those_of_the_whole_network(tiny_model, monkeypatch, family, task, target, text):
    model = tiny_model(family, task, layers=3)
    runner = decide(model, gb.encode(model, text), target, "logit")
    assert runner.decision.reads_one_position
    values, gradients = value_and_gradient(runner)
    read_whole(monkeypatch)
    whole_values, whole_gradients = value_and_gradient(runner)
    torch.testing.assert_close(values, whole_values, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(gradients, whole_gradients, atol=1e-5, rtol=1e-4)
    assert whole_gradients.abs().max() > 1e-4  # there is something to compare


@pytest.mark.parametrize("family", ["bert", "albert"])
def test_texts_of_several_lengths_in_one_pass(tiny_model, monkeypatch, family):
    model = tiny_model(family, "classification", layers=3)
    runners = [decide(model, gb.encode(model, text), gb.ClassTarget(0), "probability") for text in (SHORT, "a", LONG)]
    rows = [Row(runner, runner.decision.embeddings[0]) for runner in runners]
    together = values_and_gradients(rows, most_rows=3)
    read_whole(monkeypatch)
    for (value, gradient), row in zip(together, rows, strict=True):
        ((own_value, own_gradient),) = values_and_gradients([row])
        assert value == pytest.approx(own_value, abs=1e-6)
        torch.testing.assert_close(gradient, own_gradient, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize(("heads", "expected"), [((), [7, 7, 1]), (((0, 1),), [7, 7, 7])])
def test_the_last_layer_stops_there_unless_heads_are_off(tiny_model, heads, expected):
    model = tiny_model("bert", "classification", layers=3)
    if heads:
        model = gb.ablate(model, heads)
    runner = decide(model, gb.encode(model, "not good at all,"), gb.ClassTarget(1), "logit")
    widths = []
    with see_input(model.network, "feed_forward", lambda layer, inputs, _: widths.append(inputs[0].shape[1])):
        runner.value(runner.decision.embeddings)
    assert widths == expected


def test_next_sentence_is_read_at_its_first_token(tiny_model, monkeypatch):
    model = tiny_model("bert", "next_sentence", layers=3)
    runner = decide(model, gb.encode(model, SHORT, "It was bad."), gb.NextSentenceTarget(), "logit")
    assert runner.decision.reads_one_position
    values, gradients = value_and_gradient(runner)
    read_whole(monkeypatch)
    whole_values, whole_gradients = value_and_gradient(runner)
    torch.testing.assert_close(values, whole_values, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(gradients, whole_gradients, atol=1e-5, rtol=1e-4)


class Unknown(torch.nn.Module):
    config = SimpleNamespace(model_type="linear")
    base_model = None


def test_a_network_of_an_unknown_family_is_read_whole():
    assert not has_known_blocks(Unknown())
