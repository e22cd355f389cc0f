"""Drift, sizes and the curve: nothing changes in a model beside itself, everything in one of random weights."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import glassbert as gb
from glassbert.compression import measuring
from glassbert.compression.drift import Explained, Side, drift_between, interval_of_mean
from glassbert.compression.measuring import memory_bytes, seconds_of, weights_bytes
from glassbert.compression.results import CompressionCurve
from tests import tiny

LABELS = tiny.LABELS["classification"]
TEXTS = [*tiny.SENTENCES[:6], "A wonderful, wonderful movie.", "She was tired.", "The night had been long.", "Good!"]


@pytest.fixture(scope="module")
def model(tiny_model):
    return tiny_model("bert", "classification")


def said_by(model, text):
    return LABELS[int(gb.classify(model, text).logits.argmax())]


@pytest.fixture(scope="module")
def table(model):
    """Labelled with what the model says, but for the last two."""
    said = [said_by(model, text) for text in TEXTS]
    said[-2:] = [next(label for label in LABELS if label != one) for one in said[-2:]]
    return gb.read_table(pd.DataFrame({"text": TEXTS, "label": said}))


@pytest.fixture(scope="module")
def with_itself(model, table):
    return gb.compare_compressed(model, model, table)


def random_sibling(model):
    """The same network with other random weights."""
    network = copy.deepcopy(model.network)
    draw = torch.Generator().manual_seed(7)
    for parameter in network.parameters():
        if parameter.ndim > 1:
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=draw))
    return replace(model, network=network)


def test_a_model_does_not_drift_from_itself(with_itself, table):
    drift = with_itself.drift
    assert (drift.flipped, drift.flip_rate, drift.flip_low, drift.left_out) == ((), 0, 0, 0)
    assert drift.correlations.tolist() == [1.0] * len(table)
    assert drift.comprehensiveness_change == 0
    np.testing.assert_array_equal(drift.heads, np.zeros((2, 4)))
    assert not drift.changed_heads
    assert with_itself.difference == with_itself.difference_low == with_itself.difference_high == 0
    assert with_itself.accuracy == (0.8, 0.8)
    assert with_itself.smaller == 1
    assert with_itself.memory_bytes[0] == with_itself.memory_bytes[1]
    assert with_itself.within_yardstick


def test_random_weights_drift_altogether(model, table):
    found = gb.compare_compressed(model, random_sibling(model), table)
    assert abs(found.drift.correlation) < 0.4
    assert found.drift.flip_rate > 0.3
    assert len(found.drift.changed_heads) == 8
    assert found.difference < -0.2
    assert found.difference_low < found.difference < found.difference_high


def test_numbers_of_a_drift_by_hand(model, table):
    """Two sides that were made up: one decision differs, and one text's words are ranked the other way round."""
    answers = gb.evaluate(model, table)
    changed = np.array(answers.answers)
    changed[3] = (changed[3] + 1) % len(answers.label_names)
    others = replace(answers, answers=changed)
    one = [Explained(("a", "b", "c"), np.array([3.0, 1.0, 2.0]), 0.5) for _ in TEXTS]
    two = [Explained(("a", "b", "c"), np.array([30.0, 10.0, 20.0]), 0.25) for _ in TEXTS]
    two[0] = Explained(("a", "b", "c"), np.array([1.0, 3.0, 2.0]), 0.25)
    two[1] = Explained(("a", "b"), np.array([1.0, 3.0]), 0.25)
    sides = Side(model, "saliency", answers, one), Side(model, "occlusion", others, two)
    drift = drift_between(*sides, table, np.arange(len(table)), 0)
    assert drift.flipped == (table.rows[3],)
    assert drift.flip_rate == 0.1
    assert drift.flip_low == pytest.approx(0.017876, abs=1e-5)  # Wilson, 1 of 10
    assert drift.flip_high == pytest.approx(0.404150, abs=1e-5)
    assert drift.correlations.tolist() == [-1.0] + [1.0] * 8
    assert drift.correlation == pytest.approx(7 / 9)
    assert drift.comprehensiveness_change == pytest.approx(-0.25)
    assert drift.left_out == 1
    assert drift.moved(1) == [0]
    assert drift.frame()["correlation"].tolist() == [-1.0] + [1.0] * 8
    assert drift.heads.size == 0  # two methods on one model


def test_interval_of_a_mean_is_near_that_of_the_normal_distribution():
    values = np.random.default_rng(3).normal(2.0, 1.0, size=400)
    low, high = interval_of_mean(values, 0)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


def test_scores_are_those_of_attribute_for_the_original_class(model, table):
    small = gb.compress(model, {"layers": [1]})
    found = gb.compare_compressed(model, small, table, texts=2, method="saliency")
    for place in range(2):
        text = found.drift.texts[place]
        label = said_by(model, text)
        scores = [gb.attribute(one, text, method="saliency", target=label).by_word() for one in (model, small)]
        ranks = [pd.Series(one.scores[~one.special]).rank() for one in scores]
        assert found.drift.correlations[place] == pytest.approx(ranks[0].corr(ranks[1]))
        assert found.drift.first_decisions[place] == label
        assert found.drift.second_decisions[place] == said_by(small, text)
    assert found.drift.heads.size == 0  # another number of layers


