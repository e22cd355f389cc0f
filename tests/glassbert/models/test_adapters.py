"""An adapter beside or inside the weights is never ignored: what it changes would be missing from every number."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import glassbert as gb

QUERY = "bert.encoder.layer.0.attention.self.query"


@pytest.fixture
def folder(tiny_checkpoint, tmp_path):
    return shutil.copytree(tiny_checkpoint("bert", "classification"), tmp_path / "model")


def test_an_adapter_beside_the_weights_is_refused_with_the_commands(folder):
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 2}))
    save_file({f"base_model.model.{QUERY}.lora_A.weight": torch.ones(2, 32)}, folder / "adapter_model.safetensors")
    with pytest.raises(gb.UnsupportedModelError, match="adapter") as refusal:
        gb.load(str(folder), device="cpu")
    told = str(refusal.value)
    assert "BertForSequenceClassification as Base" in told
    assert "merge_and_unload().save_pretrained('merged')" in told
    code = told.partition('python -c "')[2].partition('"')[0]
    compile(code, "command", "exec")  # what is told can at least be parsed


@pytest.mark.parametrize("name", [f"{QUERY}.lora_A.default.weight", f"{QUERY}.base_layer.weight"])
def test_an_adapter_inside_the_weights_is_refused(folder, name):
    tensors = load_file(folder / "model.safetensors")
    save_file(tensors | {name: torch.ones(2, 32)}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(gb.UnsupportedModelError, match="merge_and_unload"):
        gb.load(str(folder), device="cpu")
