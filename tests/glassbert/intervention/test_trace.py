"""Activation patching against a slow one: the stock network, one hook, one place at a time."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

import glassbert as gb
from tests import tiny
from tests.glassbert.maps.oracles import NAMES, stock_layers, without_heads

CLEAN, CORRUPTED = "The film was good and the man was tired.", "The film was great and the man was tired."
MASKED, OTHER_MASKED = "The man was not the [MASK].", "The story was not the [MASK]."
PAIR = ("The man went home.", "He was tired."), ("The film went home.", "He was great.")
KINDS = ("hidden", "head", "mlp", "attention")
FEED_FORWARD = {"distilbert": "ffn.lin2", "albert": "ffn_output"}


class Oracle:
    """F of the corrupted text with one place patched, by a hook on a transformers model of its own."""

    def __init__(self, stock, family, clean, corrupted, index, position=None):
        self.stock, self.family, self.pick = stock, family, partial(stock.pick, index=index, position=position)
        self.clean, self.corrupted = stock.inputs(*clean), stock.inputs(*corrupted)
        self.layers = stock_layers(stock.network, family)

    def site(self, kind, layer):
        """(module, which of its calls, whether its input): where the state passes."""
        if kind == "hidden" and layer == 0:
            module, layer, reads = self.layers[0], 0, True
        elif kind == "hidden":
            module, layer, reads = self.layers[layer - 1], layer - 1, False
        else:
            feed_forward = FEED_FORWARD.get(self.family, "output.dense")
            name = feed_forward if kind == "mlp" else NAMES[self.family][1]
            module, reads = self.layers[layer].get_submodule(name), kind == "head"
        return module, sum(other is self.layers[layer] for other in self.layers[:layer]), reads

    def run(self, inputs, site, change):
        module, wanted, reads = site
        calls = []

        def hook(_module, given, output=None):
            calls.append(None)
            if len(calls) - 1 != wanted:
                return None
            values = given if reads else output
            state = values[0] if isinstance(values, tuple) else values
            new = change(state)
            return (new, *values[1:]) if isinstance(values, tuple) else new

        with ExitStack() as stack:
            register = module.register_forward_pre_hook if reads else module.register_forward_hook
            stack.callback(register(hook).remove)
            with torch.no_grad():
                return float(self.pick(self.stock.network(**inputs))[0])

    def value(self, kind, layer, start, stop, head=None):
        kept = []
        self.run(self.clean, self.site(kind, layer), lambda state: kept.append(state.clone()) or state)
        size = kept[0].shape[-1] // 4
        columns = slice(None) if head is None else slice(head * size, (head + 1) * size)

        def patch(state):
            state = state.clone()
            state[:, start:stop, columns] = kept[0][:, start:stop, columns]
            return state

        return self.run(self.corrupted, self.site(kind, layer), patch)

    def plain(self, inputs):
        with torch.no_grad():
            return float(self.pick(self.stock.network(**inputs))[0])


def expected(oracle, found):
    """The oracle's F of every place of a trace."""
    values = np.empty(found.values.shape)
    for index in np.ndindex(values.shape):
        head = {"head": index[1]} if found.kind == "head" else {}
        start, stop = found.spans[index[-1]].tolist()
        values[index] = oracle.value(found.kind, int(found.layers[index[0]]), start, stop, **head)
    return values


