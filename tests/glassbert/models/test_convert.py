"""`glassbert convert`: pickle weights become safetensors with the same numbers and the same head; code never runs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file

from glassbert.__main__ import main
from glassbert.errors import UnsafeWeightsError
from glassbert.models.checkpoint import vet
from tests.glassbert.models.broken import edit_json

Pickled = Callable[..., Path]


@pytest.fixture
def pickled(tiny_checkpoint: Callable[..., Path], tmp_path: Path) -> Pickled:
    """A copy whose weights are pytorch_model.bin, as older versions of transformers saved them."""

    def get(family: str, task: str) -> Path:
        folder = Path(shutil.copytree(tiny_checkpoint(family, task), tmp_path / "mine"))
        tensors = load_file(folder / "model.safetensors")
        (folder / "model.safetensors").unlink()
        torch.save(tensors, folder / "pytorch_model.bin")
        return folder

    return get


@pytest.mark.parametrize(
    ("family", "task"),
    [
        ("bert", "classification"),
        ("roberta", "masked_words"),
        ("distilbert", "token_classification"),
        ("bert", "encoder"),
    ],
)
def test_the_command_of_the_refusal(
    family: str, task: str, pickled: Pickled, tiny_checkpoint: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = pickled(family, task)
    with pytest.raises(UnsafeWeightsError) as caught:
        vet(folder, source=str(folder))
    command = str(caught.value).rpartition(": ")[2].split()
    assert command[0] == "glassbert"
    assert main(command[1:]) == 0
    assert "mine-safetensors" in capsys.readouterr().out
    target = folder.with_name("mine-safetensors")
    original = vet(tiny_checkpoint(family, task), source="original")
    assert vet(target, source="converted").variant == original.variant
    before = load_file(original.folder / "model.safetensors")
    after = load_file(target / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_head_survives_a_config_without_a_class(pickled: Pickled) -> None:
    folder = pickled("bert", "classification")
    edit_json(folder / "config.json", lambda config: config.pop("architectures"))
    assert main(["convert", str(folder), str(folder.with_name("out"))]) == 0
    config = json.loads((folder.with_name("out") / "config.json").read_text())
    assert config["architectures"] == ["BertForSequenceClassification"]
    assert "architectures" not in json.loads((folder / "config.json").read_text())


def test_checkpoints_of_training_programs_and_tied_tables(pickled: Pickled) -> None:
    folder = pickled("bert", "masked_words")
    tensors = torch.load(folder / "pytorch_model.bin", weights_only=True)
    table = tensors["bert.embeddings.word_embeddings.weight"]
    state = {f"module.{name}": tensor for name, tensor in tensors.items()}
    state["module.cls.predictions.decoder.weight"] = table  # the same memory, as a tied network saves it
    (folder / "pytorch_model.bin").unlink()
    torch.save({"epoch": 3, "lr": torch.tensor(0.1), "state_dict": state}, folder / "last.ckpt")
    target = folder.with_name("out")
    assert main(["convert", str(folder), str(target)]) == 0
    assert vet(target, source="out").task_heads == ("masked_words",)
    network = transformers.BertForMaskedLM.from_pretrained(target, key_mapping={"^module.": ""})
    assert torch.equal(network.get_output_embeddings().weight, table)


def test_shards(pickled: Pickled) -> None:
    folder = pickled("roberta", "classification")
    tensors = torch.load(folder / "pytorch_model.bin", weights_only=True)
    names = sorted(tensors)
    parts = {"pytorch_model-00001-of-00002.bin": names[:9], "pytorch_model-00002-of-00002.bin": names[9:]}
    for file, own in parts.items():
        torch.save({name: tensors[name] for name in own}, folder / file)
    (folder / "pytorch_model.bin").unlink()
    index = {"weight_map": {name: file for file, own in parts.items() for name in own}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    assert main(["convert", str(folder), str(folder.with_name("out"))]) == 0
    assert load_file(folder.with_name("out") / "model.safetensors").keys() == tensors.keys()


class _Runs:
    """Unpickled without restriction, it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.mark),)


def test_code_in_a_pickle_is_not_run(pickled: Pickled, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = pickled("bert", "encoder")
    tensors = torch.load(folder / "pytorch_model.bin", weights_only=True)
    torch.save(tensors | {"extra": _Runs(tmp_path / "ran")}, folder / "pytorch_model.bin")
    assert main(["convert", str(folder)]) == 1
    message = capsys.readouterr().err
    assert "mkdir" in message
    assert message.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"mine"}  # neither the mark nor a half-made result


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "pytorch_model.bin").write_bytes(b"junk"), "cannot be read"),
        (lambda folder: (folder / "pytorch_model.bin").unlink(), "no pickle weights"),
        (lambda folder: (folder / "config.json").unlink(), "config.json"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "tokenizer"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b""), "already"),
        (lambda folder: folder.with_name("mine-safetensors").mkdir(), "exists already"),
        (shutil.rmtree, "no folder"),
    ],
)
def test_what_cannot_be_converted(
    change: Callable[[Path], object], words: str, pickled: Pickled, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = pickled("bert", "encoder")
    change(folder)
    assert main(["convert", str(folder)]) == 1
    message = capsys.readouterr().err
    assert message.startswith("glassbert: ")
    assert words in message
