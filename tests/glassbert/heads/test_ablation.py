"""Heads switched off: against networks with other weights, one by one, and from several threads at once."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

import glassbert as gb
from glassbert.heads import ablation
from glassbert.network.run import locked
from tests import tiny
from tests.glassbert.maps.oracles import NAMES, parameters, seen, stock_layers, without_heads

TEXT = "The doctor said that she was tired."
MASKED = "The doctor said that [MASK] was tired."
PAIR = ("The man went home.", "He was tired.")


def everywhere(family, heads):
    """In an ALBERT the oracle can only switch a head off in all layers, as they share their weights."""
    return sorted({(layer, head) for _, head in heads for layer in (0, 1)}) if family == "albert" else heads


def hooks(model):
    """Everything hooked to the network; transformers has some of its own there."""
    return [(*module._forward_hooks, *module._forward_pre_hooks) for module in model.network.modules()]


@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_a_view_predicts_what_a_network_with_zero_weights_predicts(tiny_model, stock, family):
    model = tiny_model(family, "classification")
    before, hooked = gb.classify(model, TEXT).logits, hooks(model)
    off = everywhere(family, [(0, 1), (1, 0), (1, 3)])
    oracle = without_heads(stock(family, "classification"), family, off[::2] if family == "albert" else off)
    view = gb.ablate(model, off)
    np.testing.assert_allclose(gb.classify(view, TEXT).logits, oracle(TEXT).logits[0].numpy(), atol=1e-4)
    assert np.abs(before - gb.classify(view, TEXT).logits).max() > 1e-3
    np.testing.assert_array_equal(gb.classify(model, TEXT).logits, before)
    assert hooks(model) == hooked


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
def test_a_view_without_a_layer_leaves_its_output_bias_and_the_residual(tiny_model, stock, family):
    """What LayerNorm then reads is exactly x + b: every attention output is the bias, bit for bit."""
    model = tiny_model(family, "encoder")
    view = gb.ablate(model, [(1, head) for head in range(4)])
    _, mixer, _ = NAMES[family]
    bias = parameters(stock_layers(stock(family, "encoder").network, family)[1], mixer)[1]
    given = []
    layer = stock_layers(model.network, family)[1]
    keep = layer.get_submodule(mixer).register_forward_hook(lambda module, inputs, output: given.append(output[0]))
    try:
        gb.attention(view, TEXT)
    finally:
        keep.remove()
    np.testing.assert_array_equal(given[0].double().numpy(), np.broadcast_to(bias, given[0].shape))
    # and the oracle's LayerNorm of x + bias is what its zeroed network gives
    oracle = without_heads(stock(family, "encoder"), family, [(1, head) for head in range(4)])
    states, mixed, normed, _ = seen(oracle, family, TEXT)[1]
    norm = stock_layers(oracle.network, family)[1].get_submodule(NAMES[family][2])
    np.testing.assert_allclose(mixed, np.broadcast_to(bias, mixed.shape), atol=1e-12)
    np.testing.assert_allclose(normed, norm(torch.from_numpy(states + bias)).numpy(), atol=1e-12)


@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_a_view_without_changes_changes_nothing(tiny_model, family):
    model = tiny_model(family, "masked_words")
    view = gb.ablate(model, [])
    assert view.ablated_heads == model.ablated_heads == ()
    np.testing.assert_array_equal(gb.attention(view, TEXT).weights, gb.attention(model, TEXT).weights)


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
def test_every_function_takes_a_view(tiny_model, stock, family):
    off = [(0, 0), (1, 2)]
    masked, oracle = gb.ablate(tiny_model(family, "masked_words"), off), stock(family, "masked_words")
    zeroed = without_heads(oracle, family, off)
    position = gb.encode(masked, MASKED).tokens.index(masked.mask_token)
    logits = zeroed(MASKED, output_attentions=True)
    best = gb.fill_mask(masked, MASKED, top_k=3)
    assert best.candidate_ids[0].tolist() == logits.logits[0, position].topk(3).indices.tolist()
    np.testing.assert_allclose(
        gb.attention(masked, MASKED).weights, torch.cat(logits.attentions).numpy(), atol=1e-5
    )  # later layers attend otherwise than in the whole model
    classifier = gb.ablate(tiny_model(family, "classification"), off)
    zeroed = without_heads(stock(family, "classification"), family, off)
    np.testing.assert_allclose(
        gb.classify_many(classifier, [TEXT, "Good."])[1].logits, zeroed("Good.").logits[0].numpy(), atol=1e-4
    )
    scores = gb.attribute(classifier, TEXT, method="saliency", target=1)
    inputs = zeroed.inputs(TEXT)
    embedded = zeroed.embeddings(inputs.pop("input_ids")).requires_grad_()
    (gradient,) = torch.autograd.grad(zeroed.network(inputs_embeds=embedded, **inputs).logits[0, 1], embedded)
    np.testing.assert_allclose(scores.scores, gradient[0].norm(dim=-1).numpy(), rtol=1e-3, atol=1e-5)


def test_views_of_views_add_up_and_share_the_network(tiny_model):
    model = tiny_model("bert", "classification")
    one = gb.ablate(model, [(1, 2)])
    both = gb.ablate(one, [(0, 3), (1, 2)])
    assert (model.ablated_heads, one.ablated_heads, both.ablated_heads) == ((), ((1, 2),), ((0, 3), (1, 2)))
    assert both.network is model.network
    assert both.lock is model.lock
    together = gb.ablate(model, [(0, 3), (1, 2)])
    np.testing.assert_array_equal(gb.classify(both, TEXT).logits, gb.classify(together, TEXT).logits)


def test_an_albert_head_is_off_in_one_layer_although_layers_share_their_weights(tiny_model):
    """Layer 0's heads off leaves layer 0's weights as they are and changes layer 1's; the other way round nothing."""
    model = tiny_model("albert", "encoder")
    untouched = gb.attention(model, TEXT).weights
    first = gb.attention(gb.ablate(model, [(0, 1)]), TEXT).weights
    last = gb.attention(gb.ablate(model, [(1, 1)]), TEXT).weights
    np.testing.assert_array_equal(first[0], untouched[0])
    assert np.abs(first[1] - untouched[1]).max() > 1e-3
    np.testing.assert_array_equal(last, untouched)