def close(found, wanted):
    """To 1e-5 of the size of F."""
    scale = max(1.0, float(np.abs(wanted).max()))
    np.testing.assert_allclose(found, wanted, atol=1e-5 * scale, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_a_class(tiny_model, stock, family, kind):
    oracle = Oracle(stock(family, "classification"), family, (CLEAN,), (CORRUPTED,), 2)
    found = gb.trace(tiny_model(family, "classification"), CLEAN, CORRUPTED, 2, kind=kind)
    close(found.values, expected(oracle, found))
    close(found.clean_value, oracle.plain(oracle.clean))
    close(found.corrupted_value, oracle.plain(oracle.corrupted))
    assert found.restored.min() < 0.2 < 0.4 < found.restored.max() if kind == "hidden" else found.restored.any()


@pytest.mark.parametrize(("family", "kind"), list(zip(tiny.FAMILIES, [*KINDS, *KINDS], strict=False)))
def test_a_masked_word(tiny_model, stock, family, kind):
    model = tiny_model(family, "masked_words")
    position = gb.encode(model, MASKED).tokens.index(model.mask_token)
    found = gb.trace(model, MASKED, OTHER_MASKED, gb.MaskTarget(position, 77), kind=kind)
    oracle = Oracle(stock(family, "masked_words"), family, (MASKED,), (OTHER_MASKED,), 77, position)
    close(found.values, expected(oracle, found))


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_sentence(tiny_model, stock, kind):
    (first, second), (other, another) = PAIR
    model, oracle = tiny_model("bert", "next_sentence"), Oracle(stock("bert", "next_sentence"), "bert", *PAIR, 1)
    target = gb.NextSentenceTarget(is_next=False)
    found = gb.trace(model, first, other, target, pair=second, corrupted_pair=another, kind=kind)
    close(found.values, expected(oracle, found))
    same_pair = gb.trace(model, first, other, target, pair=second)
    assert same_pair.corrupted.texts == (other, second)


def test_a_decision_that_several_tokens_make(tiny_model, stock):
    """The edge of an answer is chosen among tokens: then the last layer is run at all of them, and its patches too."""
    (first, second), (other, another) = PAIR
    model = tiny_model("distilbert", "question_answering")
    network = stock("distilbert", "question_answering")
    target = gb.AnswerTarget("start", 9, foil=10)
    found = gb.trace(model, first, other, target, pair=second, corrupted_pair=another)
    oracle = Oracle(network, "distilbert", *PAIR, 0)
    oracle.pick = lambda output: output.start_logits[:, 9] - output.start_logits[:, 10]
    close(found.values, expected(oracle, found))
    # the others give the same but for the rounding, which a batch need not share with a single input
    changed = np.flatnonzero(np.abs(found.values[-1] - found.corrupted_value) > 1e-5)
    assert changed.tolist() == [9, 10]


def test_an_entity_and_an_answer(tiny_model, stock):
    """Both ends of an answer, all tokens of an entity: a patch after the last layer moves F at these alone."""
    (first, second), (other, another) = PAIR
    model = tiny_model("distilbert", "question_answering")
    found = gb.trace(model, first, other, gb.SpanTarget(9, 10), pair=second, corrupted_pair=another)
    oracle = Oracle(stock("distilbert", "question_answering"), "distilbert", *PAIR, 0)
    oracle.pick = lambda output: output.start_logits[:, 9] + output.end_logits[:, 10]
    close(found.values, expected(oracle, found))
    changed = np.flatnonzero(np.abs(found.values[-1] - found.corrupted_value) > 1e-5)
    assert changed.tolist() == [9, 10]
    model = tiny_model("electra", "token_classification")
    network = stock("electra", "token_classification")
    logits = network(CORRUPTED).logits[0, 3:5].numpy()
    labels = np.asarray([1, 2])[logits[:, [1, 2]].argmax(axis=1)].tolist()
    found = gb.trace(model, CLEAN, CORRUPTED, gb.EntityTarget(3, 5, "PER"))
    oracle = Oracle(network, "electra", (CLEAN,), (CORRUPTED,), 1, 3)
    oracle.pick = lambda output: (output.logits[:, 3, labels[0]] + output.logits[:, 4, labels[1]]) / 2
    own = gb.label_tokens(model, CLEAN).logits[3:5]
    if (np.asarray([1, 2])[own[:, [1, 2]].argmax(axis=1)] == labels).all():
        close(found.values, expected(oracle, found))


def test_the_label_of_a_token(tiny_model, stock):
    model = tiny_model("electra", "token_classification")
    found = gb.trace(model, CLEAN, CORRUPTED, gb.TokenTarget(3, "B-PER"), kind="mlp")
    oracle = Oracle(stock("electra", "token_classification"), "electra", (CLEAN,), (CORRUPTED,), 1, 3)
    close(found.values, expected(oracle, found))


@pytest.mark.parametrize("family", tiny.STRUCTURES)
@pytest.mark.parametrize("task", ["classification", "masked_words"])
def test_every_position_of_a_layer_restores_the_clean_answer_and_none_leaves_the_other(tiny_model, family, task):
    model = tiny_model(family, task)
    target = gb.MaskTarget(2) if task == "masked_words" else None
    found = gb.trace(model, CLEAN, CORRUPTED, target, spans=[(0, len(gb.encode(model, CLEAN)))])
    close(found.values, np.full((3, 1), found.clean_value))
    np.testing.assert_allclose(found.restored, 1, atol=1e-4)
    # a token that both texts share is the same embedding in both: nothing is patched
    nothing = gb.trace(model, CLEAN, CORRUPTED, target, layers=[0], spans=[(1, 2), (0, 1)])
    assert nothing.values.tolist() == [[np.float32(nothing.corrupted_value)] * 2]
    np.testing.assert_allclose(nothing.restored, 0, atol=1e-6)


def test_one_head_alone_is_the_whole_of_attention(tiny_model):
    """With a single head, its output decides what the attention block adds."""
    model = tiny_model("bert", "classification", heads=1)
    whole = [(0, len(gb.encode(model, CLEAN)))]
    head = gb.trace(model, CLEAN, CORRUPTED, kind="head")
    block = gb.trace(model, CLEAN, CORRUPTED, kind="attention", spans=whole)
    assert head.values.shape == (2, 1, 1)
    close(head.values[:, 0], block.values)


def test_heads_at_each_position(tiny_model, stock):
    model = tiny_model("roberta", "classification")
    found = gb.trace(model, CLEAN, CORRUPTED, "NEUTRAL", kind="head", spans=[(0, 1), (4, 6), (6, 7)])
    assert found.values.shape == (2, 4, 3)
    close(
        found.values, expected(Oracle(stock("roberta", "classification"), "roberta", (CLEAN,), (CORRUPTED,), 1), found)
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", ["bert", "albert"])
def test_many_small_passes_give_what_one_gives(tiny_model, monkeypatch, family, kind):
    model = tiny_model(family, "classification")
    together = gb.trace(model, CLEAN, CORRUPTED, kind=kind)
    module = sys.modules["glassbert.intervention.patching"]
    monkeypatch.setattr(module, "_TOKEN_ROWS", 1)
    monkeypatch.setattr(module, "_LEAST_PATCHES", 1)
    alone = gb.trace(model, CLEAN, CORRUPTED, kind=kind)
    close(together.values, alone.values)
    assert alone.forward_passes > together.forward_passes


def test_a_view_without_heads_is_traced_as_it_is(tiny_model, stock):
    off = [(0, 1), (1, 3)]
    view = gb.ablate(tiny_model("bert", "classification"), off)
    oracle = Oracle(without_heads(stock("bert", "classification"), "bert", off), "bert", (CLEAN,), (CORRUPTED,), 0)
    for kind in KINDS:
        found = gb.trace(view, CLEAN, CORRUPTED, 0, kind=kind)
        close(found.values, expected(oracle, found))
        if kind == "head":
            assert (found.values[[0, 1], [1, 3], 0] == np.float32(found.corrupted_value)).all()


def test_probabilities_and_foils(tiny_model):
    model = tiny_model("bert", "classification")
    found = gb.trace(model, CLEAN, CORRUPTED, gb.ClassTarget("POSITIVE", "NEGATIVE"), output="probability")
    clean, corrupted = (gb.classify(model, text).probabilities for text in (CLEAN, CORRUPTED))
    assert found.clean_value == pytest.approx(float(clean[2] - clean[0]), abs=1e-5)
    assert found.corrupted_value == pytest.approx(float(corrupted[2] - corrupted[0]), abs=1e-5)
    assert found.target_label == "POSITIVE rather than NEGATIVE"


def test_what_is_left_open_is_settled_by_the_clean_text(tiny_model):
    model = tiny_model("bert", "masked_words")
    found = gb.trace(model, MASKED, OTHER_MASKED)
    best = gb.fill_mask(model, MASKED, top_k=1)
    assert (found.target.position, found.target.token) == (best.positions[0], best.candidate_ids[0, 0])
    assert found.target_label == best.candidates[0][0]


def test_passes_that_cannot_matter_are_not_run(tiny_model):
    """One changed word: at the embeddings only its own place matters, after the last layer only what is read."""
    model = tiny_model("bert", "classification")
    found = gb.trace(model, CLEAN, CORRUPTED, 0)
    tokens = len(found.clean)
    assert found.forward_passes == 2 + 1 + (1 + tokens + 1)  # both texts; the corrupted one again, with the patches
    frame = found.frame()
    assert len(frame) == 3 * tokens
    first = frame[(frame["layer"] == 0) & (frame["restored"] != 0)]
    assert (first["clean"].item(), first["corrupted"].item(), first["start"].item()) == ("good", "great", 4)
    assert first["restored"].item() == pytest.approx(1, abs=1e-4)  # the one difference there is


def test_progress_and_stopping(tiny_model, monkeypatch):
    model, seen = tiny_model("bert", "classification"), []
    monkeypatch.setattr(sys.modules["glassbert.intervention.patching"], "_TOKEN_ROWS", 1)
    gb.trace(model, CLEAN, CORRUPTED, 0, progress=lambda done, total: seen.append((done, total)))
    assert [total for _, total in seen] == [36] * len(seen)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert len(seen) > 1
    assert seen[-1] == (36, 36)
    with pytest.raises(gb.StoppedError, match="cancelled"):
        gb.trace(model, CLEAN, CORRUPTED, 0, cancelled=lambda: True)


def test_no_hook_stays_behind(tiny_model):
    model = tiny_model("bert", "classification")

    def hooks():
        return [(*module._forward_hooks, *module._forward_pre_hooks) for module in model.network.modules()]

    before, logits = hooks(), gb.classify(model, CORRUPTED).logits
    for kind in KINDS:
        gb.trace(model, CLEAN, CORRUPTED, kind=kind)
    with pytest.raises(gb.StoppedError):
        gb.trace(model, CLEAN, CORRUPTED, 0, cancelled=iter([False, False, True]).__next__)
    assert hooks() == before
    np.testing.assert_array_equal(gb.classify(model, CORRUPTED).logits, logits)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"corrupted": "The film was unbelievable and the man was tired."},
            gb.TextError,
            r"12 tokens .* one \d\d, .*'unbelievable' \(\d+ tokens\)",
        ),
        ({"corrupted": CLEAN}, gb.TextError, "give this model the same tokens"),
        ({"kind": "neuron"}, gb.OptionError, "must be one of hidden, head, mlp, attention"),
        ({"layers": [3]}, gb.LayerError, r"embeddings \(0\) and each layer: 0 to 2"),
        ({"layers": [2], "kind": "mlp"}, gb.LayerError, "layers 0 to 1"),
        ({"layers": []}, gb.OptionError, "at least one"),
        ({"spans": [(3, 3)]}, gb.OptionError, "tokens 0 to 11"),
        ({"spans": [(10, 13)]}, gb.OptionError, "tokens 0 to 11"),
        ({"spans": []}, gb.OptionError, "at least one"),
        ({"target": "GOOD"}, gb.TargetError, "NEGATIVE, NEUTRAL, POSITIVE"),
        ({"target": gb.MaskTarget(1)}, gb.TaskHeadError, "masked words"),
    ],
)
def test_what_cannot_be_traced_says_why(tiny_model, options, error, message):
    arguments = {"clean": CLEAN, "corrupted": CORRUPTED} | options
    with pytest.raises(error, match=message):
        gb.trace(tiny_model("bert", "classification"), **arguments)


