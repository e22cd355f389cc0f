"""Classes of two models are the same where their names are, whatever their order; by id where names repeat."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

import glassbert as gb
from glassbert.comparison import compare_attributions, compare_predictions, sides_of_models

TEXT = "This film was not good at all."


def renamed(source, folder, names, order=(0, 1, 2)):
    """The checkpoint with these class names, its outputs in this order."""
    shutil.copytree(source, folder)
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {str(number): name for number, name in enumerate(names)}
    config["label2id"] = {name: number for number, name in enumerate(names)}
    (folder / "config.json").write_text(json.dumps(config))
    tensors = load_file(folder / "model.safetensors")
    for name in ("classifier.weight", "classifier.bias"):
        tensors[name] = tensors[name][list(order)].contiguous()
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return gb.load(str(folder), device="cpu")


def test_the_same_classes_in_another_order_are_the_same_model(tiny_checkpoint, tmp_path):
    source = tiny_checkpoint("bert", "classification")
    first = renamed(source, tmp_path / "first", ("bad", "so-so", "good"))
    second = renamed(source, tmp_path / "second", ("good", "bad", "so-so"), (2, 0, 1))
    result = compare_predictions(sides_of_models(first, second, TEXT))
    assert result.labels == first.labels
    np.testing.assert_allclose(result.differences, 0, atol=1e-6)
    assert np.ptp(result.first_probabilities) > 0.01
    for label in range(3):
        shown = compare_attributions(sides_of_models(first, second, TEXT), method="input_x_gradient", target=label)
        assert shown.first_value == pytest.approx(float(gb.classify(first, TEXT).logits[label]), abs=1e-5)
        np.testing.assert_allclose(shown.differences, 0, atol=1e-5)


def test_classes_of_one_name_are_told_apart_by_id(tiny_checkpoint, tmp_path):
    model = renamed(tiny_checkpoint("bert", "classification"), tmp_path / "twice", ("bad", "good", "good"))
    sides = sides_of_models(model, model, TEXT)
    np.testing.assert_allclose(compare_predictions(sides).differences, 0, atol=1e-7)
    for label in range(3):
        shown = compare_attributions(sides, method="input_x_gradient", target=label)
        expected = float(gb.classify(model, TEXT).logits[label])
        assert (shown.first_value, shown.second_value) == pytest.approx((expected, expected), abs=1e-5)
        np.testing.assert_allclose(shown.differences, 0, atol=1e-6)
    with pytest.raises(gb.TargetError, match=r"1, 2"):
        gb.attribute(model, TEXT, method="saliency", target="good")


def test_other_classes_are_still_refused(tiny_checkpoint, tmp_path):
    source = tiny_checkpoint("bert", "classification")
    first = renamed(source, tmp_path / "first", ("bad", "so-so", "good"))
    second = renamed(source, tmp_path / "second", ("bad", "so-so", "fine"))
    with pytest.raises(gb.ComparisonError, match="not the same"):
        compare_predictions(sides_of_models(first, second, TEXT))
