"""The numbers of the checks against slow implementations, Captum and scipy used directly, and closed forms."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import torch
from captum.metrics import infidelity, sensitivity_max
from hypothesis import given, settings
from hypothesis import strategies as st

import glassbert as gb
from glassbert.decision import Runner
from glassbert.evaluation._copies import seeded
from glassbert.evaluation._examination import kendall, sizes, spearman

TEXT = "This film was not good at all; the acting is great."
SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
CHEAP = ["comprehensiveness", "sufficiency", "infidelity", "leave_one_out"]


class Slow:
    """F of the text without some tokens, one input at a time, by transformers alone."""

    def __init__(self, oracle, target=2):
        self.oracle, self.target = oracle, target
        self.inputs = oracle.inputs(TEXT)
        self.length = self.inputs["input_ids"].shape[1]
        self.words = list(range(1, self.length - 1))

    def logits(self, present):
        kept = [position for position in range(self.length) if position in present]
        with torch.no_grad():
            return self.oracle.network(**{name: row[:, kept] for name, row in self.inputs.items()}).logits[0].double()

    def value(self, present):
        return float(self.logits(present)[self.target])

    def probability(self, present):
        return float(self.logits(present).softmax(-1)[self.target])

    def without(self, gone):
        return [position for position in range(self.length) if position not in gone]

    def measures(self, order):
        """(comprehensiveness, sufficiency) of an order of word positions."""
        everything = self.probability(range(self.length))
        ends = [0, self.length - 1]
        tops = [order[: max(1, int(share * len(order) + 0.5))] for share in SHARES]
        return (
            float(np.mean([everything - self.probability(self.without(top)) for top in tops])),
            float(np.mean([everything - self.probability([*ends, *top]) for top in tops])),
        )


@pytest.fixture
def slow(stock):
    return Slow(stock("bert", "classification"))


@pytest.fixture
def model(tiny_model):
    return tiny_model("bert", "classification")


def scores_of(model, method="input_x_gradient", **options):
    return gb.attribute(model, TEXT, method=method, target=gb.ClassTarget(2), **options)


@pytest.mark.parametrize("output", ["logit", "probability"])
@pytest.mark.parametrize("method", ["input_x_gradient", "saliency"])
def test_faithfulness_equals_a_slow_implementation(model, slow, method, output):
    scores = scores_of(model, method, output=output)
    receipt = gb.receipt(model, scores, checks=["comprehensiveness", "sufficiency"], n_orderings=10, seed=3)
    values = scores.scores if method == "input_x_gradient" else np.abs(scores.scores)
    order = sorted(slow.words, key=lambda position: -values[position])
    expected = slow.measures(order)
    lines = [receipt.line(check) for check in ("comprehensiveness", "sufficiency")]
    for line, number in zip(lines, expected, strict=True):
        assert line.number == pytest.approx(number, abs=1e-5)
        assert np.mean(line.details["curve"]) == pytest.approx(line.number)
    generator = np.random.default_rng(3)
    half = [generator.permutation(len(slow.words)) for _ in range(5)]
    random = [slow.measures([slow.words[i] for i in one]) for one in [*half, *(one[::-1] for one in half)]]
    beaten = sum(expected[0] > comprehensive for comprehensive, _ in random)
    assert lines[0].details["beaten"] == beaten
    assert lines[1].details["beaten"] == sum(expected[1] < sufficient for _, sufficient in random)
    assert f"beats {beaten} of 10 " in lines[0].sentence
    assert lines[0].details["random_mean"] == pytest.approx(np.mean([one for one, _ in random]), abs=1e-5)
    curves = np.array(lines[0].details["random_curves"])
    assert curves.shape == (5, 5)
    assert (np.diff(curves, axis=0) >= 0).all(), "percentiles rise"


@pytest.mark.parametrize("output", ["logit", "probability"])
def test_leave_one_out_equals_removing_each_token(model, slow, output):
    scores = scores_of(model, output=output)
    line = gb.receipt(model, scores, checks=["leave_one_out"]).line("leave_one_out")
    value = slow.value if output == "logit" else slow.probability
    changes = [value(range(slow.length)) - value(slow.without([position])) for position in slow.words]
    np.testing.assert_allclose(line.details["changes"], changes, atol=1e-5)
    assert line.details["positions"] == slow.words
    assert line.number == pytest.approx(scipy.stats.kendalltau(scores.scores[1:-1], changes).statistic)


def test_infidelity_equals_captum_used_directly(model, slow):
    """Captum asks the stock network itself, a gate a word; the sets are those of the random orderings."""
    scores = scores_of(model)
    line = gb.receipt(model, scores, checks=["infidelity"], n_orderings=10, seed=1).line("infidelity")
    generator = np.random.default_rng(1)
    words = len(slow.words)
    half = [generator.permutation(words) for _ in range(5)]
    orders = [*half, *(one[::-1] for one in half)]
    shut = torch.zeros(len(orders) * 5, words)
    for row, (order, size) in enumerate((order, size) for order in orders for size in sizes(words)):
        shut[row, order[:size].copy()] = 1

    def forward(gates):
        present = [[0, slow.length - 1, *(1 + np.flatnonzero(row.numpy() > 0.5))] for row in gates]
        return torch.tensor([slow.value(one) for one in present])

    def perturb(gates):
        return shut, gates - shut

    given = torch.from_numpy(scores.scores[1:-1].copy())[None]
    captum = infidelity(forward, perturb, torch.ones(1, words), given, n_perturb_samples=len(shut), normalize=True)
    changes = forward(torch.ones(1, words)) - forward(1 - shut)
    assert line.details["scale"] > 0
    assert line.number == pytest.approx(float(captum / changes.square().mean()), abs=1e-5)
    flipped = gb.receipt(model, gb.broken(model, scores, "flipped"), checks=["infidelity"]).line("infidelity")
    assert flipped.number == 1
    assert "wrong way" in flipped.sentence


def test_stability_equals_captum_used_directly(model, slow):
    """Noise on the stock network's word embeddings, gradients by autograd."""
    scores = scores_of(model)
    line = gb.receipt(model, scores, checks=["stability"], seed=5).line("stability")
    ids = slow.inputs["input_ids"][0]
    kinds, kind_of = torch.unique(ids[1:-1], return_inverse=True)
    table = slow.oracle.embeddings(kinds)
    radius = 0.05 * table.square().mean().sqrt()
    noises = []
    for sample in range(2):
        noises.append((2 * torch.rand(table.shape, generator=seeded(5, sample)) - 1) * radius)
    drawn = iter(noises)

    def explanation(inputs):
        (embedded,) = inputs if isinstance(inputs, tuple) else (inputs,)
        with torch.enable_grad():
            embedded = embedded.clone().requires_grad_()
            (gradient,) = torch.autograd.grad(slow.oracle.value(slow.inputs, embedded, 2).sum(), embedded)
        return ((gradient * embedded).sum(dim=-1).detach(),)

    def perturb(inputs):
        moved = inputs.clone()
        moved[0, 1:-1] += next(drawn)[kind_of]
        return moved

    whole = slow.oracle.embeddings(ids[None])
    expected = [float(sensitivity_max(explanation, whole, perturb_func=perturb, n_perturb_samples=1)) for _ in range(2)]
    np.testing.assert_allclose(line.details["moves"], expected, rtol=1e-3, atol=1e-5)
    assert line.number == max(line.details["moves"])
    by_hand = (
        explanation(whole)[0]
        - explanation(whole.index_add(1, torch.arange(1, slow.length - 1), noises[0][kind_of][None]))[0]
    )
    assert line.details["moves"][0] == pytest.approx(float(by_hand.norm() / explanation(whole)[0].norm()), rel=1e-3)


