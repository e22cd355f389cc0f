"""Perturbation methods on formulas: closed forms, Shapley's definition by brute force, the shap package."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest

import glassbert as gb
from glassbert.attribution.kernel_shap import coalitions
from glassbert.attribution.partition_shap import halves, owen_values
from glassbert.attribution.shapley_sampling import antithetic_orders
from glassbert.results import Encoded

SHARED = ("shapley_sampling", "kernel_shap", "partition_shap")  # the scores add up
ALL = (*SHARED, "lime", "occlusion", "leave_one_out")


@pytest.fixture(scope="module")
def shap():
    """The shap package, which takes its time to import and much more to compile what this asks of it once."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its colours, about matplotlib
        patch.setenv("NUMBA_DISABLE_JIT", "1")
        import shap
    return shap


class Toy:
    """A decision, and its runner, whose F is a formula of which tokens are there: [CLS] words [SEP]; ``pieces`` tokens
    a word."""

    def __init__(self, function, pieces):
        word_ids = np.array([-1, *np.repeat(np.arange(len(pieces)), pieces), -1])
        self.length, self.asked, self.function = len(word_ids), 0, function
        self.kept, self.removable = word_ids < 0, word_ids >= 0
        names, zeros = tuple(f"t{index}" for index in range(self.length)), np.zeros(self.length)
        self.encoded = Encoded(
            names, names, zeros, zeros, zeros, np.zeros((self.length, 2)), word_ids, np.where(self.kept, -1, 0),
            self.kept, ("",),
        )  # fmt: skip

    @property
    def decision(self):
        return self

    def values_replaced(self, present, _baseline="mask"):
        rows, back = np.unique(present[:, self.removable] | False, axis=0, return_inverse=True)
        self.asked += len(rows)
        return np.array([self.function(row) for row in rows], dtype=float)[back.ravel()]

    values_without = values_replaced

    def values_replaced_words(self, present):
        return np.array([self.function(row) for row in present])

    def scores(self, method, **options):
        return self.result(method, **options).scores[self.removable]

    def result(self, method, **options):
        chosen = gb.METHODS[method]
        return chosen.compute(self, {**chosen.options, **options})


def table(words, seed=0):
    """A random F of ``words`` words, without any structure."""
    values = np.random.default_rng(seed).normal(size=2**words)
    return lambda present: values[int(present @ (1 << np.arange(words)))]


def shapley_by_orders(function, words):
    """The definition: the gain of each word, averaged over all n! orders."""
    shares = np.zeros(words)
    for order in itertools.permutations(range(words)):
        present, before = np.zeros(words, dtype=bool), function(np.zeros(words, dtype=bool))
        for word in order:
            present[word] = True
            after = function(present)
            shares[word] += after - before
            before = after
    return shares / math.factorial(words)


# --- closed forms ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", SHARED)
@pytest.mark.parametrize("words", [3, 12])
def test_a_linear_model_is_told_its_own_weights(method, words):
    """Of a word's pieces each gets the same share, and the sum stays."""
    pieces = np.arange(words) % 3 + 1
    weights = np.random.default_rng(1).normal(size=pieces.sum())
    toy = Toy(lambda present: 0.7 + present @ weights, pieces)
    per_word = np.add.reduceat(weights, np.cumsum(pieces) - pieces)
    np.testing.assert_allclose(toy.scores(method), np.repeat(per_word / pieces, pieces), atol=1e-6)
    result = toy.result(method)
    assert (result.baseline_value, result.value) == pytest.approx((0.7, 0.7 + weights.sum()))


@pytest.mark.parametrize("method", ["occlusion", "leave_one_out"])
def test_one_token_at_a_time_is_told_the_weight_of_each_token(method):
    weights = np.random.default_rng(1).normal(size=9)
    toy = Toy(lambda present: 0.7 + present @ weights, [1, 3, 2, 2, 1])
    np.testing.assert_allclose(toy.scores(method), weights, atol=1e-6)


