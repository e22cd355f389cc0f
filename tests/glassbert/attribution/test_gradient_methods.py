"""Gradient methods against Captum used directly, on its own random numbers, and on a model that is linear."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from captum.attr import GradientShap, IntegratedGradients, NoiseTunnel, Saliency

import glassbert as gb
from glassbert.attribution._path import Path
from glassbert.decision import decide
from tests.glassbert.decision.decisions import DECIDED, Decision

TEXT = "This film was not good at all."
every = pytest.mark.parametrize("decision", DECIDED, indirect=True, ids=lambda one: "-".join(one))
bert = pytest.mark.parametrize(
    "decision", [one for one in DECIDED if one[0] == "bert"], indirect=True, ids=lambda one: one[1]
)


def ours(decision: Decision, method: str, **options) -> gb.TokenScores:
    return gb.attribute(decision.model, decision.encoded, method=method, target=decision.target, **options)


def stock_value(decision: Decision):
    """F of word embeddings by the stock network alone, and the embeddings of the text and of two baselines."""
    inputs = decision.oracle.inputs(*decision.texts)

    def value(embeddings):
        rows = {name: row.expand(len(embeddings), -1) for name, row in inputs.items() if name != "input_ids"}
        output = decision.oracle.network(inputs_embeds=embeddings, **rows)
        if decision.task == "question_answering":
            return output.end_logits[:, decision.position]
        return decision.oracle.pick(output, decision.index, decision.position or None)

    tokenizer, ids = decision.oracle.tokenizer, inputs["input_ids"]
    kept = torch.tensor(decision.encoded.special_tokens_mask).bool()
    if decision.task == "masked_words":
        kept[decision.position] = True
    fillers = (tokenizer.pad_token_id, tokenizer.mask_token_id)
    baselines = [decision.oracle.embeddings(torch.where(kept, ids, filler)) for filler in fillers]
    return value, decision.oracle.embeddings(ids), torch.cat(baselines)


@every
def test_smoothgrad_equals_captum_used_directly(decision):
    value, inputs, _ = stock_value(decision)
    torch.manual_seed(3)
    stdev = 0.2 * float(inputs.std())
    tunnel = NoiseTunnel(Saliency(value))
    gradient = tunnel.attribute(inputs.requires_grad_(), nt_samples=6, stdevs=stdev, nt_type="smoothgrad", abs=False)
    expected = gradient[0].detach().norm(dim=-1).numpy()
    score = ours(decision, "smoothgrad", n_samples=6, stdev=0.2, seed=3)
    np.testing.assert_allclose(score.scores, expected, atol=1e-5, rtol=1e-5)
    assert score.delta is None


@every
def test_gradient_shap_equals_captum_used_directly(decision):
    value, inputs, baselines = stock_value(decision)
    torch.manual_seed(5)
    np.random.seed(5)
    found = GradientShap(value).attribute(inputs, baselines=baselines, n_samples=6, stdevs=0.1 * float(inputs.std()))
    score = ours(decision, "gradient_shap", n_samples=6, stdev=0.1, seed=5)
    np.testing.assert_allclose(score.scores, found[0].detach().sum(dim=-1).numpy(), atol=1e-5, rtol=1e-5)
    assert score.baseline_value == pytest.approx(float(value(baselines).mean()), abs=1e-5)
    assert score.baseline == "pad and mask"
    change = score.value - score.baseline_value
    assert score.delta == pytest.approx(float(score.scores.sum(dtype=np.float64)) - change, abs=1e-9)


@bert
def test_integrated_gradients_equal_captum_given_the_same_nodes(decision):
    value, inputs, baselines = stock_value(decision)
    baseline, path = baselines[:1], Path()
    while not path.done(0.01, 1e-3):
        for place in path.wanted():
            point = (baseline + place * (inputs - baseline)).requires_grad_()
            found = value(point)
            (gradient,) = torch.autograd.grad(found.sum(), point)
            path.give(place, float(found.detach()), ((inputs - baseline) * gradient)[0].sum(dim=-1).double().numpy())
    places, weights = path.rule()
    (captum,) = IntegratedGradients(value)._attribute(
        (inputs,), (baseline,), n_steps=len(places), step_sizes_and_alphas=(weights, places)
    )
    np.testing.assert_allclose(
        ours(decision, "integrated_gradients").scores, captum[0].detach().sum(dim=-1).numpy(), atol=2e-5, rtol=1e-5
    )


@bert
@pytest.mark.parametrize("method", ["smoothgrad", "gradient_shap"])
def test_draws_follow_the_seed_alone(decision, method):
    torch.manual_seed(1)
    np.random.seed(1)
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = ours(decision, method, n_samples=5)
    assert torch.equal(states[0], torch.get_rng_state()), "the process's own draws go on undisturbed"
    np.testing.assert_array_equal(states[1], np.random.get_state()[1])
    torch.rand(7)
    np.random.rand(7)
    np.testing.assert_array_equal(first.scores, ours(decision, method, n_samples=5).scores)
    assert np.abs(first.scores - ours(decision, method, n_samples=5, seed=1).scores).max() > 1e-4
    one_by_one = ours(decision, method, n_samples=5, internal_batch_size=1)
    np.testing.assert_allclose(one_by_one.scores, first.scores, atol=1e-5)
    assert one_by_one.forward_passes == first.forward_passes


@bert
def test_smoothgrad_without_noise_is_saliency(decision):
    still = ours(decision, "smoothgrad", n_samples=2, stdev=0)
    np.testing.assert_allclose(still.scores, ours(decision, "saliency").scores, atol=1e-5)


@pytest.mark.parametrize("decision", [("bert", "classification")], indirect=True)
def test_gradient_shap_is_complete_in_expectation(decision):
    """The error of the draws shrinks as the root of their number: 64 times as many, about an eighth of it."""
    spread = {}
    for count in (5, 320):
        deltas = [ours(decision, "gradient_shap", n_samples=count, seed=seed).delta for seed in range(8)]
        spread[count] = np.sqrt(np.mean(np.square(deltas)))
    assert spread[320] < spread[5] / 3


# --- a model that is linear -------------------------------------------------------------------------------------


class Linear(torch.nn.Module):
    """logits[c] = Σ_i w_(c, i) · x_i + c: what every gradient method must say about it is known."""

    def __init__(self, table, weights):
        super().__init__()
        self.table, self.weights = table, weights
        self.config = SimpleNamespace(model_type="linear")

    @property
    def base_model(self):
        return self

    def get_input_embeddings(self):
        return self.table

    @property
    def dtype(self):
        return self.weights.dtype

    def forward(self, inputs_embeds, attention_mask, output_attentions=False, **_):
        tokens = inputs_embeds.shape[1]
        values = inputs_embeds * attention_mask[:, :, None]
        logits = torch.einsum("rtd,ctd->rc", values, self.weights[:, :tokens]) + torch.arange(len(self.weights))
        flat = torch.full((len(values), 1, tokens, tokens), 1 / tokens) + 0 * values.sum()
        return SimpleNamespace(logits=logits, attentions=(flat,) if output_attentions else ())


@pytest.fixture
def linear(tiny_checkpoint):
    """The model, and x_i, [PAD], [MASK] and w_i of its text as (token, dimension)."""
    from dataclasses import replace

    model = gb.load(str(tiny_checkpoint("bert", "classification")), device="cpu")
    table = model.network.get_input_embeddings()
    weights = torch.randn(3, 64, table.weight.shape[1], generator=torch.Generator().manual_seed(0))
    toy = replace(model, network=Linear(table, weights))
    runner = decide(toy, gb.encode(toy, TEXT), 1, "logit")
    ends = [
        runner.decision.embeddings[0],
        runner.decision.baseline_embeddings("pad")[0],
        runner.decision.baseline_embeddings("mask")[0],
    ]
    return toy, *(end.numpy().astype(np.float64) for end in ends), weights[1, : runner.decision.length].double().numpy()


def test_a_linear_model_is_explained_exactly(linear):
    model, x, pad, mask, w = linear

    def scores(method, **options):
        return gb.attribute(model, TEXT, method=method, target=1, **options)

    norms = np.linalg.norm(w, axis=-1)
    np.testing.assert_allclose(scores("saliency").scores, norms, rtol=1e-5)
    np.testing.assert_allclose(scores("smoothgrad").scores, norms, rtol=1e-5)
    np.testing.assert_allclose(scores("input_x_gradient").scores, (x * w).sum(axis=-1), atol=1e-5)
    for kind, baseline in (("pad", pad), ("mask", mask), ("zero", np.where((x == pad).all(-1, keepdims=True), x, 0))):
        for options in ({}, {"n_steps": 3}):
            score = scores("integrated_gradients", baseline=kind, **options)
            np.testing.assert_allclose(score.scores, ((x - baseline) * w).sum(axis=-1), atol=1e-4)
            assert score.delta == pytest.approx(0, abs=1e-4)
    assert scores("integrated_gradients").forward_passes == 14

    # each draw starts from one of two baselines: all tokens share the part of the draws that [MASK] had
    score = scores("gradient_shap", n_samples=8)
    from_pad, from_mask = ((x - pad) * w).sum(axis=-1), ((x - mask) * w).sum(axis=-1)
    part = np.dot(score.scores - from_pad, from_mask - from_pad) / np.dot(from_mask - from_pad, from_mask - from_pad)
    np.testing.assert_allclose(score.scores, from_pad + part * (from_mask - from_pad), atol=1e-4)
    assert part * 8 == pytest.approx(round(part * 8), abs=1e-3)
    assert 0 < part < 1


# --- what is refused, and what is left out ----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["smoothgrad", "gradient_shap"])
@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("n_samples", value) for value in (0, 2.5, True)),
        *(("stdev", value) for value in (-0.1, "much", 11)),
        *(("seed", value) for value in (-1, 2**32, None)),
        ("internal_batch_size", 0),
    ],
)
def test_options_that_make_no_sense_are_refused(tiny_model, method, option, value):
    with pytest.raises(gb.OptionError, match=f"{option} must be .*; got {value}"):
        gb.attribute(tiny_model("bert", "classification"), TEXT, method=method, **{option: value})


@pytest.mark.parametrize("method", gb.attribution.LEFT_OUT)
def test_what_is_left_out_says_why(tiny_model, method):
    assert method not in gb.METHODS
    with pytest.raises(gb.MethodError, match=r"must be one of .*is left out: "):
        gb.attribute(tiny_model("bert", "classification"), TEXT, method=method)


@pytest.mark.parametrize(
    "method", ["saliency", "input_x_gradient", "integrated_gradients", "smoothgrad", "gradient_shap"]
)
def test_next_to_nothing_still_has_numbers(tiny_model, method):
    """One token; and one that every baseline keeps, so that nothing changes and there is nothing to share out."""
    one = gb.attribute(tiny_model("bert", "classification"), "a", method=method)
    assert np.isfinite(one.scores).all()
    kept = gb.attribute(tiny_model("bert", "masked_words"), "[MASK]", method=method)
    assert np.isfinite(kept.scores).all()
    if gb.METHODS[method].complete:
        np.testing.assert_array_equal(kept.scores, 0)
        assert (kept.value - kept.baseline_value, kept.delta) == (pytest.approx(0, abs=1e-5),) * 2
        assert kept.forward_passes <= 1 + 3 + 50, "a change of nothing needs no refinement"
