"""A regression has scores and no probabilities, as in transformers' pipeline: with one output and with several."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import transformers

import glassbert as gb
from glassbert.attribution import attribute_each
from glassbert.comparison import compare_predictions, largest_changes, sides_of_models, sides_of_texts

TEXT = "This film was not good at all."


@pytest.fixture(params=[1, 3])
def folder(request, tiny_checkpoint, tmp_path):
    source = tiny_checkpoint("bert", "classification")
    network = transformers.BertForSequenceClassification.from_pretrained(
        source, num_labels=request.param, ignore_mismatched_sizes=True, problem_type="regression"
    )
    network.save_pretrained(tmp_path / "regression")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(source / name, tmp_path / "regression")
    return tmp_path / "regression"


@pytest.fixture
def model(folder):
    return gb.load(str(folder), device="cpu")


def test_the_scores_are_the_pipelines(folder, model):
    pipeline = transformers.pipeline("text-classification", str(folder), top_k=None, device="cpu")
    expected = {one["label"]: one["score"] for one in pipeline([TEXT])[0]}
    found = gb.classify(model, TEXT)
    assert found.regression
    assert not found.multi_label
    assert dict(zip(found.labels, found.logits.tolist(), strict=True)) == pytest.approx(expected, abs=1e-5)
    assert len(found.probabilities) == 0
    assert found.frame().columns.tolist() == ["label", "score"]
    assert "probab" not in repr(found)


def test_an_explanation_is_in_scores(model):
    score = gb.classify(model, TEXT).logits[0]
    assert gb.attribute(model, TEXT, method="saliency", target=0).value == pytest.approx(score, abs=1e-5)
    with pytest.raises(gb.OptionError, match="regression"):
        gb.attribute(model, TEXT, method="saliency", target=0, output="probability")
    scores = next(attribute_each(model, TEXT, methods=["input_x_gradient"], target=0))
    receipt = gb.receipt(model, scores, checks=["comprehensiveness"], n_orderings=10)
    (details,) = [line.details for line in receipt.lines]
    assert details["probability"] == pytest.approx(score, abs=1e-5)  # the score itself


def test_edited_texts_have_scores_and_never_flip(model):
    found = gb.variants(model, TEXT, edits=[gb.Edit(6, replacement="bad"), gb.Edit(5, kind="delete")], target=0)
    assert found.probability is None
    assert len(found.probabilities) == 0
    again = [gb.classify(model, *texts).logits[0] for texts in found.texts]
    np.testing.assert_allclose(found.values, again, atol=1e-5)
    assert found.value == pytest.approx(gb.classify(model, TEXT).logits[0], abs=1e-5)
    assert set(found.predictions) == {found.prediction}
    assert found.frame().columns.tolist() == ["text", "pair", "score", "change"]
    for work in (lambda: gb.find_flip(model, TEXT, proposals="gradient"), lambda: gb.reduce_input(model, TEXT)):
        with pytest.raises(gb.TargetError, match="regression"):
            work()


def test_two_texts_are_compared_by_their_scores(model):
    result = compare_predictions(sides_of_texts(model, TEXT, "A good film."))
    np.testing.assert_allclose(result.first_probabilities, gb.classify(model, TEXT).logits, atol=1e-5)
    np.testing.assert_allclose(result.second_probabilities, gb.classify(model, "A good film.").logits, atol=1e-5)
    assert result.divergence is None
    assert largest_changes(sides_of_texts(model, TEXT, "A good film.").alignment, result).parts


def test_a_regression_and_a_classifier_are_not_compared(model, tiny_model):
    if len(model.labels) == 3:
        with pytest.raises(gb.ComparisonError):
            compare_predictions(sides_of_models(model, tiny_model("bert", "classification"), TEXT))


def test_one_output_without_a_problem_type_is_a_sigmoid_as_in_the_pipeline(tiny_checkpoint, tmp_path):
    source = tiny_checkpoint("bert", "classification")
    transformers.BertForSequenceClassification.from_pretrained(
        source, num_labels=1, ignore_mismatched_sizes=True
    ).save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(source).save_pretrained(tmp_path)
    found = gb.classify(gb.load(str(tmp_path), device="cpu"), TEXT)
    expected = transformers.pipeline("text-classification", str(tmp_path), device="cpu")(TEXT)[0]["score"]
    assert found.probabilities[0] == pytest.approx(expected, abs=1e-6)
