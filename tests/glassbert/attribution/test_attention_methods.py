"""Rollout and value-weighted norms as token scores are rows of the maps that the attention measures give."""

from __future__ import annotations

import numpy as np
import pytest

import glassbert as gb
from tests.glassbert.decision.decisions import DECIDED

every = pytest.mark.parametrize("decision", DECIDED, indirect=True, ids="-".join)
classifier = pytest.mark.parametrize("decision", [("bert", "classification")], indirect=True, ids="-".join)


def texts(decision):
    return [decision.own(text) for text in decision.texts]


def rolled(layers):
    joint = np.eye(layers.shape[-1])
    for layer in layers:
        joint = np.einsum("qk,ki->qi", layer, joint)
    return joint


def shares(rows):
    return rows.astype(np.float64) / rows.astype(np.float64).sum(axis=-1, keepdims=True)


@every
def test_rollout_is_the_row_of_the_deciding_position(decision):
    maps = gb.rollout(gb.attention(decision.model, *texts(decision)))
    score = decision.attribute("rollout")
    np.testing.assert_allclose(score.scores, maps.values[-1, decision.position], atol=1e-6)
    assert float(score.scores.sum()) == pytest.approx(1, abs=1e-5)
    assert len(set(np.round(score.scores, 4))) > 3, "not a uniform row"


@every
def test_value_norms_are_rolled_out_from_the_norms_of_2021(decision):
    norms = gb.value_norms(decision.model, *texts(decision), variant="2021").values
    score = decision.attribute("value_norms")
    np.testing.assert_allclose(score.scores, rolled(shares(norms))[decision.position], atol=1e-6)
    assert float(score.scores.sum()) == pytest.approx(1, abs=1e-5)
    assert score.options == {"variant": "2021"}


@every
def test_norms_of_2020_need_half_a_residual(decision):
    norms = gb.value_norms(decision.model, *texts(decision), variant="2020").values
    score = decision.attribute("value_norms", variant="2020")
    halves = (shares(norms) + np.eye(len(score.encoded))) / 2
    np.testing.assert_allclose(score.scores, rolled(halves)[decision.position], atol=1e-6)
    assert not np.allclose(score.scores, decision.attribute("value_norms").scores, atol=1e-3)


@classifier
@pytest.mark.parametrize("method", ["rollout", "value_norms"])
def test_the_target_changes_its_value_and_no_score(decision, method):
    target, foil = decision.attribute(method), decision.attribute(method, target=decision.foil)
    np.testing.assert_array_equal(target.scores, foil.scores)
    logits = gb.classify(decision.model, *decision.texts).logits
    assert target.value == pytest.approx(float(logits[1]), abs=1e-5)
    assert foil.value == pytest.approx(float(logits[0]), abs=1e-5)


@classifier
@pytest.mark.parametrize("variant", ["2020", "2021"])
def test_without_any_head_a_state_is_all_its_own(decision, variant):
    everything = [(layer, head) for layer in range(2) for head in range(4)]
    off = gb.ablate(decision.model, everything)
    score = gb.attribute(off, *decision.texts, method="value_norms", target=1, variant=variant)
    expected = np.zeros(len(score.encoded))
    expected[0] = 1
    np.testing.assert_allclose(score.scores, expected, atol=1e-6)


@classifier
@pytest.mark.parametrize("variant", ["2022", 2021, None])
def test_an_unknown_variant_is_refused(decision, variant):
    with pytest.raises(gb.OptionError, match="must be one of 2020, 2021"):
        decision.attribute("value_norms", variant=variant)
