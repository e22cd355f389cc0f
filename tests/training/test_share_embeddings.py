"""A shared shard is one file that the checkpoints name, and nothing is shared that is not the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from training.errors import RecipeError
from training.share_embeddings import EMBEDDINGS, main, share_embeddings

TABLE = torch.arange(12.0).reshape(6, 2) / 7


def checkpoint(folder: Path, table: torch.Tensor = TABLE, **others: torch.Tensor) -> Path:
    folder.mkdir()
    save_file({EMBEDDINGS: table.clone(), **others}, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps({"name": folder.name}))
    return folder


def test_two_checkpoints_share_one_file(tmp_path: Path) -> None:
    one = checkpoint(tmp_path / "one", **{"cls.predictions.decoder.weight": TABLE.clone(), "a": torch.ones(3)})
    two = checkpoint(tmp_path / "two", b=torch.full((2,), 0.1), steps=torch.tensor([3]))
    main([str(tmp_path / "out"), f"first={one}", f"second={two}"])
    out = tmp_path / "out"
    shared = load_file(out / "word-embeddings.safetensors")
    assert list(shared) == [EMBEDDINGS]
    assert torch.equal(shared[EMBEDDINGS], TABLE.half())
    # the tied decoder is the same matrix: it is not stored again
    assert load_file(out / "first" / "encoder.safetensors").keys() == {"a"}
    second = load_file(out / "second" / "encoder.safetensors")
    assert torch.equal(second["b"], torch.full((2,), 0.1).half())
    assert second["steps"].dtype == torch.int64
    index = json.loads((out / "second" / "model.safetensors.index.json").read_text())
    assert index["weight_map"] == {
        EMBEDDINGS: "../word-embeddings.safetensors",
        "b": "encoder.safetensors",
        "steps": "encoder.safetensors",
    }
    assert index["metadata"]["total_size"] == 12 * 2 + 2 * 2 + 8
    assert json.loads((out / "first" / "config.json").read_text()) == {"name": "one"}


def test_what_some_have_in_common_besides_is_one_more_file(tmp_path: Path) -> None:
    low, high = torch.tensor([1.0, 2.0]), torch.tensor([3.0])
    folders = {
        name: checkpoint(tmp_path / name, low=low.clone(), high=high * number, **{name: torch.ones(1)})
        for number, name in enumerate(("one", "two", "three"), 1)
    }
    out = tmp_path / "out"
    main([str(out), *(f"{name}={folder}" for name, folder in folders.items()), "--also", "one", "three"])
    assert load_file(out / "lower-layers.safetensors").keys() == {"low"}
    assert load_file(out / "two" / "encoder.safetensors").keys() == {"low", "high", "two"}
    for number, name in ((1, "one"), (3, "three")):
        own = load_file(out / name / "encoder.safetensors")
        assert own.keys() == {"high", name}
        assert own["high"] == 3 * number
        index = json.loads((out / name / "model.safetensors.index.json").read_text())
        assert index["weight_map"]["low"] == "../lower-layers.safetensors"
        assert index["metadata"]["total_size"] == (12 + 2 + 1 + 1) * 2
    with pytest.raises(SystemExit):
        main([str(out), f"one={folders['one']}", "--also", "four"])


def test_embeddings_that_differ_only_beyond_half_precision_are_the_same(tmp_path: Path) -> None:
    one, two = checkpoint(tmp_path / "one"), checkpoint(tmp_path / "two", TABLE * (1 + 1e-6))
    assert torch.equal(TABLE.half(), (TABLE * (1 + 1e-6)).half())
    share_embeddings(tmp_path / "out", {"one": one, "two": two})
    assert torch.equal(load_file(tmp_path / "out" / "word-embeddings.safetensors")[EMBEDDINGS], TABLE.half())


def test_other_embeddings_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    one, two = checkpoint(tmp_path / "one"), checkpoint(tmp_path / "two", TABLE + 0.1)
    with pytest.raises(RecipeError, match="two has different word embeddings from one"):
        share_embeddings(tmp_path / "out", {"one": one, "two": two})
    assert not (tmp_path / "out").exists()


def test_folders_that_cannot_serve_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"model\.safetensors is missing"):
        share_embeddings(tmp_path / "out", {"one": tmp_path / "nowhere"})
    (tmp_path / "other").mkdir()
    save_file({"weight": TABLE}, tmp_path / "other" / "model.safetensors")
    with pytest.raises(RecipeError, match="only BERT checkpoints"):
        share_embeddings(tmp_path / "out", {"other": tmp_path / "other"})
    one = checkpoint(tmp_path / "one")
    with pytest.raises(RecipeError, match="already contains a checkpoint"):
        share_embeddings(tmp_path, {"one": one})
    assert load_file(one / "model.safetensors").keys() == {EMBEDDINGS}


def test_the_command_line_wants_names_and_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path / "out"), "pretrained"])
    assert "NAME=FOLDER" in capsys.readouterr().err
