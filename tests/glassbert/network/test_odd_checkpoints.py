"""Checkpoints that load and whose config or tokenizer leaves something out or asks stock for something else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

import glassbert as gb
from glassbert.models import memory
from glassbert.network import batches
from tests import tiny

TEXT = "The man went to the store."


@pytest.fixture
def copied(tiny_checkpoint, tmp_path):
    """``copied("bert", "classification", return_dict=False)`` → a folder with these entries in its config."""

    def get(family: str, task: str, **entries):
        folder = Path(shutil.copytree(tiny_checkpoint(family, task), tmp_path / f"{family}-{task}"))
        config = json.loads((folder / "config.json").read_text()) | entries
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    return get


@pytest.mark.parametrize(
    "entry",
    [
        {"return_dict": False},
        {"output_attentions": True},
        {"output_hidden_states": True},
        {"use_cache": True},
        {"torchscript": True},
        {"chunk_size_feed_forward": 2},
    ],
    ids=lambda entry: next(iter(entry)),
)
def test_what_stock_returns_is_set_aside(copied, tiny_model, entry):
    odd, plain = gb.load(copied("bert", "classification", **entry), device="cpu"), tiny_model("bert", "classification")
    np.testing.assert_allclose(gb.classify(odd, TEXT).logits, gb.classify(plain, TEXT).logits, atol=1e-6)
    np.testing.assert_allclose(gb.attention(odd, TEXT).weights, gb.attention(plain, TEXT).weights, atol=1e-6)
    for method in ("integrated_gradients", "attn_lrp"):
        scores = [gb.attribute(model, TEXT, method=method, target=1).scores for model in (odd, plain)]
        np.testing.assert_allclose(*scores, atol=1e-5)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_a_tokenizer_that_names_no_special_tokens(copied, tiny_model, family):
    """A tokenizer.json alone, as PreTrainedTokenizerFast reads it: its own [PAD], [MASK] … are found in it."""
    folder = copied(family, "masked_words")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    assert transformers.AutoTokenizer.from_pretrained(folder).pad_token_id is None
    odd, plain = gb.load(str(folder), device="cpu"), tiny_model(family, "masked_words")
    for role in ("pad_token_id", "mask_token_id", "unk_token_id", "cls_token_id", "sep_token_id"):
        assert getattr(odd.tokenizer, role) == getattr(plain.tokenizer, role)
    assert len(odd.tokenizer) == len(plain.tokenizer)
    text = "The doctor said that [MASK] was tired."
    found, expected = gb.fill_mask(odd, text), gb.fill_mask(plain, text)
    assert found.encoded.tokens == expected.encoded.tokens
    np.testing.assert_allclose(found.logits, expected.logits, atol=1e-6)
    assert found.candidates == expected.candidates
    several = gb.surprise(odd, "He left. She stayed at home."), gb.surprise(plain, "He left. She stayed at home.")
    np.testing.assert_allclose(several[0].surprisal, several[1].surprisal, atol=1e-5)


def test_a_vocabulary_without_a_usual_padding_token_uses_the_configs(copied):
    folder = copied("bert", "classification", pad_token_id=0)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_text((folder / name).read_text().replace("[PAD]", "[FILL]"))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    del settings["pad_token"]
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    model = gb.load(str(folder), device="cpu")
    assert model.tokenizer.pad_token_id == 0
    one, two = gb.classify(model, TEXT), gb.classify(model, [TEXT, f"{TEXT} He bought a gallon of milk."])[0]
    np.testing.assert_allclose(one.logits, two.logits, atol=1e-5)


def test_a_masked_word_model_without_a_mask_token_is_refused_at_load(copied):
    folder = copied("bert", "masked_words")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_text((folder / name).read_text().replace("[MASK]", "[GAP]"))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    del settings["mask_token"]
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(gb.UnsupportedModelError, match="mask_token"):
        gb.load(str(folder), device="cpu")


def test_a_path_is_a_source(tiny_checkpoint):
    folder = tiny_checkpoint("bert", "classification")
    assert gb.load(Path(folder), device="cpu").source == str(folder)
    with pytest.raises(gb.GlassBERTError):
        gb.load(b"pretrained")
    for text in (None, b"bytes", ["a", None], "bad \ud800 text"):
        with pytest.raises(gb.GlassBERTError):
            gb.classify(gb.load("sentiment", device="cpu"), text)


def test_a_long_text_is_refused_before_memory_is_taken(tiny_model, monkeypatch):
    """By the formula 4 · layers · heads · n² bytes of attention, against what is said to be free."""
    model, text = tiny_model("bert", "classification", layers=6, heads=16), "the " * 500
    tokens = len(gb.encode(model, text))
    maps = 4 * model.layers * model.attention_heads * tokens**2
    monkeypatch.setattr("glassbert.network.batches._ASKED_FROM_BYTES", 2**20)
    monkeypatch.setattr(memory, "available_bytes", lambda: maps)
    calls = []
    monkeypatch.setattr(model.network.base_model.encoder, "forward", lambda *_, **__: calls.append(1))
    with pytest.raises(gb.NotEnoughMemoryError, match=f"{tokens} tokens"):
        gb.attention(model, text)
    with pytest.raises(gb.NotEnoughMemoryError, match="shorten"):
        gb.attribute(model, text, method="saliency", target=0)
    assert not calls
    monkeypatch.undo()
    assert gb.attention(model, text).weights.nbytes == maps
    assert torch.is_grad_enabled()


@pytest.fixture
def short_of_memory(monkeypatch):
    """``short_of_memory(bytes)``: so much is free from now on, and every need is asked for."""

    def set_free(free_bytes):
        monkeypatch.setattr("glassbert.network.batches._ASKED_FROM_BYTES", 1)
        monkeypatch.setattr(memory, "available_bytes", lambda: free_bytes)

    return set_free


def test_fewer_rows_join_a_pass_where_memory_is_short(tiny_model, short_of_memory, monkeypatch):
    """The same numbers, in as many passes as there are heads or patches."""
    model, text = tiny_model("bert", "classification"), "the man went to the store and he bought bread " * 9
    tokens = len(gb.encode(model, text))
    each = 4 * tokens * batches.floats_a_token(model, tokens)
    other = text.replace("bread", "milk", 1)
    sweep, trace = gb.ablation_sweep(model, text, target=0), gb.trace(model, text, other, target=0)
    zeroed = gb.value_zeroing(model, text).values
    short_of_memory(int(2.5 * each))
    largest = []
    ask = batches.require_memory
    monkeypatch.setattr(batches, "require_memory", lambda needed, what: largest.append(needed) or ask(needed, what))
    np.testing.assert_allclose(gb.ablation_sweep(model, text, target=0).values, sweep.values, atol=1e-5)
    np.testing.assert_allclose(gb.trace(model, text, other, target=0).values, trace.values, atol=1e-4)
    np.testing.assert_allclose(gb.value_zeroing(model, text).values, zeroed, atol=1e-5)
    assert max(largest) <= 2.5 * each
    short_of_memory(int(1.5 * each))
    for refused in (gb.ablation_sweep, lambda *_, **__: gb.trace(model, text, other, target=0)):
        with pytest.raises(gb.NotEnoughMemoryError, match=f"2 × {tokens} tokens"):
            refused(model, text, target=0)


def test_what_runs_layer_by_layer_asks_for_the_memory_of_one(tiny_model, short_of_memory):
    model, text = tiny_model("bert", "classification", layers=6, heads=16), "the man went to the store " * 30
    tokens = len(gb.encode(model, text))
    all_layers = 4 * batches.floats_for_gradients(model, tokens)
    expected = gb.head_importance(model, text, target=0).importance
    short_of_memory(all_layers // 2)
    np.testing.assert_allclose(gb.head_importance(model, text, target=0).importance, expected, atol=1e-5)
    with pytest.raises(gb.NotEnoughMemoryError):
        gb.attribute(model, text, method="saliency", target=0)
    short_of_memory(all_layers // 12)
    with pytest.raises(gb.NotEnoughMemoryError, match=f"{tokens} tokens"):
        gb.head_importance(model, text, target=0)


def test_the_fused_kernel_needs_no_memory_for_maps(tiny_model, short_of_memory):
    """Copies of a long text share passes; each is asked for without the maps that it never writes."""
    model, text = tiny_model("bert", "masked_words", heads=16), "the man went to the store " * 30
    tokens = len(gb.encode(model, text))
    maps = 4 * 3 * model.attention_heads * tokens**2
    free_bytes = 64 * 2**20
    assert free_bytes < tokens * maps / 4
    expected = gb.surprise(model, text).surprisal
    short_of_memory(free_bytes)
    np.testing.assert_allclose(gb.surprise(model, text).surprisal, expected, atol=1e-4)


def test_a_decomposition_is_refused_before_its_parts_are_made(tiny_model, short_of_memory):
    model, text = tiny_model("bert", "classification"), "the man went to the store " * 30
    tokens = len(gb.encode(model, text))
    short_of_memory(4 * tokens**2 * model.hidden_size)
    with pytest.raises(gb.NotEnoughMemoryError, match=f"the parts of {tokens} tokens"):
        gb.attribute(model, text, method="decompx", target=0)


def test_a_reduction_that_is_stopped_within_a_round_keeps_its_steps(tiny_model):
    model, text = tiny_model("bert", "classification"), "the man went to the store and he bought bread " * 9
    calls = iter(range(10**6))
    whole = gb.reduce_input(model, text)
    found = gb.reduce_input(model, text, cancelled=lambda: next(calls) >= 3)
    assert not found.complete
    words = len(gb.encode(model, text)) - 2
    assert words < found.forward_passes < 1 + words + (words - 1), "in the second round"
    np.testing.assert_allclose(found.probabilities, whole.probabilities[: len(found.probabilities)], atol=1e-6)


def test_hidden_states_are_refused_before_memory_is_taken(tiny_model, monkeypatch):
    model, text = tiny_model("bert", "classification", layers=6, heads=16), "the " * 500
    tokens = len(gb.encode(model, text))
    found = gb.hidden_states(model, text).states.nbytes
    assert found == 4 * (model.layers + 1) * tokens * model.hidden_size
    monkeypatch.setattr("glassbert.network.batches._ASKED_FROM_BYTES", 1)
    monkeypatch.setattr(memory, "available_bytes", lambda: found)
    calls = []
    monkeypatch.setattr(model.network.base_model.encoder, "forward", lambda *_, **__: calls.append(1))
    with pytest.raises(gb.NotEnoughMemoryError, match=f"the hidden states of all layers on {tokens} tokens"):
        gb.hidden_states(model, text)
    assert not calls
