"""AttnLRP equals the paper's rules propagated one operation at a time, and accounts for every part of F."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import glassbert as gb
from tests.glassbert.attribution.explicit_lrp import Propagation
from tests.glassbert.decision.decisions import DECIDED, TEXT

every = pytest.mark.parametrize("decision", DECIDED, indirect=True, ids="-".join)
bert = pytest.mark.parametrize("decision", [one for one in DECIDED if one[0] == "bert"], indirect=True, ids="-".join)
classifiers = pytest.mark.parametrize(
    "decision", [one for one in DECIDED if one[1] == "classification"], indirect=True, ids="-".join
)


def accounted(score):
    return float(score.scores.astype(np.float64).sum()) + sum(score.options["unattributed"].values())


@every
def test_scores_and_what_is_unattributed_equal_the_rules_written_out(decision):
    propagation = Propagation(decision.explicit())
    expected = propagation.run(decision.position, decision.index).sum(axis=1)
    score = decision.attribute("attn_lrp")
    np.testing.assert_allclose(score.scores, expected, atol=2e-5)
    shares = score.options["unattributed"]
    assert set(shares) == {"positions", "segments", "biases", "softmax"}
    for account, relevance in shares.items():
        assert relevance == pytest.approx(propagation.kept[account], abs=2e-5), account
    assert np.abs(score.scores).max() > 1e-2


@every
@pytest.mark.parametrize("output", ["logit", "probability"])
def test_relevance_is_conserved(decision, output):
    score = decision.attribute("attn_lrp", output=output)
    assert accounted(score) == pytest.approx(score.value, abs=1e-5)
    assert (score.delta, score.baseline_value) == (None, None)
    # no account is there for show: each family has positions and biases, and only some have segments
    shares = score.options["unattributed"]
    assert all(shares[name] != 0 for name in ("positions", "biases", "softmax"))
    assert (shares["segments"] != 0) == (decision.family not in ("distilbert", "mpnet"))


@bert
def test_a_contrast_is_the_difference_of_its_two_sides(decision):
    target, foil = decision.attribute("attn_lrp"), decision.attribute("attn_lrp", target=decision.foil)
    if decision.contrast is None:
        assert not np.allclose(target.scores, foil.scores, atol=1e-3)
        return
    contrast = decision.attribute("attn_lrp", target=decision.contrast)
    np.testing.assert_allclose(contrast.scores, target.scores - foil.scores, atol=1e-5)
    assert accounted(contrast) == pytest.approx(target.value - foil.value, abs=1e-5)


def test_a_linear_network_gives_words_times_weights(tiny_checkpoint):
    """Closed form: with layers that add nothing, a token's logit is linear in its embeddings but for the spreads."""
    model = gb.load(str(tiny_checkpoint("bert", "token_classification", layers=1)), device="cpu")
    network = model.network
    layer = network.bert.encoder.layer[0]
    with torch.no_grad():
        for half in (layer.attention.output, layer.output):
            half.dense.weight.zero_(), half.dense.bias.zero_()
            half.LayerNorm.weight.fill_(1), half.LayerNorm.bias.zero_()
    score = gb.attribute(model, TEXT, method="attn_lrp", target=gb.TokenTarget(3, 2))

    tables = network.bert.embeddings
    parts = {
        "words": tables.word_embeddings.weight[int(score.encoded.input_ids[3])],
        "positions": tables.position_embeddings.weight[3],
        "segments": tables.token_type_embeddings.weight[0],
    }
    gamma, beta = tables.LayerNorm.weight.double(), tables.LayerNorm.bias.double()
    total = sum(parts.values()).double()
    spread = total.std(correction=0)
    second = ((total - total.mean()) / spread * gamma + beta).std(correction=0)  # of what the layer normalises again
    weight, bias = network.classifier.weight[2].double(), network.classifier.bias[2].double()
    weight = (weight - weight.mean()) / second
    shares = {
        name: float((part.double() - part.double().mean()) / spread * gamma @ weight) for name, part in parts.items()
    }
    expected = np.zeros(len(score.encoded))
    expected[3] = shares.pop("words")
    np.testing.assert_allclose(score.scores, expected, atol=1e-5)
    shares |= {"biases": float(beta @ weight + bias), "softmax": 0.0}
    assert score.options["unattributed"] == pytest.approx(shares, abs=1e-5)


@classifiers
def test_nothing_of_the_shared_network_is_changed(decision):
    network = decision.model.network
    text = decision.own(decision.texts[0])
    before = gb.classify(decision.model, text).logits
    gb.attention(decision.model, text)  # transformers leaves hooks of its own when it is first asked for weights

    def hooks():
        return [(list(module._forward_hooks), list(module._forward_pre_hooks)) for module in network.modules()]

    there = hooks()
    decision.attribute("attn_lrp")
    assert hooks() == there
    np.testing.assert_array_equal(gb.classify(decision.model, text).logits, before)
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in network.parameters())


@classifiers
def test_heads_that_are_off_have_no_relevance_and_the_rest_is_conserved(decision):
    off = gb.ablate(decision.model, [(0, 1), (1, 0), (1, 3)])
    score = gb.attribute(off, *decision.texts, method="attn_lrp", target=decision.target)
    whole = decision.attribute("attn_lrp")
    assert accounted(score) == pytest.approx(score.value, abs=1e-5)
    assert np.abs(score.scores - whole.scores).max() > 1e-4
    everything = [(layer, head) for layer in range(2) for head in range(4)]
    alone = gb.attribute(
        gb.ablate(decision.model, everything), *decision.texts, method="attn_lrp", target=decision.target
    )
    assert (alone.scores[1:] == 0).all(), "without attention only the first token reaches the classifier"
    assert alone.options["unattributed"]["softmax"] == pytest.approx(0, abs=1e-6)


def test_an_unknown_inside_is_a_sentence(tiny_checkpoint):
    model = gb.load(str(tiny_checkpoint("albert", "classification")), device="cpu")
    model.network.config.inner_group_num = 2
    with pytest.raises(gb.UnsupportedModelError, match="ALBERT networks with inner_group_num = 1, and this one has 2"):
        gb.attribute(model, TEXT, method="attn_lrp", target=0)


def test_many_threads_at_once_see_the_same_numbers(tiny_model):
    """Hooks are on the network only while the lock is held: gradients beside it are those of the stock network."""
    from concurrent.futures import ThreadPoolExecutor

    model = tiny_model("bert", "classification")
    alone = {
        method: gb.attribute(model, TEXT, method=method, target=1).scores
        for method in ("attn_lrp", "attention_relevance")
    }

    def work(number):
        torch.set_num_threads(1)
        method = ("attn_lrp", "attention_relevance")[number % 2]
        return method, gb.attribute(model, TEXT, method=method, target=1).scores

    with ThreadPoolExecutor(4) as pool:
        for method, scores in pool.map(work, range(24)):
            np.testing.assert_allclose(scores, alone[method], atol=1e-6)
