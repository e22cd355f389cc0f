"""Replaced tokens against the stock discriminator: probabilities, and why a token looks replaced."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import glassbert as gb

TEXT, PAIR = "The film was not good at all, said the doctor.", ("The man went home.", "He was tired.")
AT = 5


@pytest.fixture
def model(tiny_model):
    return tiny_model("electra", "replaced_tokens")


@pytest.fixture
def oracle(stock):
    return stock("electra", "replaced_tokens")


def close(found, expected, atol=2e-5):
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-4, atol=atol)


@pytest.mark.parametrize("texts", [(TEXT,), PAIR])
def test_logits_are_the_stock_discriminators(model, oracle, texts):
    found, logits = gb.replaced_tokens(model, *texts), oracle(*texts).logits[0]
    assert (model.task_heads, model.labels) == (("replaced_tokens",), ("replaced",))
    close(found.logits, logits)
    close(found.probabilities, logits.sigmoid(), 1e-6)
    assert found.predicted.tolist() == (logits > 0).tolist()
    words = np.flatnonzero(found.encoded.special_tokens_mask == 0)
    assert found.most_suspicious == words[logits[words].argmax()]
    assert found.frame()["probability"].tolist() == found.probabilities.tolist()


def test_why_a_token_looks_replaced(model, oracle):
    target, inputs = gb.TokenTarget(AT), oracle.inputs(TEXT)
    embeddings = oracle.embeddings(inputs["input_ids"]).requires_grad_()
    rest = {name: value for name, value in inputs.items() if name != "input_ids"}
    logits = oracle.network(inputs_embeds=embeddings, **rest).logits[0]
    (gradient,) = torch.autograd.grad(logits[AT], embeddings)
    found = gb.attribute(model, TEXT, method="input_x_gradient", target=target)
    close(found.value, logits[AT].detach())
    assert (found.target_label, found.target) == ("“good” replaced", gb.TokenTarget(AT, 0))
    close(found.scores, (gradient * embeddings).sum(-1)[0].detach(), 1e-5)
    assert abs(gb.attribute(model, TEXT, target=target, n_steps=128).delta) < 0.02
    share = gb.attribute(model, TEXT, method="saliency", target=target, output="probability")
    close(share.value, logits[AT].sigmoid().detach())
    left = gb.attribute(model, TEXT, method="leave_one_out", target=target)
    kept = torch.arange(len(logits)) != 2
    without = {name: value[:, kept] for name, value in inputs.items()}
    with torch.no_grad():
        close(left.scores[2], (logits[AT] - oracle.network(**without).logits[0, AT - 1]).detach(), 1e-4)
    assert left.scores[AT] == 0  # the token whose logit it is cannot be left out
    relevance = gb.attribute(model, TEXT, method="attn_lrp", target=target)
    close(relevance.scores.sum() + sum(relevance.options["unattributed"].values()), relevance.value, 1e-3)
    parts = gb.attribute(model, TEXT, method="decompx", target=target)
    close(parts.scores.sum(), parts.value, 1e-3)


def test_an_open_target_is_the_most_suspicious_token(model):
    found = gb.replaced_tokens(model, TEXT)
    scores = gb.attribute(model, TEXT, method="saliency")
    assert scores.target == gb.TokenTarget(found.most_suspicious, 0)
    assert scores.value == pytest.approx(
        found.logits.max(initial=-np.inf, where=found.encoded.special_tokens_mask == 0)
    )
    answer = gb.verdict(model, TEXT, budget=10).answer
    share = float(found.probabilities[found.most_suspicious])
    assert answer.probability == pytest.approx(max(share, 1 - share))
    assert f"looks {'replaced' if share > 0.5 else 'original'}" in answer.sentence


def test_one_method_of_each_kind_and_the_checks_answer(model):
    methods = ("attention_relevance", "gradient_shap", "lime", "occlusion", "partition_shap", "rollout", "value_norms")
    found = list(gb.attribute_each(model, "Not good.", methods=methods, target=gb.TokenTarget(2)))
    assert len(found) == len(methods)
    assert all(np.isfinite(one.scores).all() for one in found)
    assert len(gb.receipt(model, found[0], n_orderings=10).frame()) > 3


def test_a_head_that_is_off_adds_nothing(model, oracle):
    layer, size = oracle.network.electra.encoder.layer[1].attention.output.dense, model.hidden_size // 4
    before = layer.weight.clone()
    with torch.no_grad():
        layer.weight[:, 2 * size : 3 * size] = 0
        expected = oracle(TEXT).logits[0]
        layer.weight.copy_(before)
    close(gb.replaced_tokens(gb.ablate(model, [(1, 2)]), TEXT).logits, expected)


def test_what_a_discriminator_has_not(model, tiny_model):
    with pytest.raises(gb.TaskHeadError, match=r"for replaced tokens \(its heads: masked words\)"):
        gb.replaced_tokens(tiny_model("electra", "masked_words"), TEXT)
    with pytest.raises(gb.TaskHeadError, match=r"for masked words \(its heads: replaced tokens\)"):
        gb.fill_mask(model, TEXT, positions=[1])
    with pytest.raises(gb.TaskHeadError, match="for token classification"):
        gb.label_tokens(model, TEXT)
    with pytest.raises(gb.TargetError, match="this model's classes are replaced"):
        gb.attribute(model, TEXT, target=gb.TokenTarget(AT, "original"))
    with pytest.raises(gb.TargetError, match="no other one to compare it with"):
        gb.attribute(model, TEXT, target=gb.TokenTarget(AT, foil=0))
    with pytest.raises(gb.TargetError, match="words of this text are tokens 1 to"):
        gb.attribute(model, TEXT, target=gb.TokenTarget(0))