def test_int8_is_explained_without_gradients(model, table):
    found = gb.compare_compressed(model, gb.compress(model, "int8"), table, texts=3)
    assert found.drift.methods == ("occlusion", "occlusion")
    assert found.yardstick.methods == ("occlusion", "integrated_gradients")
    assert found.drift.correlation > 0.8
    assert found.parameters[0] == found.parameters[1]
    assert found.disk_bytes[1] < found.disk_bytes[0] / 1.8


def test_removed_heads_are_no_changed_heads(model, table):
    found = gb.compare_compressed(model, gb.compress(model, {"heads": [(0, 1)]}), table, texts=3)
    assert found.drift.heads[0, 1] == -1
    assert (0, 1) not in found.drift.changed_heads
    assert found.drift.heads[0, [0, 2, 3]].max() < 1e-6  # the first layer reads what it did
    assert found.drift.heads[1].min() > 0


@pytest.mark.smoke
def test_another_training_is_the_yardstick(model, table):
    other = random_sibling(model)
    found = gb.compare_compressed(model, gb.compress(model, "bfloat16"), table, texts=4, other_training=other)
    assert found.yardstick.methods == ("integrated_gradients",) * 2
    assert found.yardstick.correlation < found.drift.correlation
    assert found.within_yardstick


def test_memory_is_what_is_alive_at_once(model):
    """Against the allocations that torch's profiler counts."""
    encoded = [gb.encode(model, text) for text in TEXTS]
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        gb.classify_many(model, encoded)
    now = most = 0
    for event in sorted(profile.profiler.kineto_results.events(), key=lambda one: one.start_ns()):
        if event.name() == "[memory]":
            now += event.nbytes()
            most = max(most, now)
    assert weights_bytes(model) == 4 * model.parameters + _buffers(model)
    assert memory_bytes(model, encoded) - weights_bytes(model) == pytest.approx(most, rel=0.35)


def _buffers(model):
    return sum(one.numel() * one.element_size() for one in model.network.buffers())


def test_times_are_measured_in_turn(monkeypatch):
    ran = []
    monkeypatch.setattr(measuring, "_seconds", lambda one, encoded: ran.append(one) or float(len(ran)))
    monkeypatch.setattr(measuring, "_SECONDS", 0.0)
    rounds = seconds_of(("a", "b"), ([], []), lambda: None)
    assert ran == ["b", "a", "a", "b"] * 3
    assert rounds.shape == (5, 2)


@pytest.mark.smoke
def test_curve_has_a_row_for_each_recipe(model, table, tmp_path):
    recipes = ["bfloat16", {"heads": [(1, 2)]}, {"vocabulary": TEXTS}]
    told = []
    curve = gb.compression_curve(
        model, recipes, table, tmp_path / "curve", texts=2, progress=lambda *step: told.append(step)
    )
    frame = curve.frame()
    assert frame["recipe"].tolist() == ["bfloat16", "heads 1:2", "vocabulary of 10 texts"]
    assert frame["smaller"].tolist()[0] == 2
    assert frame["flip_rate"].tolist()[1:] == [curve.comparisons[1].drift.flip_rate, 0]
    assert frame["correlation"].tolist()[2] == pytest.approx(1, abs=0.02)
    assert [gb.load(tmp_path / "curve" / name, device="cpu").labels for name in curve.folders] == [LABELS] * 3
    assert told == [("bfloat16", 0, 3), ("heads 1:2", 1, 3), ("vocabulary of 10 texts", 2, 3), ("done", 3, 3)]
    assert curve.complete
    again = CompressionCurve.from_dict(json.loads(json.dumps(curve.to_dict())))
    assert again.frame().equals(frame)


def test_curve_stops_and_keeps_what_is_done(model, table):
    recipes, started = ["bfloat16", "float16", "int8"], []
    curve = gb.compression_curve(
        model,
        recipes,
        table,
        texts=1,
        progress=lambda recipe, done, total: started.append(done),
        cancelled=lambda: 1 in started,
    )
    assert not curve.complete
    assert [one.recipe for one in curve.comparisons] == ["bfloat16"]


def test_curve_says_which_recipe_a_family_does_not_allow(tiny_model, table):
    curve = gb.compression_curve(
        tiny_model("albert", "classification"), [{"heads": [(0, 1)]}, "bfloat16"], table, texts=1
    )
    assert list(curve.failed) == ["heads 0:1"]
    assert "ALBERT" in curve.failed["heads 0:1"]
    assert len(curve.comparisons) == 1


def test_errors(model, table, tiny_model, sentiment):
    with pytest.raises(gb.TaskHeadError):
        gb.compare_compressed(tiny_model("bert", "masked_words"), model, table)
    with pytest.raises(gb.ComparisonError, match="the same classes"):
        gb.compare_compressed(model, sentiment, table)
    with pytest.raises(gb.ComparisonError, match="one class each"):
        gb.compare_compressed(model, model, gb.read_table(pd.DataFrame({"text": TEXTS, "label": np.arange(10) / 7})))
    with pytest.raises(gb.OptionError, match="texts must be at least 1"):
        gb.compare_compressed(model, model, table, texts=0)
    with pytest.raises(gb.MethodError, match="must be one of"):
        gb.compare_compressed(model, model, table, method="magic")
    with pytest.raises(gb.StoppedError):
        gb.compare_compressed(model, model, table, cancelled=lambda: True)
    with pytest.raises(gb.OptionError, match="there twice"):
        gb.compression_curve(model, ["int8", "int8"], table)
    with pytest.raises(gb.OptionError, match="at least one recipe"):
        gb.compression_curve(model, [], table)
