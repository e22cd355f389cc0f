"""A head of one's own, given as a function: equal to the stock head by every method, exact where it is another one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

import glassbert as gb

TEXT = "The film was good, and the story is a mess."
SHORT = "A good story."
WITHOUT_RULE = {"attn_lrp", "decompx"}


def mean_of(states, mask):
    weights = mask[..., None].to(states.dtype)
    return (states * weights).sum(dim=1) / weights.sum(dim=1)


class Judge(nn.Module):
    """An encoder and a head that reads the mean of the last states."""

    def __init__(self, encoder, labels=2):
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(0.5)
        self.top = nn.Sequential(nn.Linear(encoder.config.hidden_size, 8), nn.GELU(), nn.Linear(8, labels))
        with torch.no_grad():
            for number, parameter in enumerate(self.top.parameters()):
                parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)))


def judged(network, inputs):
    states = network.encoder(**inputs).last_hidden_state
    return network.top(network.dropout(mean_of(states, inputs["attention_mask"])))


@pytest.fixture(scope="module")
def tokenizer(tiny_checkpoint):
    return AutoTokenizer.from_pretrained(tiny_checkpoint("bert", "classification"))


@pytest.fixture(scope="module")
def judge(tiny_checkpoint):
    return Judge(AutoModel.from_pretrained(tiny_checkpoint("bert", "classification"))).train()


@pytest.fixture(scope="module")
def own(judge, tokenizer):
    return gb.wrap(judge, tokenizer, forward=judged, labels=["bad", "good"], device="cpu")


# MPNet counts positions after padding and returns weights only if it is told to
@pytest.mark.parametrize(("family", "methods"), [("bert", tuple(gb.METHODS)), ("mpnet", ("saliency", "rollout"))])
def test_the_stock_head_as_a_function_gives_the_same_by_every_method(tiny_checkpoint, tiny_model, family, methods):
    folder, stock = tiny_checkpoint(family, "classification"), tiny_model(family, "classification")
    network = AutoModelForSequenceClassification.from_pretrained(folder)
    with_pair = {"pair": "It was."} if family == "bert" else {}
    own = gb.wrap(
        network, AutoTokenizer.from_pretrained(folder), forward=lambda net, inputs: net(**inputs).logits, device="cpu"
    )
    assert (own.labels, own.task_heads, own.parameters) == (stock.labels, ("classification",), stock.parameters)
    for method in methods:
        if method in WITHOUT_RULE:
            with pytest.raises(gb.ModelError, match="there is none for a head of your own"):
                gb.attribute(own, SHORT, **with_pair, method=method)
            continue
        found, expected = (gb.attribute(model, SHORT, **with_pair, method=method) for model in (own, stock))
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5, err_msg=method)
    checks = {line.check: line.number for line in gb.receipt(own, found).lines}
    for line in gb.receipt(stock, expected).lines:
        if line.check == "sanity":
            continue  # random weights are drawn by the names of the parameters
        assert checks[line.check] == pytest.approx(line.number, abs=1e-3), line.check
    heads = [gb.head_importance(model, TEXT).gradient for model in (own, stock)]
    np.testing.assert_allclose(*heads, atol=1e-5)
    np.testing.assert_array_equal(gb.attention(own, TEXT).weights, gb.attention(stock, TEXT).weights)


def test_a_mean_of_ones_own_is_taken_apart_exactly(own, judge, tokenizer):
    given = tokenizer(TEXT, return_tensors="pt")
    judge.eval()

    def answer(ids):
        with torch.no_grad():
            return float(judged(judge, {"input_ids": ids, "attention_mask": torch.ones_like(ids)})[0, 1])

    ids = given["input_ids"]
    assert gb.classify(own, TEXT).logits[1] == pytest.approx(answer(ids), abs=1e-5)
    masked, shortened = (gb.attribute(own, TEXT, target="good", method=name) for name in ("occlusion", "leave_one_out"))
    for place in range(1, ids.shape[1] - 1):
        other = ids.clone()
        other[0, place] = tokenizer.mask_token_id
        assert masked.scores[place] == pytest.approx(answer(ids) - answer(other), abs=1e-4)
        without = torch.cat((ids[:, :place], ids[:, place + 1 :]), dim=1)
        assert shortened.scores[place] == pytest.approx(answer(ids) - answer(without), abs=1e-4)
    steps = gb.attribute(own, TEXT, target="good", method="integrated_gradients", tolerance=0.001)
    assert abs(steps.delta) <= 0.002 * abs(steps.value - steps.baseline_value) + 1e-4
    assert own.network.reads == "mean"


def test_heads_of_the_encoder_inside_can_be_switched_off(own):
    swept = gb.ablation_sweep(own, TEXT, target="good")
    for number in (0, 5):
        head = int(swept.layers[number]), int(swept.heads[number])
        alone = gb.classify(gb.ablate(own, [head]), TEXT).logits[1]
        assert swept.values[number] == pytest.approx(alone, abs=1e-4)
        assert abs(alone - swept.value) > 1e-3


def test_it_is_a_copy(judge, tokenizer):
    model = gb.wrap(judge.train(), tokenizer, forward=judged)
    assert all(module.training for module in judge.modules())
    before = gb.classify(model, TEXT).logits
    with torch.no_grad():
        judge.top[2].bias += 5
    np.testing.assert_array_equal(gb.classify(model, TEXT).logits, before)
    with torch.no_grad():
        judge.top[2].bias -= 5
    assert model.labels == ("LABEL_0", "LABEL_1")


def test_a_head_that_reads_several_layers_is_not_followed_back_from_the_last(judge, tokenizer):
    def several(network, inputs):
        layers = network.encoder(**inputs, output_hidden_states=True).hidden_states
        return network.top(layers[-1][:, 0] + layers[-2][:, 0])

    model = gb.wrap(judge, tokenizer, forward=several)
    assert abs(gb.attribute(model, TEXT, method="integrated_gradients").delta) < 0.1
    for analysis in (gb.head_importance, gb.ablation_sweep):
        with pytest.raises(gb.ModelError, match="not known to read that one alone"):
            analysis(model, TEXT)


def test_a_head_that_weights_states_otherwise_has_no_row_of_attention_to_follow(judge, tokenizer):
    def last(network, inputs):
        states = network.encoder(**inputs).last_hidden_state
        end = inputs["attention_mask"].sum(dim=1) - 1
        return network.top(states[torch.arange(len(states)), end])

    model = gb.wrap(judge, tokenizer, forward=last)
    with pytest.raises(gb.ModelError, match="which last states the head reads"):
        gb.attribute(model, TEXT, method="rollout")
    assert np.isfinite(gb.attribute(model, TEXT, method="lime").scores).all()


def unmasked(network, inputs):
    return network.top(network.encoder(**inputs).last_hidden_state.mean(dim=1))


def counting(network, inputs):
    return judged(network, inputs) + inputs["input_ids"][:, 1:2]


def random(network, inputs):
    return judged(network, inputs) + torch.rand(1) * 5


def twice(network, inputs):
    return judged(network, inputs) + judged(network, inputs)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (unmasked, "reads the padding"),
        (counting, "reads the token ids beside their embeddings"),
        (random, "other logits each time"),
        (twice, "calls the encoder 2 times"),
        (lambda network, inputs: judged(network, inputs)[:, 0], r"logits\[:, None\]"),
        (lambda network, inputs: judged(network, inputs)[:1], r"\(2, label\)"),
        (lambda network, inputs: judged(network, inputs).argmax(dim=1, keepdim=True), "floating-point"),
        (lambda network, inputs: judged(network, inputs) * torch.nan, "not finite"),
        (lambda network, inputs: network.encoder(**inputs), "returned a BaseModelOutput"),
        (lambda network, inputs: network.missing(**inputs), r"failed \(AttributeError"),
        (lambda network, inputs: network.top(torch.zeros(2, 32)), "calls the encoder 0 times"),
    ],
)
def test_functions_whose_answers_could_not_be_explained_are_refused(judge, tokenizer, function, message):
    with pytest.raises(gb.OptionError, match=message):
        gb.wrap(judge, tokenizer, forward=function)


def test_what_does_not_fit_is_refused(judge, tokenizer):
    with pytest.raises(gb.OptionError, match="forward must be a function or None"):
        gb.wrap(judge, tokenizer, forward="logits")
    with pytest.raises(gb.OptionError, match="gives 2 logits for a text; got 3 labels"):
        gb.wrap(judge, tokenizer, forward=judged, labels=["a", "b", "c"])
    with pytest.raises(gb.ModelError, match="contains no network of transformers"):
        gb.wrap(nn.Linear(2, 2), tokenizer, forward=judged)
    with pytest.raises(gb.ModelError, match="contains 2 networks"):
        gb.wrap(
            nn.ModuleList([judge.encoder, Judge(judge.encoder.__class__(judge.encoder.config))]),
            tokenizer,
            forward=judged,
        )