def test_the_same_answer_twice_has_nothing_to_restore(tiny_model):
    """Masked at the one word that differs, both texts are one; so their answers are."""
    model = tiny_model("bert", "masked_words")
    with pytest.raises(gb.TargetError, match="no difference to restore"):
        gb.trace(model, CLEAN, CORRUPTED, gb.MaskTarget(4, "he"))


def test_a_trace_between_two_equal_answers_says_so(tiny_model):
    found = gb.trace(tiny_model("bert", "classification"), CLEAN, CORRUPTED)
    assert abs(found.clean_value - found.corrupted_value) > 0.1
    assert found.nothing_to_trace == ""
    same = replace(found, clean_value=0.96, corrupted_value=0.963)
    assert same.nothing_to_trace.startswith("The two texts get the same answer (+0.96 and +0.963 for “")
    assert same.nothing_to_trace.endswith("there is nothing to trace. Change another word.")
    assert replace(same, output="probability", corrupted_value=0.966).nothing_to_trace == ""


def test_the_embedded_model_on_a_capital(pretrained):
    """Paris against London: the answer comes back where the name is, and after the last layer at the mask alone."""
    found = gb.trace(pretrained, "Paris is the capital of [MASK].", "London is the capital of [MASK].")
    assert found.target_label == "france"
    assert found.restored[0].argmax() == 1
    assert found.restored[-1].round(3).tolist() == [0, 0, 0, 0, 0, 0, 1, 0, 0]
