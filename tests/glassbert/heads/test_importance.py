"""Head importance equals finite differences in the heads' gates."""

from __future__ import annotations

import numpy as np
import pytest

import glassbert as gb
from tests.glassbert.maps.oracles import scaled_heads

TEXT = "The doctor said that she was tired."
MASKED = "The doctor said that [MASK] was tired."
PAIR = ("The man went home.", "He was tired.")


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta", "electra"])
def test_importance_equals_finite_differences(tiny_model, stock, family):
    """(F(ξ = 1 + ε) − F(ξ = 1 − ε)) / 2ε, in float64, by scaling the mixing weights of a copy."""
    result = gb.head_importance(tiny_model(family, "classification"), TEXT, target=2)
    oracle, step = stock(family, "classification"), 1e-4
    for layer in range(2):
        for head in range(4):
            up, down = (
                float(scaled_heads(oracle, family, {(layer, head): factor})(TEXT).logits[0, 2])
                for factor in (1 + step, 1 - step)
            )
            slope = (up - down) / (2 * step)
            assert result.gradient[layer, head] == pytest.approx(slope, rel=2e-3, abs=1e-4)
            assert result.importance[layer, head] == pytest.approx(abs(slope), rel=2e-3, abs=1e-4)


def test_importance_of_an_albert_adds_up_to_that_of_its_shared_head(tiny_model, stock):
    """One mixer serves both layers, so scaling it is scaling the head in both."""
    result = gb.head_importance(tiny_model("albert", "classification"), TEXT, target=2)
    oracle, step = stock("albert", "classification"), 1e-4
    for head in range(4):
        up, down = (
            float(scaled_heads(oracle, "albert", {(0, head): factor})(TEXT).logits[0, 2])
            for factor in (1 + step, 1 - step)
        )
        assert result.gradient[:, head].sum() == pytest.approx((up - down) / (2 * step), rel=2e-3, abs=1e-4)
    assert np.abs(result.gradient[0] - result.gradient[1]).max() > 1e-3


def test_importance_of_several_texts_is_the_mean_of_absolute_values(tiny_model):
    model = tiny_model("bert", "classification")
    texts = [TEXT, "Good.", gb.encode(model, *PAIR)]
    together = gb.head_importance(model, texts, target=1)
    alone = [gb.head_importance(model, text, target=1) for text in texts]
    np.testing.assert_allclose(together.importance, np.mean([np.abs(one.gradient) for one in alone], axis=0), rtol=1e-5)
    np.testing.assert_allclose(
        together.gradient, np.mean([one.gradient for one in alone], axis=0), rtol=1e-4, atol=1e-6
    )
    assert together.texts == ((TEXT,), ("Good.",), PAIR)
    assert together.forward_passes == 2 * len(texts)
    assert np.abs(together.importance - np.abs(together.gradient)).max() > 1e-4


@pytest.mark.parametrize(
    ("family", "task", "texts"), [("bert", "next_sentence", PAIR), ("roberta", "masked_words", (MASKED,))]
)
def test_importance_says_what_a_small_change_does(tiny_model, family, task, texts):
    """A head that is off already has no importance; the others' are those of the view."""
    model = tiny_model(family, task)
    view = gb.ablate(model, [(0, 2)])
    result = gb.head_importance(view, *texts, output="probability")
    assert result.gradient[0, 2] == 0
    assert np.count_nonzero(result.gradient) == 7


def test_importance_without_texts(tiny_model):
    model = tiny_model("bert", "classification")
    with pytest.raises(gb.OptionError, match="at least one text"):
        gb.head_importance(model, [])
    with pytest.raises(gb.OptionError, match="encode each pair"):
        gb.head_importance(model, [TEXT], "He was tired.")
