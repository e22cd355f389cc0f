"""Recipes but that of heads: what is written, what stock transformers makes of it, and what stays exactly the same."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from safetensors.torch import load_file

import glassbert as gb
from glassbert.compression._importance import neuron_scores
from glassbert.compression._recipe import Given
from glassbert.compression._recipes import RECIPES, label_of
from glassbert.network.blocks import change_input
from glassbert.network.int8 import Int8Linear, rounded
from tests import tiny

TEXTS = ("The doctor said that she was tired.", "Paris is the capital of France, and the Seine is a river.")
WITHOUT_GRADIENTS = {"rollout", *(name for name, one in gb.METHODS.items() if one.family == "perturbation")}


def table_of(texts=TEXTS):
    return gb.read_table(pd.DataFrame({"text": list(texts), "label": "POSITIVE"}))


def logits(model, texts=TEXTS):
    return np.stack([one.logits for one in gb.classify(model, list(texts))])


def stock_logits(folder, text, kind="SequenceClassification"):
    network = getattr(transformers, f"AutoModelFor{kind}").from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        return network(**tokenizer(text, return_tensors="pt")).logits[0].numpy()


# --- precision ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_is_half_the_size(tiny_model, tmp_path, precision):
    model = tiny_model("bert", "classification")
    half = gb.compress(model, precision, tmp_path / "half")
    record = gb.compression_record(half)
    assert half.precision == precision
    assert record.bytes_before == 4 * record.parameters_before
    assert record.bytes_after == 2 * record.parameters_after == record.bytes_before // 2
    assert record.smaller == 2
    np.testing.assert_allclose(logits(half), logits(model), atol=0.2)
    expected = logits(gb.load(tmp_path / "half", device="cpu"))  # half precision is exact in float32
    np.testing.assert_allclose(stock_logits(tmp_path / "half", TEXTS[0]), expected[0], atol=1e-5)


def test_a_half_precision_checkpoint_stays_one(sentiment):
    """Its numbers are exact in float16, so what only leaves some out is not written larger."""
    record = gb.compression_record(gb.compress(sentiment, {"layers": [5]}))
    assert record.bytes_after < record.bytes_before == 2 * record.parameters_before


# --- int8 ---------------------------------------------------------------------------------------------------------


def test_int8_linear_is_the_product_of_rounded_numbers():
    draw = torch.Generator().manual_seed(0)
    linear = torch.nn.Linear(48, 20).requires_grad_(False)
    linear.weight.copy_(torch.randn(20, 48, generator=draw))
    states = torch.randn(2, 7, 48, generator=draw)
    found = Int8Linear(linear)(states)
    scale = (linear.weight.abs().amax(dim=1) / 127).double()
    numbers = (linear.weight.double() / scale[:, None]).round()
    own = (states.abs().amax(dim=-1, keepdim=True) / 127).double()
    expected = ((states.double() / own).round() @ numbers.T) * own * scale + linear.bias.double()
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-4, atol=1e-4)
    # no input is off by more than half a step, and no weight
    bound = 0.5 * own * linear.weight.abs().sum(dim=1) + 0.5 * scale * states.double().abs().sum(-1, keepdim=True)
    assert ((found.double() - linear(states).double()).abs() <= bound + 0.25 * 48 * own * scale).all()


def test_rounding_twice_changes_nothing():
    weight = torch.randn(30, 17, generator=torch.Generator().manual_seed(1))
    numbers, scale = rounded(weight)
    again, _ = rounded(numbers.float() * scale[:, None])
    assert torch.equal(numbers, again)
    assert int(numbers.abs().amax(dim=1).min()) == 127


@pytest.mark.parametrize("family", ["bert", "distilbert", "albert", "mpnet", "modernbert", "deberta-v2"])
def test_int8_model_is_written_and_read(tiny_model, tmp_path, family):
    model = tiny_model(family, "classification")
    small = gb.compress(model, "int8", tmp_path / "int8")
    again = gb.load(tmp_path / "int8", device="cpu")
    assert again.checkpoint.int8
    np.testing.assert_array_equal(logits(again), logits(small))
    change = np.abs(logits(small) - logits(model)).max()
    assert 0 < change < 0.2 * np.abs(logits(model)).max()
    tensors = load_file(tmp_path / "int8" / "model.safetensors")
    whole = sum(one.numel() for one in tensors.values() if one.dtype == torch.int8)
    record = gb.compression_record(small)
    assert record.bytes_after == whole + 4 * sum(one.numel() for one in tensors.values() if one.dtype != torch.int8)
    assert not record.stock


def test_int8_answers_do_not_depend_on_the_texts_beside_them(tiny_model):
    small = gb.compress(tiny_model("bert", "classification"), "int8")
    together = logits(small, [*TEXTS, "A!", "Wonderful, wonderful " * 20])
    np.testing.assert_allclose(together[:2], np.concatenate([logits(small, [text]) for text in TEXTS]), atol=1e-5)


def test_a_stock_network_refuses_int8_weights(tiny_model, tmp_path):
    gb.compress(tiny_model("bert", "classification"), "int8", tmp_path / "int8")
    with pytest.raises(RuntimeError, match="size"):
        transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "int8")


@pytest.mark.parametrize("method", sorted(gb.METHODS))
def test_int8_has_no_gradients_and_says_what_applies(tiny_model, method):
    model = tiny_model("bert", "classification")
    small = gb.compress(model, "int8")
    if method in WITHOUT_GRADIENTS:
        options = {"n_samples": 16} if "n_samples" in gb.METHODS[method].options else {}
        found, expected = (gb.attribute(one, TEXTS[0], method=method, **options).scores for one in (small, model))
        assert np.corrcoef(found, expected)[0, 1] > 0.9
    else:
        with pytest.raises(gb.MethodError) as caught:
            gb.attribute(small, TEXTS[0], method=method)
        assert all(name in str(caught.value) for name in WITHOUT_GRADIENTS)
        with pytest.raises(gb.MethodError):
            gb.attribute_many(small, list(TEXTS), method=method)


def test_what_needs_int8_weights_or_gradients_elsewhere_says_so(tiny_model):
    small = gb.compress(tiny_model("bert", "classification"), "int8")
    with pytest.raises(gb.MethodError, match="gradients"):
        gb.head_importance(small, TEXTS[0])
    with pytest.raises(gb.ModelError, match="int8"):
        gb.value_norms(small, TEXTS[0])
    receipt = gb.receipt(small, gb.attribute(small, TEXTS[0], method="occlusion"))
    assert {line.check: line.verdict for line in receipt.lines}["sanity"] != "not applicable"
    assert gb.attention(small, TEXTS[0]).weights.sum(axis=-1) == pytest.approx(1, abs=1e-5)
    with pytest.raises(gb.OptionError, match="start from the model before"):
        gb.compress(small, "bfloat16")


def test_int8_with_removed_heads(tiny_model, tmp_path):
    """Rounding by row, the heads that are left have the rows that they have in the whole model."""
    model = tiny_model("bert", "classification")
    both = gb.compress(model, [{"heads": [(0, 1), (1, 3)]}, "int8"], tmp_path / "both")
    whole = gb.ablate(gb.compress(model, "int8"), [(0, 1), (1, 3)])
    change = np.abs(logits(both) - logits(whole)).max()  # the columns of the mixing Linear have another scale
    assert change < 0.1 * np.abs(logits(whole)).max()
    np.testing.assert_array_equal(logits(gb.load(tmp_path / "both", device="cpu")), logits(both))


# --- layers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["bert", "distilbert", "albert"])
def test_dropped_layers_are_layers_that_are_not_run(tiny_model, tmp_path, family):
    model = tiny_model(family, "classification", layers=4)
    small = gb.compress(model, {"layers": [1, 3]}, tmp_path / "small")
    assert small.layers == 2
    encoder = gb.load(model.checkpoint.folder, device="cpu").network
    path = {"bert": "bert.encoder.layer", "distilbert": "distilbert.transformer.layer"}.get(family)
    if path is not None:
        own, _, name = path.rpartition(".")
        layers = encoder.get_submodule(path)
        setattr(encoder.get_submodule(own), name, torch.nn.ModuleList([layers[0], layers[2]]))
    encoder.config.num_hidden_layers = 2
    tokens = model.tokenizer(TEXTS[0], return_tensors="pt")
    with torch.no_grad():
        expected = encoder(**tokens).logits[0].numpy()
    np.testing.assert_allclose(logits(small)[0], expected, atol=1e-5)
    np.testing.assert_allclose(stock_logits(tmp_path / "small", TEXTS[0]), expected, atol=1e-5)


def test_removed_heads_move_with_their_layer(tiny_model):
    small = gb.compress(tiny_model("bert", "classification", layers=4), [{"heads": [(0, 1), (2, 3)]}, {"layers": [0]}])
    assert small.removed_heads == ((1, 3),)


# --- feed-forward neurons -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["bert", "distilbert", "modernbert"])
def test_removed_neurons_equal_neurons_that_are_zero(tiny_model, tmp_path, family):
    model = tiny_model(family, "classification")
    small = gb.compress(model, {"intermediate": 0.25}, tmp_path / "small", table_of())
    scores = neuron_scores(model, table_of(), Given(None, lambda done, total: None, lambda: None))
    size = scores.shape[1]
    keep = np.zeros_like(scores, dtype=bool)
    np.put_along_axis(keep, np.argsort(-scores, axis=1, kind="stable")[:, : size - round(size / 4)], True, axis=1)
    tokens = model.tokenizer(TEXTS[0], return_tensors="pt")
    with (
        torch.no_grad(),
        change_input(model.network, "feed_forward", lambda layer, x: x * torch.from_numpy(keep[layer])),
    ):
        expected = model.network(**tokens).logits[0].numpy()
    np.testing.assert_allclose(logits(small)[0], expected, atol=1e-5)
    np.testing.assert_allclose(stock_logits(tmp_path / "small", TEXTS[0]), expected, atol=1e-5)
    config = json.loads((tmp_path / "small" / "config.json").read_text())
    assert size - round(size / 4) in (config.get("intermediate_size"), config.get("hidden_dim"))


def test_importance_of_a_neuron_is_the_change_of_the_decision(tiny_model):
    """∂F/∂ξ at ξ = 1, against the difference of two passes with the neuron a little stronger and weaker."""
    model = tiny_model("bert", "classification")
    scores = neuron_scores(model, table_of(TEXTS[:1]), Given(None, lambda done, total: None, lambda: None))
    tokens, label = model.tokenizer(TEXTS[0], return_tensors="pt"), int(logits(model)[0].argmax())
    for layer, neuron in ((0, 3), (1, int(scores[1].argmax()))):

        def value(gate, layer=layer, neuron=neuron):
            scale = torch.ones(scores.shape[1])
            scale[neuron] = gate
            with (
                torch.no_grad(),
                change_input(model.network, "feed_forward", lambda at, x: x * scale if at == layer else x),
            ):
                return float(model.network(**tokens).logits[0, label])

        assert abs(value(1.02) - value(0.98)) / 0.04 == pytest.approx(scores[layer, neuron], rel=0.05, abs=2e-3)


# --- the vocabulary -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "albert", "mpnet", "deberta-v2"])
def test_texts_that_are_covered_get_the_same_logits(tiny_model, tmp_path, family):
    model = tiny_model(family, "classification")
    texts = [*TEXTS, tiny.SENTENCES[2]]
    small = gb.compress(model, {"vocabulary": texts}, tmp_path / "small")
    np.testing.assert_array_equal(logits(small, texts), logits(model, texts))
    np.testing.assert_allclose(stock_logits(tmp_path / "small", texts[2]), logits(model, texts)[2], atol=1e-5)
    kept, whole = len(small.tokenizer), len(model.tokenizer)
    assert kept < whole
    saved = {one.numel() for one in (small.network.get_input_embeddings().weight,)}
    assert saved == {kept * small.network.get_input_embeddings().weight.shape[1]}
    for text in texts:
        assert gb.encode(small, text).tokens == gb.encode(model, text).tokens
    assert small.tokenizer.pad_token == model.tokenizer.pad_token
    assert gb.classify(small, "Zebras juggle quietly")  # other texts are spelled with what is left


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "albert", "distilbert", "electra"])
def test_kept_rows_of_a_masked_word_head_are_the_same(tiny_model, family):
    model = tiny_model(family, "masked_words")
    small = gb.compress(model, {"vocabulary": list(TEXTS)})
    found = []
    for one in (model, small):
        encoded = one.tokenizer(TEXTS[0], return_tensors="pt")
        with torch.no_grad():
            found.append(one.network(**encoded).logits[0].numpy())
    names = {number: token for token, number in small.tokenizer.get_vocab().items()}
    rows = [model.tokenizer.get_vocab()[names[number]] for number in range(len(names))]
    np.testing.assert_allclose(found[1], found[0][:, rows], atol=1e-5)


def test_special_tokens_keep_their_parts(tiny_model):
    model = tiny_model("roberta", "masked_words")
    small = gb.compress(model, {"vocabulary": ["A"]})
    for name, token in model.tokenizer.special_tokens_map.items():
        assert getattr(small.tokenizer, name) == token
    assert small.tokenizer.pad_token_id == model.tokenizer.pad_token_id  # positions count from it
    assert small.network.config.pad_token_id == small.tokenizer.pad_token_id


# --- all of them --------------------------------------------------------------------------------------------------


def test_a_chain_is_run_from_first_to_last(tiny_model, tmp_path):
    model = tiny_model("bert", "classification", layers=4)
    chain = [{"layers": [3]}, {"heads": [(2, 1)], "intermediate": 0.5}, {"vocabulary": list(TEXTS)}, "bfloat16"]
    steps = []
    small = gb.compress(
        model,
        chain,
        tmp_path / "small",
        table_of(),
        progress=lambda name, done, total: steps.append((name, done, total)),
    )
    record = gb.compression_record(small)
    assert record.steps == ("layers", "heads", "intermediate", "vocabulary", "bfloat16")
    assert (small.layers, small.removed_heads, small.precision) == (3, ((2, 1),), "bfloat16")
    assert steps == [("intermediate", 1, 2), ("intermediate", 2, 2), ("vocabulary", 2, 2)]
    assert record.bytes_after < record.bytes_before / 3
    assert label_of(chain) == "layers 3, heads 2:1, intermediate 0.5, vocabulary of 2 texts, bfloat16"


def test_recipes_that_are_none(tiny_model, tmp_path):
    model = tiny_model("bert", "classification")
    for recipe, said in (
        ("int4", 'one of "'),
        ([], "empty"),
        ({"depth": 2}, 'a key of "'),
        ({"int8": True}, 'a key of "'),
        ("heads", 'a key of "'),
        (["int8", "bfloat16"], "last of a chain"),
        ({"layers": [0, 1]}, "all 2 layers"),
        ({"layers": 3}, "list of the layers"),
        ({"layers": [0.5]}, "list of the layers"),
        ({"intermediate": 1.5}, "between 0 and 1"),
        ({"intermediate": 0.5}, "pass them as table="),
        ({"vocabulary": "A text"}, "a list of texts"),
        ({"vocabulary": []}, "at least one text"),
    ):
        with pytest.raises(gb.OptionError, match=said):
            gb.compress(model, recipe)
    with pytest.raises(gb.LayerError, match="layers 0 to 1"):
        gb.compress(model, {"layers": [2]})
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    with pytest.raises(gb.OptionError, match="exists already"):
        gb.compress(model, "bfloat16", tmp_path / "taken")
    with pytest.raises(gb.OptionError, match="not a folder"):
        gb.compress(model, "bfloat16", tmp_path / "nowhere" / "new")
    with pytest.raises(gb.OptionError, match="no record"):
        gb.compression_record(model)
    with pytest.raises(gb.StoppedError):
        gb.compress(model, "bfloat16", tmp_path / "new", cancelled=lambda: True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken"]


def test_every_kind_of_recipe_is_in_the_docstring():
    assert all(name in (gb.compress.__doc__ or "") for name in RECIPES)


def test_a_sentence_encoder_still_pools(tmp_path):
    model = gb.load("similarity", device="cpu")
    small = gb.compress(model, "int8", tmp_path / "small")
    assert small.checkpoint.pooling == model.checkpoint.pooling
    pair = "A refund, please.", "I want my money back."
    found, expected = (gb.similarity(one, *pair, matrix=False).score for one in (small, model))
    assert found == pytest.approx(expected, abs=0.02)


def test_verdicts_reports_and_analyses_of_int8_use_methods_without_gradients(tiny_model, tmp_path):
    small = gb.compress(tiny_model("bert", "classification"), "int8")
    found = gb.verdict(small, TEXTS[0])
    assert {one.method for one in found.words.scores} <= WITHOUT_GRADIENTS
    assert len(found.words.scores) == 3
    assert "Occlusion" in gb.report(small, TEXTS[0]).html
    analysis = gb.analyse(small, table_of(), tmp_path / "analysis")
    assert "by occlusion" in repr(analysis.words())
