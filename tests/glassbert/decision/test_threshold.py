"""A threshold moves the line between two classes: what is predicted, and so what flips, but not what a score is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import glassbert as gb
from glassbert.decision import decide
from glassbert.verdicts import decided_answer
from glassbert.verdicts.results import DecidedAnswer

TEXT = "The plot is good but the acting is awful."


@pytest.fixture(scope="module")
def share(sentiment):
    """The probability of POSITIVE, id 1; the model says NEGATIVE."""
    found = gb.classify(sentiment, TEXT)
    assert found.labels == ("NEGATIVE", "POSITIVE")
    assert found.labels[found.predicted] == "NEGATIVE"
    return float(found.probabilities[1])


def test_the_second_class_is_the_answer_above_its_threshold(sentiment, share):
    found = gb.classify(sentiment, TEXT)
    assert [found.labels[found.decided(share + step)] for step in (-0.001, 0.001)] == ["POSITIVE", "NEGATIVE"]
    assert found.decided() == found.decided(0.5) == found.predicted
    for threshold, answer in ((share - 0.001, "POSITIVE"), (share + 0.001, "NEGATIVE")):
        target = gb.ClassTarget(threshold=threshold)
        assert decided_answer(sentiment, TEXT, target=target).answer == answer
        assert gb.attribute(sentiment, TEXT, method="saliency", target=target).target_label == answer
        (many,) = gb.attribute_many(sentiment, [TEXT], method="saliency", target=target)
        assert many.target_label == answer
        sweep = gb.ablation_sweep(sentiment, TEXT, target=target, heads=[(0, 0)])
        assert sweep.prediction == answer


def test_the_scores_of_a_class_stay_the_same(sentiment, share):
    moved = gb.attribute(sentiment, TEXT, method="input_x_gradient", target=gb.ClassTarget(threshold=share / 2))
    plain = gb.attribute(sentiment, TEXT, method="input_x_gradient", target="POSITIVE")
    np.testing.assert_array_equal(moved.scores, plain.scores)
    assert moved.value == plain.value


def test_the_lead_is_the_distance_from_the_threshold_in_log_odds(sentiment):
    threshold = 0.8
    decision = decide(sentiment, gb.encode(sentiment, TEXT), gb.ClassTarget(threshold=threshold), "logit").decision
    logits = np.array([[0.0, 1.0], [0.0, np.log(4) + 0.01], [2.0, 0.0]])
    assert decision.answers(logits) == ("NEGATIVE", "POSITIVE", "NEGATIVE")
    np.testing.assert_allclose(decision.leads(logits, logits[0]), np.log(4) - np.array([1.0, np.log(4) + 0.01, -2.0]))


def test_a_flip_crosses_the_threshold(sentiment, pretrained):
    text, threshold = "The acting is good.", 0.9
    assert gb.classify(sentiment, text).probabilities[1] > threshold
    found = gb.find_flip(
        sentiment, text, target=gb.ClassTarget("POSITIVE", threshold=threshold), proposer=pretrained, budget=150
    )
    assert found.prediction == "POSITIVE"
    flipped = [float(gb.classify(sentiment, changed).probabilities[1]) for (changed,) in found.flips.texts]
    assert flipped
    assert max(flipped) <= threshold
    assert set(found.flips.predictions) == {"NEGATIVE"}


def test_the_answer_is_told_with_its_threshold(sentiment, share):
    sure, limit = f"{share:.1%}", f"{share / 2:.1%}"
    found = decided_answer(sentiment, TEXT, target=gb.ClassTarget(threshold=share / 2))
    assert found.needed == pytest.approx(share / 2)
    assert found.lead == pytest.approx(share, abs=1e-6)
    assert found.next_answer == "NEGATIVE"
    told = {
        True: f"The model is undecided: POSITIVE ({sure}) is just above its threshold of {limit}.",
        False: f"The model says POSITIVE ({sure}, with a threshold of {limit}).",
    }
    assert found.sentence == told[found.is_undecided]
    assert decided_answer(sentiment, TEXT).needed is None
    other = decided_answer(sentiment, TEXT, target=gb.ClassTarget(threshold=0.9))
    assert (other.answer, other.needed) == ("NEGATIVE", pytest.approx(0.1))
    assert DecidedAnswer.from_dict(other.to_dict()).lead == other.lead
    assert not replace(other, probability=0.25).is_undecided
    assert replace(other, probability=0.15).is_undecided


def test_other_classifiers_have_no_threshold(tiny_model):
    model = tiny_model("bert", "classification")
    decision = decide(model, gb.encode(model, TEXT), gb.ClassTarget(threshold=0.9), "logit").decision
    assert (decision.threshold == 0.9) == (len(model.labels) == 2)
    found = gb.classify(model, TEXT)
    assert replace(found, multi_label=True).decided(0.9) == found.predicted


@pytest.mark.parametrize("threshold", [0.0, 1.0, -1.0, 2.0, float("nan")])
def test_a_threshold_is_a_probability(threshold):
    with pytest.raises(gb.TargetError, match="between 0 and 1"):
        gb.ClassTarget(threshold=threshold)
