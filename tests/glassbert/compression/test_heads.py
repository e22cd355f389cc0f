"""Heads that are cut out of the weights: against the same heads switched off, and against stock transformers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from safetensors.torch import load_file

import glassbert as gb

TEXTS = ("The doctor said that she was tired.", "Paris is the capital of France, and the Seine is a river.")
HEADS = [(0, 1), (0, 2), (1, 3)]
FAMILIES = ("bert", "distilbert", "roberta", "electra")


@pytest.fixture(scope="module")
def cut(tiny_model):
    made = {}

    def get(family):
        if family not in made:
            made[family] = gb.compress(tiny_model(family, "classification"), {"heads": HEADS})
        return made[family]

    return get


@pytest.fixture
def both(cut, tiny_model):
    """The model without these heads, and the view of the whole one in which they are switched off."""
    return lambda family: (cut(family), gb.ablate(tiny_model(family, "classification"), HEADS))


def logits(model, texts=TEXTS):
    return np.stack([one.logits for one in gb.classify(model, list(texts))])


@pytest.mark.parametrize("family", FAMILIES)
def test_removed_heads_equal_heads_that_are_switched_off(both, tiny_model, family):
    smaller, off = both(family)
    np.testing.assert_allclose(logits(smaller), logits(off), atol=1e-5)
    assert np.abs(logits(off) - logits(tiny_model(family, "classification"))).max() > 1e-3
    long = "A wonderful river. " * 30  # attention in the fused kernel
    np.testing.assert_allclose(logits(smaller, [long]), logits(off, [long]), atol=1e-5)


def test_weights_have_the_rows_of_the_heads_that_are_left(cut):
    smaller = cut("bert")
    tensors = load_file(smaller.checkpoint.folder / "model.safetensors")
    size = 8  # of a head: 4 of them in 32
    for layer, left in ((0, 2), (1, 3)):
        own = f"bert.encoder.layer.{layer}.attention"
        assert tensors[f"{own}.self.query.weight"].shape == (left * size, 32)
        assert tensors[f"{own}.self.value.bias"].shape == (left * size,)
        assert tensors[f"{own}.output.dense.weight"].shape == (32, left * size)
    assert smaller.removed_heads == tuple(HEADS)
    # three projections of 8 × 32 with biases, and the columns that mix them, for each of the three heads
    whole = gb.compression_record(smaller).parameters_before
    assert whole - smaller.parameters == 3 * (3 * (size * 32 + size) + 32 * size)
    assert gb.compression_record(smaller).parameters_after == smaller.parameters


def test_maps_are_those_of_the_heads_that_are_left(both):
    smaller, off = both("bert")
    maps, whole = gb.attention(smaller, TEXTS[0]), gb.attention(off, TEXTS[0])
    removed = np.zeros((2, 4), dtype=bool)
    removed[tuple(np.transpose(HEADS))] = True
    np.testing.assert_allclose(maps.weights[~removed], whole.weights[~removed], atol=1e-6)
    assert not maps.weights[removed].any()
    assert maps.removed == tuple(HEADS)
    assert not whole.removed
    assert "3 heads removed" in repr(maps)
    assert not maps.maps().rows_sum_to_one
    # rollout is the mean over the heads that are there
    mean = np.stack([whole.weights[layer][~removed[layer]].mean(axis=0) for layer in (0, 1)])
    mixed = mean + np.eye(mean.shape[-1])
    mixed /= mixed.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(gb.rollout(maps).values[1], mixed[1] @ mixed[0], atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("method", sorted(set(gb.METHODS) - {"rollout"}))
def test_every_method_explains_it_as_it_explains_the_view(both, family, method):
    options = {"n_samples": 8} if "n_samples" in gb.METHODS[method].options else {}
    options |= {"n_steps": 8} if "n_steps" in gb.METHODS[method].options else {}
    found, expected = (gb.attribute(one, TEXTS[0], method=method, **options).scores for one in both(family))
    np.testing.assert_allclose(found, expected, atol=2e-4 * np.abs(expected).max())


def test_analyses_of_heads_and_layers_read_it(both):
    smaller, off = both("bert")
    importance = gb.head_importance(smaller, TEXTS[0]).gradient
    np.testing.assert_allclose(importance, gb.head_importance(off, TEXTS[0]).gradient, atol=1e-5)
    for measure in ("2020", "2021"):
        norms = [gb.value_norms(one, TEXTS[0], variant=measure) for one in (smaller, off)]
        np.testing.assert_allclose(norms[0].values, norms[1].values, rtol=1e-3, atol=1e-5)
    zeroing = [gb.value_zeroing(one, TEXTS[0]).values for one in (smaller, off)]
    np.testing.assert_allclose(*zeroing, atol=1e-4)
    more = gb.ablate(smaller, [(1, 0)])
    np.testing.assert_allclose(logits(more), logits(gb.ablate(off, [(1, 0)])), atol=1e-5)
    sweep = gb.ablation_sweep(smaller, TEXTS[0])
    expected = gb.ablation_sweep(off, TEXTS[0], heads=list(zip(sweep.layers, sweep.heads, strict=True)))
    np.testing.assert_allclose(sweep.values, expected.values, atol=1e-5)


def test_saved_folder_is_read_again_and_can_be_cut_further(cut, tiny_model, tmp_path):
    further = gb.compress(cut("bert"), {"heads": [(1, 0)]}, tmp_path / "further")
    again = gb.load(tmp_path / "further", device="cpu")
    assert again.removed_heads == (*HEADS[:2], (1, 0), (1, 3))
    off = gb.ablate(tiny_model("bert", "classification"), [*HEADS, (1, 0)])
    np.testing.assert_allclose(logits(again), logits(off), atol=1e-5)
    np.testing.assert_array_equal(logits(again), logits(further))
    assert json.loads((tmp_path / "further" / "config.json").read_text())["pruned_heads"] == {"0": [1, 2], "1": [0, 3]}


@pytest.mark.parametrize("family", FAMILIES)
def test_full_size_folder_serves_stock_transformers(tiny_model, tmp_path, family):
    model = tiny_model(family, "classification")
    zeroed = gb.compress(model, {"heads": HEADS}, tmp_path / "zeroed", full_size=True)
    assert gb.compression_record(zeroed).stock
    assert zeroed.parameters == model.parameters
    network = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "zeroed").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "zeroed")
    with torch.no_grad():
        stock = network(**tokenizer(TEXTS[0], return_tensors="pt")).logits[0].numpy()
    np.testing.assert_allclose(stock, logits(gb.ablate(model, HEADS))[0], atol=1e-5)


def test_share_removes_the_heads_of_least_importance(tiny_model):
    model = tiny_model("bert", "classification")
    table = gb.read_table(pd.DataFrame({"text": TEXTS, "label": "POSITIVE"}))
    smaller = gb.compress(model, {"heads": 0.4}, table=table)
    importance = gb.head_importance(model, list(TEXTS)).importance
    stays = {(layer, int(importance[layer].argmax())) for layer in (0, 1)}
    order = [divmod(int(place), 4) for place in importance.argsort(axis=None)]
    assert smaller.removed_heads == tuple(sorted([head for head in order if head not in stays][:3]))


def test_errors(tiny_model, cut, tmp_path):
    model = tiny_model("bert", "classification")
    for recipe, said in (
        ({"heads": 0.2}, "pass them as table="),
        ({"heads": []}, "must be a list of"),
        ({"heads": [1, 2]}, "must be a list of"),
        ({"heads": "all"}, "must be a list of"),
        ({"heads": [(0, head) for head in range(4)]}, "every head of layer 0"),
    ):
        with pytest.raises(gb.OptionError, match=said):
            gb.compress(model, recipe)
    with pytest.raises(gb.LayerError, match="layers 0 to 1, each with heads 0 to 3"):
        gb.compress(model, {"heads": [(0, 4)]})
    with pytest.raises(gb.OptionError, match="removed already"):
        gb.compress(cut("bert"), {"heads": [(0, 1)]})
    with pytest.raises(gb.OptionError, match="switched off"):
        gb.compress(gb.ablate(model, HEADS), "bfloat16")
    with pytest.raises(gb.ModelError, match="different numbers of heads"):
        gb.compress(tiny_model("albert", "classification"), {"heads": HEADS})
    table = gb.read_table(pd.DataFrame({"text": TEXTS, "label": ["POSITIVE", "NEGATIVE"]}))
    with pytest.raises(gb.ModelError, match="cannot train it"):
        gb.finetune(cut("bert"), table, None, tmp_path / "run")
