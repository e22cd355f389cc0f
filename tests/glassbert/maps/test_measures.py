"""What every measure declares is true, and ``gb.measure`` is the measure's own function."""

from __future__ import annotations

import numpy as np
import pytest

import glassbert as gb
from glassbert import MEASURES

TEXT = "The doctor said that she was tired."
PAIR = ("The man went home.", "He was tired.")
FAMILIES = ("bert", "distilbert", "roberta", "albert")

#: Measure id → the function that a user calls.
FUNCTIONS = {
    "attention": lambda model, *texts: gb.attention(model, *texts).maps(),
    "rollout": lambda model, *texts: gb.rollout(gb.attention(model, *texts)),
    "flow": lambda model, *texts: gb.flow(gb.attention(model, *texts)),
    "value_norms_2020": gb.value_norms,
    "value_norms_2021": lambda model, *texts: gb.value_norms(model, *texts, variant="2021"),
    "value_zeroing": gb.value_zeroing,
    "attention_relevance": lambda model, *texts: gb.maps.attention_relevance_map(model, *texts),
}


def test_every_measure_is_tested_here():
    assert set(MEASURES) == set(FUNCTIONS)


def test_every_id_leads_to_another_measure(tiny_model):
    """An id that led to another one's function would have its values."""
    model = tiny_model("bert", "classification")
    found = {name: gb.attention_map(model, TEXT, measure=name) for name in FUNCTIONS}
    for name, result in found.items():
        assert result.measure == name
        np.testing.assert_array_equal(result.values, FUNCTIONS[name](model, TEXT).values)
        same = [
            other
            for other, values in found.items()
            if values.values.shape == result.values.shape and np.allclose(values.values, result.values, atol=1e-4)
        ]
        assert same == [name]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_measure_keeps_its_word(tiny_model, family, name):
    model, declared = tiny_model(family, "classification"), MEASURES[name]
    result = gb.attention_map(model, *PAIR, measure=name)
    tokens = len(result.encoded)
    assert result.values.shape == ((2, 4, tokens, tokens) if declared.per_head else (2, tokens, tokens))
    assert (result.values >= 0).all()
    sums = result.values.sum(axis=-1, dtype=np.float64)
    assert result.rows_sum_to_one == declared.rows_sum_to_one
    assert (np.abs(sums - 1).max() < 1e-5) == declared.rows_sum_to_one
    words = result.by_word().values.sum(axis=-1, dtype=np.float64)
    assert (np.abs(words - 1).max() < 1e-5) == declared.rows_sum_to_one


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_stated_cost_is_what_runs(tiny_model, name):
    """Inputs that go through the last layer."""
    model, inputs = tiny_model("bert", "classification"), []
    target = 0 if MEASURES[name].needs_target else None  # asking for the predicted class is a pass of its own
    counter = model.network.bert.encoder.layer[-1].register_forward_hook(
        lambda module, given, output: inputs.append(len(given[0]))
    )
    result = gb.attention_map(model, TEXT, measure=name, target=target)
    counter.remove()
    assert sum(inputs) == MEASURES[name].cost(len(result.encoded))


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if not MEASURES[name].needs_model])
def test_weights_that_are_there_already_cost_no_pass(tiny_model, name):
    model, inputs = tiny_model("bert", "classification"), []
    maps = gb.attention(model, TEXT)
    counter = model.network.bert.encoder.layer[-1].register_forward_hook(
        lambda module, given, output: inputs.append(len(given[0]))
    )
    result = gb.attention_map(model, TEXT, measure=name, maps=maps)
    counter.remove()
    assert inputs == []
    np.testing.assert_array_equal(result.values, gb.attention_map(model, TEXT, measure=name).values)


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
@pytest.mark.parametrize(("task", "target"), [("classification", 1), ("masked_words", gb.MaskTarget(3))])
def test_the_relevance_map_holds_the_scores_of_the_attribution_method(tiny_model, family, task, target):
    model = tiny_model(family, task)
    result = gb.maps.attention_relevance_map(model, TEXT, target=target)
    scores = gb.attribute(model, TEXT, method="attention_relevance", target=target)
    row = target.position if isinstance(target, gb.MaskTarget) else 0
    np.testing.assert_allclose(result.values[-1, row], scores.scores, atol=1e-6)
    assert result.encoded.tokens == scores.encoded.tokens  # the mask in place
    assert result.options["target_label"] == scores.target_label
    assert result.options["value"] == pytest.approx(scores.value, abs=1e-5)


def test_relevance_starts_from_what_the_first_layer_adds_to_the_identity(tiny_model):
    """R after layer 0 is I + mean_h((∇A ⊙ A)⁺), so its rows are at least the identity, and later layers only add."""
    values = gb.maps.attention_relevance_map(tiny_model("bert", "classification"), TEXT, target=0).values
    assert (values[0] >= np.eye(values.shape[-1])).all()
    assert (values[1] >= values[0] - 1e-6).all()


def test_a_measure_that_is_not_there(tiny_model):
    with pytest.raises(gb.MethodError, match=r"must be one of .*rollout.*value_zeroing"):
        gb.attention_map(tiny_model("bert", "classification"), TEXT, measure="lime")


@pytest.mark.parametrize("measure", MEASURES.values(), ids=list(MEASURES))
def test_every_measure_says_what_it_is(measure):
    assert measure.label
    assert "arXiv:" in measure.paper
    assert measure.meaning[0].islower()
    assert not measure.meaning.endswith(".")
    assert measure.cost(24) >= 1
