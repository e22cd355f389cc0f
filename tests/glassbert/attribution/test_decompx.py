"""DecompX adds up to the logit and, layer by layer, to the stock network's states; its parts equal a slow loop's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import glassbert as gb
from glassbert.attribution import _decompx
from glassbert.decision import decide
from tests.glassbert.attribution.explicit_decompx import all_parts, logit_parts
from tests.glassbert.decision.decisions import DECIDED, TEXT

every = pytest.mark.parametrize("decision", DECIDED, indirect=True, ids="-".join)
classifiers = pytest.mark.parametrize(
    "decision", [one for one in DECIDED if one[1] == "classification"], indirect=True, ids="-".join
)
classifier = pytest.mark.parametrize("decision", [("bert", "classification")], indirect=True, ids="-".join)


@every
def test_scores_add_up_to_the_stock_networks_logit_and_equal_a_slow_loop(decision):
    score = decision.attribute("decompx")
    net = decision.explicit()
    expected = logit_parts(net, all_parts(net)[-1][decision.position])[:, decision.index]
    np.testing.assert_allclose(score.scores, expected, atol=2e-5)
    output = decision.oracle(*decision.texts)
    if decision.task == "question_answering":
        logit = output.end_logits[0, decision.position]
    else:
        place = None if decision.task in ("classification", "next_sentence") else decision.position
        logit = decision.oracle.pick(output, decision.index, place)
    assert float(score.scores.sum(dtype=np.float64)) == pytest.approx(float(logit), abs=2e-5)
    assert (score.baseline, score.baseline_value) == (None, 0)
    assert abs(score.delta) < 2e-5
    assert (np.abs(score.scores) > 1e-4).all(), "through two layers every token reaches every other"


@classifier
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_cosine_is_split_by_the_length_of_the_whole_embedding(decision, pooling):
    first, second = (gb.SimilarityTarget(other, pooling=pooling) for other in ("He went home.", "It was good."))
    near, far = (gb.attribute(decision.model, TEXT, method="decompx", target=target) for target in (first, second))
    parts = all_parts(decision.explicit())[-1]
    embedding = parts.mean(axis=0) if pooling == "mean" else parts[0]
    states = gb.hidden_states(decision.model, first.other).states[-1].astype(float)
    other = states.mean(axis=0) if pooling == "mean" else states[0]
    expected = embedding @ (other / np.linalg.norm(other)) / np.linalg.norm(embedding.sum(axis=0))
    np.testing.assert_allclose(near.scores, expected, atol=1e-6)
    assert near.scores.sum() == pytest.approx(near.value, abs=1e-6)
    assert abs(near.delta) < 1e-6
    contrast = gb.SimilarityTarget(first.other, second.other, pooling)
    both = gb.attribute(decision.model, TEXT, method="decompx", target=contrast)
    np.testing.assert_allclose(both.scores, near.scores - far.scores, atol=1e-6)


@every
def test_after_each_layer_the_parts_add_up_to_the_stock_networks_states(decision):
    runner = decide(decision.model, decision.encoded, decision.target, "logit")
    trace = _decompx.traced(runner, [runner.decision.position])
    rows = list(range(runner.decision.length))
    slow = all_parts(decision.explicit())
    stock = decision.oracle(*decision.texts, output_hidden_states=True).hidden_states
    np.testing.assert_allclose(trace.states, stock[-3][0], atol=1e-5)
    for layer, parts in enumerate(_decompx.decomposed(trace, rows)):
        np.testing.assert_allclose(parts.sum(dim=1), stock[layer - 2][0], atol=2e-5)
        np.testing.assert_allclose(parts, slow[layer + 1], atol=2e-5)
    assert layer == 1


@every
def test_a_contrast_is_the_difference_of_its_two_sides(decision):
    target, foil = decision.attribute("decompx"), decision.attribute("decompx", target=decision.foil)
    if decision.contrast is None:
        assert foil.delta == pytest.approx(0, abs=2e-5)
        return
    contrast = decision.attribute("decompx", target=decision.contrast)
    np.testing.assert_allclose(contrast.scores, target.scores - foil.scores, atol=2e-5)
    assert contrast.value == pytest.approx(target.value - foil.value, abs=1e-5)
    assert abs(contrast.delta) < 2e-5


@classifier
@pytest.mark.parametrize("floats", [1, 500, 3000])
def test_small_pieces_give_the_same_parts(decision, monkeypatch, floats):
    whole = decision.attribute("decompx").scores
    monkeypatch.setattr(_decompx, "_CHUNK_FLOATS", floats)
    np.testing.assert_allclose(decision.attribute("decompx").scores, whole, atol=1e-5)


def test_layers_that_add_nothing_leave_a_token_all_its_own(tiny_checkpoint):
    """Closed form: the logit of a label is made of its own token alone, biases included."""
    model = gb.load(str(tiny_checkpoint("bert", "token_classification")), device="cpu")
    with torch.no_grad():
        for layer in model.network.bert.encoder.layer:
            layer.attention.output.dense.weight.zero_()
    score = gb.attribute(model, TEXT, method="decompx", target=gb.TokenTarget(3, 2))
    expected = np.zeros(len(score.encoded))
    expected[3] = gb.label_tokens(model, TEXT).logits[3, 2]
    np.testing.assert_allclose(score.scores, expected, atol=1e-5)


@classifiers
def test_heads_that_are_off_carry_nothing(decision):
    off = gb.ablate(decision.model, [(0, 1), (1, 0), (1, 3)])
    score = gb.attribute(off, *decision.texts, method="decompx", target=decision.target)
    assert score.value == pytest.approx(float(gb.classify(off, *decision.texts).logits[1]), abs=1e-5)
    assert abs(score.delta) < 2e-5
    assert np.abs(score.scores - decision.attribute("decompx").scores).max() > 1e-3
    everything = [(layer, head) for layer in range(2) for head in range(4)]
    alone = gb.attribute(
        gb.ablate(decision.model, everything), *decision.texts, method="decompx", target=decision.target
    )
    assert alone.scores[0] == pytest.approx(alone.value, abs=2e-5)
    np.testing.assert_allclose(alone.scores[1:], 0, atol=1e-6)


@classifier
def test_a_probability_is_no_sum_of_parts(decision):
    with pytest.raises(gb.MethodError, match="choose the output logit"):
        decision.attribute("decompx", output="probability")


@classifier
def test_it_can_be_stopped_between_layers(decision):
    asked = []
    with pytest.raises(gb.StoppedError):
        decision.attribute("decompx", cancelled=lambda: asked.append(None) or len(asked) > 1)
    assert len(asked) == 2


def test_an_unknown_inside_is_a_sentence(tiny_checkpoint):
    model = gb.load(str(tiny_checkpoint("albert", "classification")), device="cpu")
    model.network.config.inner_group_num = 2
    with pytest.raises(gb.UnsupportedModelError, match="ALBERT networks with inner_group_num = 1, and this one has 2"):
        gb.attribute(model, TEXT, method="decompx", target=0)
