"""The mean of checkpoints is the mean of each weight; what they share stays as it is."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertForSequenceClassification

from training.average_checkpoints import average_checkpoints
from training.checkpoints import save_checkpoint, vocabulary_of


def test_weights_are_averaged_by_how_often_a_folder_is_named(tmp_path: Path, vocabulary: Path) -> None:
    config = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    folders = [tmp_path / "one", tmp_path / "other"]
    words = None
    for folder in folders:
        model = BertForSequenceClassification(config)
        table = model.bert.embeddings.word_embeddings.weight
        words = table.detach().clone() if words is None else words
        table.data.copy_(words)
        save_checkpoint(model, vocabulary_of(vocabulary), folder)
    average_checkpoints([folders[0], folders[1], folders[1]], tmp_path / "mean")
    one, other, mean = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "other", "mean"))
    for name, tensor in mean.items():
        expected = (one[name].double() + 2 * other[name].double()) / 3
        torch.testing.assert_close(tensor.double(), expected, rtol=2**-11, atol=2**-24, msg=name)
    embeddings = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(mean[embeddings], one[embeddings])
    assert not torch.equal(mean["classifier.weight"], one["classifier.weight"])