def test_lime_comes_near_the_weights_of_a_linear_model_and_no_further_than_its_ridge():
    weights = np.random.default_rng(1).normal(size=6)
    scores = Toy(lambda present: present @ weights, [1] * 6).scores("lime", n_samples=4000, kernel_width=100)
    # with every text counting 1, X'X is n / 4 on the diagonal, to which the ridge adds 1
    np.testing.assert_allclose(scores, weights * 1000 / 1001, atol=0.02)
    assert np.abs(scores).sum() < np.abs(weights).sum()


@pytest.mark.parametrize("method", SHARED)
def test_two_words_that_work_only_together_share_what_they_do(method):
    toy = Toy(lambda present: 6.0 * (present[0] and present[3]), [1] * 4)
    np.testing.assert_allclose(toy.scores(method), [3, 0, 0, 3], atol=1e-9)


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("words", [0, 1, 2, 9, 20])
def test_a_value_that_nothing_moves_gives_zeros(method, words):
    toy = Toy(lambda present: 2.5, [1] * words)
    scores = toy.result(method).scores
    np.testing.assert_allclose(scores, np.zeros(words + 2), atol=1e-12)


@pytest.mark.parametrize("method", [*SHARED, "occlusion", "leave_one_out"])
def test_one_word_gets_the_whole_change(method):
    np.testing.assert_allclose(Toy(lambda present: 1.0 - 3 * present[0], [1]).scores(method), [-3], atol=1e-9)


# --- Shapley's own definition ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["shapley_sampling", "kernel_shap"])
@pytest.mark.parametrize("words", [1, 2, 3, 5, 7])
def test_few_words_have_exact_shapley_values(method, words):
    toy = Toy(table(words), [1] * words)
    np.testing.assert_allclose(toy.scores(method), shapley_by_orders(toy.function, words), atol=1e-9)


def test_eight_words_are_exact_by_two_roads_and_nine_are_sampled():
    toy = Toy(table(8), [1] * 8)
    np.testing.assert_allclose(toy.scores("shapley_sampling"), toy.scores("kernel_shap"), atol=1e-9)
    assert toy.asked == (2**8 + 2) + 2**8
    assert toy.result("shapley_sampling").options["n_samples"] is None
    assert Toy(table(9), [1] * 9).result("shapley_sampling").options["n_samples"] == 30


@pytest.mark.parametrize("method", SHARED)
@pytest.mark.parametrize("words", [9, 10, 15])
def test_sampled_shares_add_up(method, words):
    for samples in (2, 7, 40):
        result = Toy(table(words), [1] * words).result(method, n_samples=samples)
        assert result.scores.sum() == pytest.approx(result.value - result.baseline_value, abs=1e-5)


def test_sampling_never_credits_a_word_that_does_nothing_and_comes_nearer_with_more_orders():
    function = table(9)
    toy = Toy(lambda present: function(np.r_[present[:4], False, present[5:]]), [1] * 9)
    exact = toy.scores("kernel_shap", n_samples=2**9)
    assert exact[4] == pytest.approx(0, abs=1e-9)
    errors = []
    for orders in (4, 64, 1024):
        scores = toy.scores("shapley_sampling", n_samples=orders)
        assert scores[4] == 0
        errors.append(np.abs(scores - exact).mean())
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.05


def test_orders_come_in_pairs_and_a_pair_is_exact_for_words_that_interact_in_pairs():
    orders = list(antithetic_orders(7, 5, seed=3))
    assert all(sorted(order) == list(range(7)) for order in orders)
    assert orders[1] == orders[0][::-1]
    assert orders[3] == orders[2][::-1] != orders[1]
    matrix = np.random.default_rng(0).normal(size=(7, 7))
    toy = Toy(lambda present: present @ matrix @ present, [1] * 7)
    expected = np.diag(matrix) + (matrix + matrix.T - 2 * np.diag(np.diag(matrix))).sum(axis=1) / 2
    np.testing.assert_allclose(toy.scores("shapley_sampling", n_samples=2), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("words", "samples", "whole"),
    [(4, 16, (1, 2, 3)), (9, 100, (1, 8)), (12, 1000, (1, 2, 10, 11)), (22, 256, (1, 21)), (510, 100, ())],
)
def test_coalitions_are_different_balanced_and_weighted_by_the_shapley_kernel(words, samples, whole):
    present, weights = coalitions(words, samples, seed=0)
    assert len(np.unique(present, axis=0)) == len(present) == min(samples, 2 ** min(words, 60)) - 2
    sizes = present.sum(axis=1)
    assert sizes.min() > 0
    assert sizes.max() < words
    np.testing.assert_allclose(present.mean(axis=0), 0.5)  # every coalition has its complement
    kernel = [(words - 1) / (size * (words - size)) for size in range(1, words)]
    assert weights.sum() == pytest.approx(sum(kernel))
    for size in whole:
        assert (sizes == size).sum() == math.comb(words, size)
        np.testing.assert_allclose(weights[sizes == size], kernel[size - 1] / math.comb(words, size))


