"""A network in memory gives what the same files give, and stays as it is."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import glassbert as gb

TEXT = "The film was good."


@pytest.fixture
def trained(tiny_checkpoint):
    """(network, tokenizer), the network in training mode and not as it is on disk."""
    folder = tiny_checkpoint("bert", "classification")
    network = AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        network.classifier.bias += torch.tensor([0.0, 1.0, 2.0])
    return network.train(), AutoTokenizer.from_pretrained(folder)


def test_it_predicts_what_the_network_predicts(trained):
    network, tokenizer = trained
    found = gb.classify(gb.wrap(network, tokenizer), TEXT)
    assert network.training
    with torch.no_grad():
        logits = network.eval()(**tokenizer(TEXT, return_tensors="pt")).logits[0]
    np.testing.assert_allclose(found.logits, logits, atol=1e-5)


def test_it_is_a_copy_in_both_directions(trained):
    network, tokenizer = trained
    model = gb.wrap(network, tokenizer)
    before = gb.classify(model, TEXT).logits
    attention = network.config._attn_implementation
    with torch.no_grad():
        network.classifier.bias += 5
    np.testing.assert_array_equal(gb.classify(model, TEXT).logits, before)
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert network.config._attn_implementation == attention


def test_every_kind_of_result_works_on_it(trained):
    model = gb.wrap(*trained, labels=["bad", "so-so", "good"])
    assert model.labels == ("bad", "so-so", "good")
    scores = gb.attribute(model, TEXT, target="good")
    assert scores.target_label == "good"
    assert gb.attention(model, TEXT).weights.shape[0] == model.layers
    assert model.source.endswith("BertForSequenceClassification")


def test_the_files_go_with_it(trained):
    model = gb.wrap(*trained)
    folder = Path(model.source)
    assert folder.is_dir()
    del model
    gc.collect()
    assert not folder.parent.exists()


@pytest.mark.parametrize("labels", [["a"], ["a", "a", "b"], ["a", "", "b"], []])
def test_labels_that_do_not_fit_are_refused(trained, labels):
    with pytest.raises(gb.OptionError, match="labels"):
        gb.wrap(*trained, labels=labels)


def test_what_transformers_did_not_make_is_refused(trained):
    network, tokenizer = trained
    with pytest.raises(gb.ModelError, match="the transformers encoder inside it"):
        gb.wrap(torch.nn.Linear(2, 2), tokenizer)
    with pytest.raises(gb.ModelError, match="tokenizer is a str"):
        gb.wrap(network, "bert-base-uncased")


def test_the_encoder_inside_a_network_of_ones_own_can_be_looked_at(trained):
    network, tokenizer = trained
    model = gb.wrap(network.bert, tokenizer)
    assert model.task_heads == ()
    expected = network.eval().bert(**tokenizer(TEXT, return_tensors="pt")).last_hidden_state[0]
    np.testing.assert_allclose(gb.hidden_states(model, TEXT).states[-1], expected.detach(), atol=1e-5)