def test_arithmetic_states_the_miss(model):
    scores = scores_of(model, "integrated_gradients", n_steps=3)
    line = gb.receipt(model, scores, checks=["arithmetic"]).line("arithmetic")
    promised = scores.value - scores.baseline_value
    assert line.number == pytest.approx(abs(float(scores.scores.sum()) - promised) / abs(promised), rel=1e-4)
    assert "6 steps" in line.sentence
    lies = replace(scores, scores=1.1 * scores.scores / scores.scores.sum() * promised)
    told = gb.receipt(model, lies, checks=["arithmetic"]).line("arithmetic")
    assert (told.number, told.verdict) == (pytest.approx(0.1, abs=1e-5), "doubtful")
    thorough = gb.receipt(model, scores, checks=["arithmetic"], thorough=True).line("arithmetic")
    twice = scores_of(model, "integrated_gradients", n_steps=6)
    np.testing.assert_allclose(thorough.details["doubled_scores"], twice.scores, atol=1e-6)
    moved = np.abs(twice.scores - scores.scores).sum() / np.abs(scores.scores).sum()
    assert thorough.details["doubled_moved"] == pytest.approx(float(moved), abs=1e-6)


def test_arithmetic_of_what_is_handed_back(model):
    scores = scores_of(model, "attn_lrp")
    line = gb.receipt(model, scores, checks=["arithmetic"]).line("arithmetic")
    total = float(scores.scores.sum()) + sum(scores.options["unattributed"].values())
    assert line.number == pytest.approx(abs(total - scores.value) / abs(scores.value), abs=1e-6)
    assert line.verdict == "holds"
    cut = {**scores.options, "unattributed": {"biases": 0.0}}
    assert gb.receipt(model, replace(scores, options=cut), checks=["arithmetic"]).verdict == "fails"