def test_several_threads_use_the_model_and_its_views_at_once(tiny_model):
    model = tiny_model("bert", "classification")
    views = [model, gb.ablate(model, [(0, 1)]), gb.ablate(model, [(1, 0), (1, 1)])]
    expected = [gb.classify(view, TEXT).logits for view in views]
    assert len({row.tobytes() for row in expected}) == 3
    start, wrong = threading.Barrier(3), []

    def use(view, logits):
        start.wait()
        wrong.extend(1 for _ in range(40) if not np.array_equal(gb.classify(view, TEXT).logits, logits))

    threads = [threading.Thread(target=use, args=pair) for pair in zip(views, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_nobody_else_gets_in_while_heads_are_off(tiny_model):
    """A pass of the untouched model that is asked for in the middle of a view's waits, and sees no hook."""
    model = tiny_model("bert", "classification")
    expected, hooked = gb.classify(model, TEXT).logits, hooks(model)
    result = []
    other = threading.Thread(target=lambda: result.append(gb.classify(model, TEXT).logits))

    def work(_device):
        assert hooks(model) != hooked
        other.start()
        other.join(0.2)
        return other.is_alive()

    assert locked(gb.ablate(model, [(0, 0), (0, 1)]), work)
    other.join()
    np.testing.assert_array_equal(result[0], expected)


def test_hooks_go_even_when_the_work_fails(tiny_model):
    model = tiny_model("bert", "classification")
    before = hooks(model)
    with pytest.raises(ZeroDivisionError):
        locked(gb.ablate(model, [(0, 0)]), lambda device: 1 / 0)
    assert hooks(model) == before


@pytest.mark.parametrize(
    ("heads", "message"),
    [([(2, 0)], "layers 0 to 1"), ([(0, 4)], "heads 0 to 3"), ([(-1, 0)], "layer -1"), ([(0, -1)], "head -1")],
)
def test_a_head_that_is_not_there(tiny_model, heads, message):
    model = tiny_model("bert", "classification")
    with pytest.raises(gb.LayerError, match=message):
        gb.ablate(model, heads)
    with pytest.raises(gb.LayerError, match=message):
        gb.ablation_sweep(model, TEXT, heads=heads)


def test_a_network_whose_inside_is_not_known_is_said(tiny_checkpoint):
    model = gb.load(str(tiny_checkpoint("albert", "classification")), device="cpu")
    model.network.config.inner_group_num = 2
    with pytest.raises(gb.UnsupportedModelError, match="ALBERT networks with inner_group_num = 1, and this one has 2"):
        gb.ablate(model, [(0, 0)])


# --- sweeps ----------------------------------------------------------------------------------------------------


def logit(model, text, index):
    return float(gb.classify(model, text).logits[index])


@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_a_sweep_equals_switching_heads_off_one_by_one(tiny_model, family):
    model = tiny_model(family, "classification")
    sweep = gb.ablation_sweep(model, TEXT, target="NEUTRAL")
    assert sweep.value == pytest.approx(logit(model, TEXT, 1), abs=1e-5)
    assert (sweep.target, sweep.target_label) == (gb.ClassTarget(1), "NEUTRAL")
    assert sweep.prediction == model.labels[int(gb.classify(model, TEXT).logits.argmax())]
    every = [(layer, head) for layer in range(2) for head in range(4)]
    assert list(zip(sweep.layers.tolist(), sweep.heads.tolist(), strict=True)) == every
    for row, head in enumerate(every):
        alone = gb.classify(gb.ablate(model, [head]), TEXT)
        assert sweep.values[row] == pytest.approx(float(alone.logits[1]), abs=1e-5)
        assert sweep.predicted[row] == model.labels[int(alone.logits.argmax())]
        assert sweep.matrix()[head] == pytest.approx(float(alone.logits[1]) - sweep.value, abs=1e-5)
    assert sweep.complete


@pytest.mark.parametrize(
    ("family", "task", "texts", "target"),
    [
        ("bert", "masked_words", (MASKED,), None),
        ("roberta", "masked_words", (TEXT,), gb.MaskTarget(3, foil="the")),
        ("distilbert", "masked_words", (MASKED,), None),
        ("bert", "next_sentence", PAIR, gb.NextSentenceTarget(is_next=False)),
        ("mpnet", "classification", PAIR, None),
        ("bert", "token_classification", (TEXT,), gb.TokenTarget(3)),
        ("distilbert", "token_classification", (TEXT,), gb.EntityTarget(2, 4, "O")),
        ("bert", "question_answering", PAIR, gb.AnswerTarget("end")),
        ("bert", "question_answering", PAIR, None),
    ],
)
def test_a_sweep_of_any_target_equals_one_by_one(tiny_model, family, task, texts, target):
    """Against the attribution's own F on views of the model."""
    model = tiny_model(family, task)
    sweep = gb.ablation_sweep(model, *texts, target=target, output="probability")
    assert len(sweep.values) == model.layers * model.attention_heads
    for layer, head, value in zip(sweep.layers, sweep.heads, sweep.values, strict=True):
        view = gb.ablate(model, [(layer, head)])
        scores = gb.attribute(view, *texts, method="saliency", target=sweep.target, output="probability")
        assert value == pytest.approx(scores.value, abs=1e-5)


@pytest.mark.parametrize("rows", [1, 30, 4096])
def test_a_sweep_in_chunks_keeps_the_order_asked_for(tiny_model, monkeypatch, rows):
    monkeypatch.setattr(ablation, "_TOKEN_ROWS", rows)
    model, steps = tiny_model("distilbert", "classification"), []
    asked = [(1, 3), (0, 2), (1, 0), (0, 2), (0, 0)]
    sweep = gb.ablation_sweep(model, TEXT, target=0, heads=asked, progress=lambda *report: steps.append(report))
    assert list(zip(sweep.layers.tolist(), sweep.heads.tolist(), strict=True)) == [(1, 3), (0, 2), (1, 0), (0, 0)]
    for head, value in zip(zip(sweep.layers, sweep.heads, strict=True), sweep.values, strict=True):
        assert value == pytest.approx(logit(gb.ablate(model, [head]), TEXT, 0), abs=1e-5)
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert np.isnan(sweep.matrix()).sum() == 4


def test_layers_below_run_once_for_all_heads_above_them(tiny_model):
    """Inputs that go through each layer: 1 + 4 through the first, 1 + 8 through the last."""
    model, inputs = tiny_model("bert", "classification"), []
    counters = [
        layer.register_forward_hook(lambda module, given, output: inputs.append(len(given[0])))
        for layer in model.network.bert.encoder.layer
    ]
    gb.ablation_sweep(model, TEXT, target=0)
    for counter in counters:
        counter.remove()
    assert inputs == [1, 1, 5, 9]


def test_a_sweep_of_a_view_starts_from_the_view(tiny_model):
    model = tiny_model("albert", "classification")
    view = gb.ablate(model, [(0, 0), (1, 3)])
    sweep = gb.ablation_sweep(view, TEXT, target=0)
    assert len(sweep.values) == 6
    assert sweep.value == pytest.approx(logit(view, TEXT, 0), abs=1e-5)
    for layer, head, value in zip(sweep.layers, sweep.heads, sweep.values, strict=True):
        assert value == pytest.approx(logit(gb.ablate(view, [(layer, head)]), TEXT, 0), abs=1e-5)


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta", "albert"])
def test_a_greedy_sweep_is_the_greedy_choice_written_out(tiny_model, family):
    model = tiny_model(family, "classification")
    untouched = gb.classify(model, TEXT).logits
    target = int(untouched.argmax())
    sweep = gb.ablation_sweep(model, TEXT, mode="greedy", steps=4)
    off: list[tuple[int, int]] = []
    for step in range(len(sweep.values)):
        left = [(layer, head) for layer in range(2) for head in range(4) if (layer, head) not in off]
        values = {head: logit(gb.ablate(model, [*off, head]), TEXT, target) for head in left}
        off.append(min(values, key=values.__getitem__))
        assert (sweep.layers[step], sweep.heads[step]) == off[-1]
        assert sweep.values[step] == pytest.approx(values[off[-1]], abs=1e-5)
        decided = gb.classify(gb.ablate(model, off), TEXT).logits.argmax()
        assert sweep.predicted[step] == model.labels[decided]
    assert all(name == sweep.prediction for name in sweep.predicted[:-1])
    assert len(sweep.values) == 4 or sweep.predicted[-1] != sweep.prediction


@pytest.mark.parametrize("mode", ["one_at_a_time", "greedy"])
def test_a_cancelled_sweep_gives_what_is_done(tiny_model, monkeypatch, mode):
    model = tiny_model("bert", "classification")
    monkeypatch.setattr(ablation, "_TOKEN_ROWS", 1)  # one head a pass
    whole = gb.ablation_sweep(model, TEXT, mode=mode)
    tried: list[int] = []
    limit = 3 if mode == "one_at_a_time" else 10  # greedy: the first step takes 8
    part = gb.ablation_sweep(
        model, TEXT, mode=mode, progress=lambda done, total: tried.append(done), cancelled=lambda: len(tried) >= limit
    )
    assert (whole.complete, part.complete) == (True, False)
    assert len(part.values) == (3 if mode == "one_at_a_time" else 1)
    np.testing.assert_allclose(part.values, whole.values[: len(part.values)], atol=1e-6)
    assert tried[-1] == limit


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"mode": "random"}, gb.OptionError, "must be one of one_at_a_time, greedy"),
        ({"heads": []}, gb.OptionError, "at least one"),
        ({"mode": "greedy", "steps": 0}, gb.OptionError, "at least 1"),
        ({"target": "GREAT"}, gb.TargetError, "NEGATIVE"),
        ({"output": "odds"}, gb.OptionError, "logit, probability"),
    ],
)
def test_what_a_sweep_cannot_do(tiny_model, options, error, message):
    with pytest.raises(error, match=message):
        gb.ablation_sweep(tiny_model("bert", "classification"), TEXT, **options)