@pytest.mark.parametrize("method", SHARED)
def test_five_hundred_words_need_no_more_than_the_passes_allowed(method):
    toy = Toy(lambda present: present.sum() / 100, [1] * 510)
    options = {"n_samples": 2 if method == "shapley_sampling" else 50}
    np.testing.assert_allclose(toy.scores(method, **options), np.full(510, 0.01), atol=1e-6)
    assert toy.asked <= gb.METHODS[method].cost(512, {**gb.METHODS[method].options, **options})


# --- the shap package -----------------------------------------------------------------------------------------------


def shap_function(function):
    """F for shap: it asks rows of a table, and a row says which words are there."""
    return lambda rows: np.array([function(np.asarray(row) > 0.5) for row in rows])


@pytest.mark.parametrize(("words", "samples"), [(2, 4), (5, 32), (8, 256), (9, 2000)])
def test_kernel_shap_equals_the_shap_package_where_no_coalition_is_drawn(shap, words, samples):
    function = table(words)
    explainer = shap.KernelExplainer(shap_function(function), np.zeros((1, words)))
    expected = explainer.shap_values(np.ones(words), nsamples=samples - 2, l1_reg=False, silent=True)
    np.testing.assert_allclose(Toy(function, [1] * words).scores("kernel_shap", n_samples=samples), expected, atol=1e-5)


def linkage(split, words):
    """The tree of ``split`` as shap reads it: a row a node, (left, right, distance, words), children first."""
    rows = []

    def node(start, end):
        if end - start == 1:
            return start
        middle = split(start, end)
        rows.append([node(start, middle), node(middle, end), 1.0, end - start])
        return words + len(rows) - 1

    node(0, words)
    return np.array(rows, dtype=float)


@pytest.mark.parametrize(("words", "samples"), [(2, 256), (5, 256), (8, 256), (11, 999), (11, 40), (13, 90), (16, 6)])
@pytest.mark.parametrize(("texts_at", "marks"), [(None, ()), (3, (2, 4, 5))])
def test_partition_shap_equals_the_shap_package_on_the_same_tree(shap, words, samples, texts_at, marks):
    """With every node divided, and with a budget that leaves parts undivided."""
    function, split = table(words), halves(texts_at, np.array(marks, dtype=int))
    masker = lambda present, row: (row * present)[None]  # noqa: E731
    masker.clustering, masker.shape = linkage(split, words), (1, words)
    explainer = shap.explainers.Partition(shap_function(function), masker)
    answer = explainer(np.ones((1, words)), max_evals=samples, batch_size=10**6, silent=True)
    everything = np.ones(words, dtype=bool)
    full, empty = function(everything), function(~everything)
    toy = Toy(function, [1] * words)
    shares = owen_values(toy.values_replaced_words, words, split, full, empty, samples - 2)
    np.testing.assert_allclose(shares, answer.values[0], atol=1e-9)


@pytest.mark.parametrize(
    ("texts_at", "marks", "expected"),
    [
        (None, (), [(0, 5), (5, 10)]),
        (4, (7,), [(0, 4), (4, 10)]),
        (None, (3, 6, 9), [(0, 6), (6, 10)]),
        (None, (1, 9), [(0, 5), (5, 10)]),
    ],
)
def test_a_text_is_divided_between_texts_then_at_punctuation_near_the_middle_then_in_the_middle(
    texts_at, marks, expected
):
    middle = halves(texts_at, np.array(marks, dtype=int))(0, 10)
    assert [(0, middle), (middle, 10)] == expected