def test_what_promises_no_sum_is_not_judged_by_one(model):
    line = gb.receipt(model, scores_of(model), checks=["arithmetic"]).line("arithmetic")
    assert (line.number, line.verdict) == (None, "not_applicable")
    assert "need not add up" in line.sentence


values = st.lists(st.integers(-3, 3) | st.floats(-2, 2), min_size=2, max_size=12)


@settings(max_examples=settings().max_examples * 3 // 2)
@given(st.data())
def test_rank_correlations_equal_scipy(data):
    first = np.array(data.draw(values), dtype=float)
    second = np.array(data.draw(st.lists(st.integers(-2, 2), min_size=len(first), max_size=len(first))), dtype=float)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        assert kendall(first, second) == spearman(first, second) == 0
        return
    assert kendall(first, second) == pytest.approx(scipy.stats.kendalltau(first, second).statistic, abs=1e-9)
    assert spearman(first, second) == pytest.approx(scipy.stats.spearmanr(first, second).statistic, abs=1e-9)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (1, (1, 1, 1, 1, 1)),
        (2, (1, 1, 1, 1, 1)),
        (5, (1, 1, 1, 1, 3)),
        (22, (1, 1, 2, 4, 11)),
        (100, (1, 5, 10, 20, 50)),
    ],
)
def test_shares_of_tokens(tokens, expected):
    assert sizes(tokens) == expected


WEIGHTS = np.array([0, 1.5, -0.5, 0.25, 3, -2, 0.75, 0.1, -0.05, 0.4, 1.1, -1, 0.6, 0, 0, 0])


def test_a_perfect_explanation_of_a_sum_holds(model, monkeypatch):
    """F is a sum of one number a token; the explanation is these numbers."""
    scores = scores_of(model)
    weights = WEIGHTS[: len(scores.encoded)]
    weights[-1] = 0

    def logits_without(runner, present):
        runner.passes.add(len(present))
        value = torch.from_numpy(present @ weights)
        return torch.stack((0 * value, 0 * value, value), dim=-1)

    monkeypatch.setattr(Runner, "_logits_without", logits_without)
    perfect = replace(
        scores, scores=weights, method="by hand", value=float(weights.sum()), baseline_value=0.0, delta=0.0
    )
    receipt = gb.receipt(model, perfect)
    verdicts = {line.check: line.verdict for line in receipt.lines}
    assert receipt.line("infidelity").number == pytest.approx(0, abs=1e-9)
    assert receipt.line("leave_one_out").number == pytest.approx(1)
    assert receipt.line("comprehensiveness").details["beaten"] >= 95
    assert receipt.line("arithmetic").number == pytest.approx(0, abs=1e-6)
    assert verdicts == dict.fromkeys(gb.CHECKS, "holds") | {"sanity": "not_applicable", "stability": "not_applicable"}
    assert receipt.verdict == "holds"
    worst = gb.receipt(model, replace(perfect, scores=-weights, delta=-2 * float(weights.sum())))
    assert {line.verdict for line in worst.lines} == {"fails", "not_applicable"}
    assert json.dumps(worst.to_dict(), allow_nan=False)
