"""Perturbation methods on networks: one stock pass at a time, Captum on the stock network, seeds, stops."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from captum._utils.models.linear_model import SkLearnLinearRegression, SkLearnRidge
from captum.attr import FeatureAblation, KernelShap, Lime, ShapleyValueSampling
from captum.attr._core.lime import get_exp_kernel_similarity_function

import glassbert as gb
from glassbert.attribution.kernel_shap import coalitions
from glassbert.attribution.shapley_sampling import antithetic_orders
from tests.glassbert.decision.test_runner import ONE, runner_of, stock_value

WORDS = ("shapley_sampling", "kernel_shap", "partition_shap", "lime")  # a feature is a word
ALL = (*WORDS, "occlusion", "leave_one_out")
TEXT = "The film was unbelievable, but the acting is great and the story wonderful."


def stock_values(runner, present, filler=None):
    """F of each row of words there or masked, the stock network run on one input at a time."""
    filler = runner.decision.model.tokenizer.mask_token_id if filler is None else filler
    encoded, everywhere = runner.decision.encoded, np.arange(runner.decision.length)
    rows = np.asarray(present) > 0.5
    return np.array(
        [
            stock_value(runner, np.where(row, encoded.input_ids, filler), encoded.token_type_ids, everywhere)
            for row in rows
        ]
    )


def by_family():
    for family in ("bert", "distilbert", "roberta"):
        for task, texts, target in ONE:
            if task != "next_sentence" or family == "bert":
                yield pytest.param(family, task, texts, target, id=f"{family}-{task}-{len(texts)}")


@pytest.mark.parametrize(("family", "task", "texts", "target"), list(by_family()))
def test_one_token_at_a_time_equals_one_stock_pass_a_token(tiny_model, family, task, texts, target):
    model = tiny_model(family, task)
    runner = runner_of(model, texts, target)
    encoded = runner.decision.encoded
    keep = encoded.special_tokens_mask.astype(bool)
    if isinstance(target, gb.MaskTarget):
        keep[target.position] = True
    whole = stock_values(runner, np.ones((1, runner.decision.length)))[0]
    hidden, without = np.zeros((2, runner.decision.length))
    stay = [target.position] if isinstance(target, gb.TokenTarget) else []
    stay += list(runner.decision.class_ids) if isinstance(target, gb.AnswerTarget) else []
    for token in np.flatnonzero(~keep):
        there = np.arange(runner.decision.length) != token
        hidden[token] = whole - stock_values(runner, there[None])[0]
        if token not in stay:
            shorter = (encoded.input_ids[there], encoded.token_type_ids[there], np.flatnonzero(there))
            without[token] = whole - stock_value(runner, *shorter)
    occlusion = gb.attribute(model, *texts, method="occlusion", target=target)
    left_out = gb.attribute(model, *texts, method="leave_one_out", target=target)
    np.testing.assert_allclose(occlusion.scores, hidden, atol=3e-5)
    np.testing.assert_allclose(left_out.scores, without, atol=3e-5)
    assert occlusion.value == pytest.approx(whole, abs=1e-5)
    assert left_out.value == pytest.approx(whole, abs=1e-5)
    assert (left_out.scores[[*np.flatnonzero(keep), *stay]] == 0).all()


class OnStock:
    """F of the words of TEXT, asked of the stock network one input at a time, as Captum asks it."""

    def __init__(self, model, target):
        self.runner = runner_of(model, (TEXT,), target)
        words = self.runner.decision.encoded.word_ids.copy()
        words[self.runner.decision.kept] = -1
        self.labels = sorted(set(words[words >= 0]))
        self.word = np.array([self.labels.index(word) if word >= 0 else -1 for word in words])
        self.count = len(self.labels)
        assert self.count < (self.word >= 0).sum(), "a word of several pieces is in the text"

    def __call__(self, present):
        rows = np.hstack((np.asarray(present), np.ones((len(present), 1))))[:, self.word]
        return torch.from_numpy(stock_values(self.runner, rows))

    def tokens(self, shares):
        """(word,) → (token,): equal parts for the pieces."""
        sizes = np.bincount(self.word[self.word >= 0])
        return np.where(self.word >= 0, (np.asarray(shares) / sizes)[self.word], 0)

    def attribute(self, method, **options):
        return gb.attribute(
            self.runner.decision.model, TEXT, method=method, target=self.runner.decision.target, **options
        )


@pytest.fixture(params=["class", "foil", "mask"])
def on_stock(request, tiny_model):
    task, target = {
        "class": ("classification", gb.ClassTarget(1)),
        "foil": ("classification", gb.ClassTarget(0, foil=2)),
        "mask": ("masked_words", gb.MaskTarget(3, 30)),
    }[request.param]
    return OnStock(tiny_model("bert", task), target)


def test_occlusion_equals_captum_used_directly(on_stock):
    runner = on_stock.runner
    ids = torch.tensor(runner.decision.encoded.input_ids)[None]
    masked = torch.where(torch.from_numpy(runner.decision.kept), ids, runner.decision.model.tokenizer.mask_token_id)
    places = (np.arange(runner.decision.length), runner.decision.encoded.token_type_ids)

    def forward(rows):
        return torch.tensor([stock_value(runner, row.numpy(), places[1], places[0]) for row in rows])

    expected = FeatureAblation(forward).attribute(ids, masked)
    np.testing.assert_allclose(on_stock.attribute("occlusion").scores, expected[0], atol=1e-5)


def test_shapley_sampling_equals_captum_used_directly(on_stock):
    explainer = ShapleyValueSampling(on_stock)
    explainer.permutation_generator = lambda words, samples: antithetic_orders(words, samples, seed=5)
    expected = explainer.attribute(torch.ones(1, on_stock.count), n_samples=4)[0]
    score = on_stock.attribute("shapley_sampling", n_samples=4, seed=5)
    np.testing.assert_allclose(score.scores, on_stock.tokens(expected), atol=1e-5)


def test_lime_equals_captum_used_directly_with_scikit_learn(on_stock):
    """Captum draws the same texts from the same seed, and scikit-learn fits the ridge."""
    explainer = Lime(
        on_stock,
        interpretable_model=SkLearnRidge(alpha=1.0),
        similarity_func=get_exp_kernel_similarity_function("cosine", 0.25),
    )
    with torch.random.fork_rng():
        torch.manual_seed(5)
        expected = explainer.attribute(torch.ones(1, on_stock.count), n_samples=60)[0]
    score = on_stock.attribute("lime", n_samples=60, seed=5)
    np.testing.assert_allclose(score.scores, on_stock.tokens(expected), atol=1e-5)


def test_kernel_shap_equals_captum_used_directly_on_the_same_coalitions(on_stock):
    """scikit-learn meets the sum by a weight of a million: the rest of the difference is that."""
    count = on_stock.count
    present, weights = coalitions(count, 60, seed=5)
    ends = np.array([[True], [False]]).repeat(count, axis=1)
    explainer = KernelShap(on_stock)
    explainer.interpretable_model = SkLearnLinearRegression()
    rows = torch.from_numpy(np.vstack((ends, present))).long()

    def every_row(*_, **__):
        yield from rows[:, None]

    explainer.perturb_func = every_row
    share = {row.tobytes(): weight for row, weight in zip(present, weights / weights.mean(), strict=True)}
    explainer.similarity_func = lambda original, changed, row, **_: torch.tensor(
        [share.get((row[0].numpy() > 0).tobytes(), 1e6)]
    )
    expected = explainer.attribute(torch.ones(1, count), n_samples=len(present) + 2)[0]
    score = on_stock.attribute("kernel_shap", n_samples=60, seed=5)
    np.testing.assert_allclose(score.scores, on_stock.tokens(expected), atol=1e-5)


def test_the_tree_is_that_of_the_words_and_marks_of_the_text(tiny_model):
    """ "… great , b | ad …": F of one half is known before F of anything smaller."""
    model = tiny_model("bert", "classification")
    asked = []
    runner = runner_of(model, ("The man went home, he was tired of it.", "It rained."), gb.ClassTarget(1))
    spy = Spy(runner, asked)
    gb.METHODS["partition_shap"].compute(spy, {"baseline": "mask", "n_samples": 12})
    pieces, sequences = np.array(runner.decision.encoded.pieces), runner.decision.encoded.sequence_ids
    first_text, second_text = (sequences == 0) | runner.decision.kept, (sequences == 1) | runner.decision.kept
    np.testing.assert_array_equal(asked[1], [first_text, second_text])
    comma = int(np.flatnonzero(pieces == ",")[0])
    after_comma = (np.arange(runner.decision.length) > comma) & (sequences == 0)
    assert any((row == after_comma | runner.decision.kept).all() for row in asked[2])


class Spy:
    """A runner that notes which tokens were present in each call."""

    def __init__(self, runner, asked):
        self._runner, self._asked = runner, asked

    def __getattr__(self, name):
        return getattr(self._runner, name)

    def values_replaced(self, present, baseline):
        self._asked.append(present | self.decision.kept)
        return self._runner.values_replaced(present, baseline)


@pytest.mark.parametrize("method", WORDS)
@pytest.mark.parametrize("baseline", ["mask", "pad", "zero"])
def test_the_baseline_is_what_its_name_says(tiny_model, stock, method, baseline):
    model = tiny_model("bert", "classification")
    score = gb.attribute(model, TEXT, method=method, target=1, baseline=baseline, n_samples=4)
    assert score.baseline == baseline
    if method == "lime":
        assert score.baseline_value is None
        return
    kept = torch.from_numpy(score.encoded.special_tokens_mask.astype(bool))
    ids = torch.tensor(score.encoded.input_ids)
    filler = model.tokenizer.mask_token_id if baseline == "mask" else model.tokenizer.pad_token_id
    oracle = stock("bert", "classification")
    embeddings = oracle.embeddings(torch.where(kept, ids, filler)[None])
    if baseline == "zero":
        embeddings = embeddings * kept[None, :, None]
    expected = float(oracle.value(oracle.inputs(TEXT), embeddings, 1)[0])
    assert score.baseline_value == pytest.approx(expected, abs=1e-5)
    assert abs(score.delta) < 1e-5


# --- what a user can do ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", WORDS)
def test_a_text_of_nothing_but_the_word_asked_about_gets_zeros(tiny_model, method):
    score = gb.attribute(tiny_model("bert", "masked_words"), "[MASK]", method=method, target=gb.MaskTarget(1, 30))
    np.testing.assert_array_equal(score.scores, [0, 0, 0])
    assert np.isfinite(score.value)


@pytest.mark.parametrize("method", ["shapley_sampling", "kernel_shap", "lime"])
def test_a_seed_decides_the_draws_and_nothing_else_does(tiny_model, method):
    model = tiny_model("bert", "classification")

    def scores(seed):
        return gb.attribute(model, TEXT, method=method, target=1, n_samples=10, seed=seed).scores

    first, other = scores(1), scores(2)
    assert np.abs(first - other).max() > 1e-4
    with torch.random.fork_rng(), ThreadPoolExecutor(3) as pool:
        torch.manual_seed(99)  # of the generator that belongs to everybody
        for seed, again in zip((1, 2, 1), pool.map(scores, (1, 2, 1)), strict=True):
            np.testing.assert_array_equal(again, first if seed == 1 else other)


@pytest.mark.parametrize("method", ALL)
def test_progress_is_told_and_a_stop_is_obeyed(tiny_model, method):
    model, seen = tiny_model("bert", "classification"), []
    score = gb.attribute(model, TEXT, method=method, target=1, progress=lambda *step: seen.append(step))
    assert seen == sorted(seen)
    assert (
        seen[-1][0]
        < score.forward_passes
        <= seen[-1][1]
        == gb.METHODS[method].cost(len(score.encoded), gb.METHODS[method].options)
    )
    with pytest.raises(gb.StoppedError, match="no result"):
        gb.attribute(model, TEXT, method=method, target=1, cancelled=lambda: True)


@pytest.mark.parametrize(
    ("method", "options", "sentence"),
    [
        *((method, {"baseline": "blank"}, "must be one of pad, mask, zero") for method in (*WORDS, "occlusion")),
        *((method, {"n_samples": number}, "2 to 100000") for method in WORDS for number in (0, 1, -3, 2.5, True, "9")),
        *((m, {"seed": s}, "of at least 0") for m in ("shapley_sampling", "kernel_shap", "lime") for s in (-1, 0.5)),
        *(("lime", {"kernel_width": width}, "above 0") for width in (0, -1, math.nan, "wide")),
        ("leave_one_out", {"baseline": "mask"}, "no option baseline"),
        ("partition_shap", {"seed": 1}, "no option seed"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_before_anything_is_computed(tiny_model, method, options, sentence):
    seen = []
    with pytest.raises(gb.OptionError, match=sentence):
        gb.attribute(
            tiny_model("bert", "classification"),
            TEXT,
            method=method,
            progress=lambda *step: seen.append(step),
            **options,
        )
    assert seen == []
