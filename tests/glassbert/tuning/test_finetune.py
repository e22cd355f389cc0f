"""Fine-tuning: what is trained, what is written, and that it goes on after a kill as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import glassbert as gb
from glassbert.tuning.running import _Run
from glassbert.tuning.trainer import Steps
from tests import tiny

ROOT = Path(__file__).resolve().parents[3]
#: Two classes that a word tells apart, so that a few steps learn something.
GOOD, BAD = ("great", "good"), ("mess", "long")
FAST = {
    "epochs": 8,
    "tokens_per_batch": 64,
    "learning_rate": 3e-3,
    "patience": 0,
    "threads": 1,
    "precision": "float32",
    "device": "cpu",
}


def rows(count: int, seed: int = 0) -> list[dict[str, str]]:
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        label = draw.choice(("good", "bad"))
        word = draw.choice(GOOD if label == "good" else BAD)
        found.append({"text": f"{word} {draw.choice(('river', 'movie', 'film'))}", "label": label})
    return found


def table(count: int, seed: int = 0, **options: Any) -> Any:
    import pandas as pd

    return gb.read_table(pd.DataFrame(rows(count, seed)), **options)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build("bert", "masked_words", tmp_path_factory.mktemp("base") / "bert")


@pytest.fixture(scope="module")
def train() -> Any:
    return table(64)


@pytest.fixture(scope="module")
def dev(train: Any) -> Any:
    return table(24, seed=1, label_names=train.label_names)


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    return []


@pytest.fixture(scope="module")
def run(base: Path, train: Any, dev: Any, lines: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An undisturbed training."""
    out = tmp_path_factory.mktemp("out") / "model"
    return gb.finetune(base, train, dev, out, test=dev, progress=lines.append, **FAST)


def weights(folder: str | Path) -> dict[str, torch.Tensor]:
    return dict(load_file(Path(folder) / "model.safetensors"))


def assert_same_model(one: str | Path, other: str | Path) -> None:
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


def test_it_learns_and_writes_an_ordinary_folder_without_pickles(run: Any, train: Any) -> None:
    names = {path.name for path in Path(run.folder).iterdir()}
    assert {"config.json", "model.safetensors", "README.md", "finetuning.zip", "tokenizer.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pth", ".pkl"))]
    assert not Path(run.folder + ".training").exists()
    model = gb.load(run.folder, "cpu")
    assert model.labels == train.label_names == ("bad", "good")
    assert gb.classify(model, "The story is wonderful at home 3").labels == model.labels
    assert np.mean(run.losses[-4:]) < np.mean(run.losses[:4]) - 0.05
    assert run.dev.metrics["accuracy"] > 0.9
    stock = __import__("transformers").AutoModelForSequenceClassification.from_pretrained(run.folder)
    encoded = gb.encode(model, "The story is great in Paris")
    logits = stock(input_ids=torch.tensor(encoded.input_ids)[None]).logits[0]
    assert logits.tolist() == pytest.approx(gb.classify(model, "The story is great in Paris").logits.tolist(), abs=1e-5)


def test_the_saved_result_is_the_returned_one(run: Any) -> None:
    loaded = gb.load_result(Path(run.folder) / "finetuning.zip")
    assert loaded.to_dict() == run.to_dict()
    assert len(run.losses) == len(run.frame())
    assert len(run.epochs) == 8
    assert run.data["rows"] == 64


def test_progress_tells_each_step_and_epoch(run: Any, lines: list[dict[str, Any]]) -> None:
    steps = [one for one in lines if one["kind"] == "step"]
    assert [one["step"] for one in steps] == list(range(1, len(run.losses) + 1))
    assert [one["loss"] for one in steps] == list(run.losses)
    assert steps[-1]["epoch"] == 8
    assert steps[-1]["left"] == 0
    assert [one["epoch"] for one in lines if one["kind"] == "epoch"] == list(range(1, 9))
    assert lines[-1] == {"kind": "done"}
    start = next(one for one in lines if one["kind"] == "start")
    assert start["steps"] == len(run.losses)
    assert start["settings"]["epochs"] == 8


def test_the_learning_rate_rises_and_falls_in_a_straight_line(run: Any) -> None:
    steps, warm_up = len(run.losses), round(0.06 * len(run.losses))
    expected = [
        3e-3 * (step / warm_up if step < warm_up else (steps - step) / (steps - warm_up)) for step in range(steps)
    ]
    assert run.learning_rates.tolist() == pytest.approx(expected)


def test_the_same_call_again_gives_the_same_result_without_training(run: Any, base: Path, train: Any, dev: Any) -> None:
    told: list[Any] = []
    again = gb.finetune(base, train, dev, run.folder, test=dev, progress=told.append, **FAST)
    assert told == []
    assert again.to_dict() == run.to_dict()
    with pytest.raises(gb.OptionError, match="exists already"):
        gb.finetune(base, train, dev, run.folder, test=dev, **{**FAST, "seed": 2})


def test_a_killed_training_goes_on_and_ends_with_the_same_model(
    run: Any, base: Path, train: Any, dev: Any, tmp_path: Path
) -> None:
    """Killed by the system in the fifth epoch, then stopped by its owner, and called a third time."""
    data = tmp_path / "train.json"
    data.write_text(json.dumps({"train": rows(64), "dev": rows(24, 1)}), encoding="utf-8")
    out = tmp_path / "model"
    script = f"""
import json, pandas as pd, glassbert as gb
data = json.load(open({str(data)!r}))
train = gb.read_table(pd.DataFrame(data["train"]))
dev = gb.read_table(pd.DataFrame(data["dev"]), label_names=train.label_names)
gb.finetune({str(base)!r}, train, dev, {str(out)!r}, test=dev, **{FAST!r})
"""
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.PIPE)
    log, wanted = Path(f"{out}.training") / "progress.jsonl", len(run.losses) // 2 + 2
    deadline = time.monotonic() + 240
    while f'"step": {wanted},' not in (log.read_text() if log.exists() else ""):
        assert process.poll() is None, process.stderr.read().decode()  # type: ignore[union-attr]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not out.exists()
    told: list[dict[str, Any]] = []
    asked = iter([False, True])
    with pytest.raises(gb.StoppedError):
        gb.finetune(base, train, dev, out, test=dev, progress=told.append, cancelled=lambda: next(asked, True), **FAST)
    half = len(run.losses) // 2
    assert next(one for one in told if one["kind"] == "start")["resumed_at"] == half  # the epoch that was complete
    assert told[-1] == {"kind": "stopped"}
    final = gb.finetune(base, train, dev, out, test=dev, progress=told.append, **FAST)
    assert [one["resumed_at"] for one in told if one["kind"] == "start"] == [half, half + 2]
    assert_same_model(out, run.folder)
    assert final.losses.tolist() == run.losses.tolist()
    assert final.data_map.to_dict() == run.data_map.to_dict()
    assert [one.to_dict() for one in final.epochs] == [one.to_dict() for one in run.epochs]
    assert [one.scores.tolist() for one in final.pinned] == [one.scores.tolist() for one in run.pinned]


def test_an_unfinished_training_is_not_mixed_with_another(base: Path, train: Any, tmp_path: Path) -> None:
    out = tmp_path / "model"
    with pytest.raises(gb.StoppedError):
        gb.finetune(base, train, None, out, cancelled=lambda: True, **FAST)
    with pytest.raises(gb.OptionError, match="differs from this one in learning_rate"):
        gb.finetune(base, train, None, out, **{**FAST, "learning_rate": 1e-3})


def test_the_seed_decides(run: Any, base: Path, train: Any, tmp_path: Path) -> None:
    same = gb.finetune(base, train, None, tmp_path / "same", record=False, label_errors=False, **FAST)
    assert same.losses.tolist() == run.losses.tolist()  # nothing that is recorded changes the training
    other = gb.finetune(base, train, None, tmp_path / "other", record=False, label_errors=False, seed=2, **FAST)
    assert other.losses.tolist() != run.losses.tolist()
    assert same.data_map is None
    assert same.moved is None
    assert same.dev is None


def test_what_is_frozen_stays(base: Path, train: Any, tmp_path: Path) -> None:
    out = tmp_path / "model"
    gb.finetune(base, train, None, out, freeze_layers=1, record=False, label_errors=False, **{**FAST, "epochs": 1})
    before, after = weights(base), weights(out)
    for name, tensor in before.items():
        if "embeddings" in name or "layer.0." in name:
            assert torch.equal(tensor.float(), after[name]), name
    assert not torch.equal(
        before["bert.encoder.layer.1.output.dense.weight"], after["bert.encoder.layer.1.output.dense.weight"]
    )


def test_adapters_are_merged_into_an_ordinary_model(base: Path, train: Any, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    out = tmp_path / "model"
    gb.finetune(base, train, None, out, lora_rank=2, record=False, label_errors=False, **{**FAST, "epochs": 1})
    before, after = weights(base), weights(out)
    changed = {name for name in before if name in after and not torch.equal(before[name].float(), after[name])}
    assert changed == {
        f"bert.encoder.layer.{layer}.attention.self.{part}.weight" for layer in (0, 1) for part in ("query", "value")
    }
    moved = (
        after["bert.encoder.layer.0.attention.self.query.weight"]
        - before["bert.encoder.layer.0.attention.self.query.weight"]
    )
    assert torch.linalg.matrix_rank(moved, atol=1e-5) <= 2


def test_the_best_epoch_is_kept_and_the_training_ends_without_a_gain(
    base: Path, train: Any, dev: Any, tmp_path: Path
) -> None:
    """With a learning rate of nearly nothing no epoch gains, so the first is the best."""
    settings = {**FAST, "epochs": 6, "learning_rate": 1e-9, "patience": 2}
    result = gb.finetune(base, train, dev, tmp_path / "model", label_errors=False, **settings)
    assert result.best_epoch == 1
    assert len(result.epochs) == 3
    assert result.dev.metrics["accuracy"] == result.epochs[0].metrics["accuracy"]


def test_of_equally_good_epochs_the_one_with_the_lower_loss_is_kept() -> None:
    asked = SimpleNamespace(train=SimpleNamespace(kind="classification"), settings=SimpleNamespace(patience=2))
    steps = Steps(0, 6, record=False)
    results = [(0.5, 0.7), (0.5, 0.6), (0.5, 0.5999), (0.4, 0.1), (0.6, 0.9), (0.6, 0.95)]
    told = []
    for epoch, (score, loss) in enumerate(results, start=1):
        measured = SimpleNamespace(metrics={"macro_f1": score, "loss": loss})
        told.append((_Run._compare(asked, epoch, measured, steps), steps.best_epoch))  # type: ignore[arg-type]
    assert told == [(True, 1), (True, 2), (True, 2), (False, 2), (True, 5), (True, 5)]


def test_what_is_measured_at_the_end_tells_how_far_it_is_and_can_be_stopped(
    base: Path, train: Any, dev: Any, tmp_path: Path
) -> None:
    stages: list[tuple[str, int, int]] = []

    def tell(now: Mapping[str, Any]) -> None:
        if now["kind"] == "stage" and now.get("total"):
            stages.append((now["name"], now["done"], now["total"]))

    def stop() -> bool:
        return bool(stages) and stages[-1][0] == "learning" and stages[-1][1] == 3

    settings = {**FAST, "epochs": 1, "label_errors": False}
    with pytest.raises(gb.StoppedError):
        gb.finetune(base, train, dev, tmp_path / "model", progress=tell, cancelled=stop, **settings)
    texts = min(16, len(dev))
    assert stages == [("learning", done, texts) for done in range(4)]
    stages.clear()
    result = gb.finetune(base, train, dev, tmp_path / "model", progress=tell, **settings)
    assert result.moved.texts == texts
    receipts = [("receipts", done, len(result.pinned)) for done in range(len(result.pinned))]
    assert stages == [("learning", done, texts) for done in range(texts)] + receipts


def test_a_head_that_is_kept_goes_on_from_its_own_weights_and_order(train: Any, tmp_path: Path) -> None:
    folder = tiny.build("bert", "classification", tmp_path / "base")
    config = json.loads((folder / "config.json").read_text())
    config |= {"id2label": {"0": "good", "1": "other", "2": "bad"}, "label2id": {"good": 0, "other": 1, "bad": 2}}
    (folder / "config.json").write_text(json.dumps(config))
    three = gb.read_table(
        train.frame().assign(label=["other", *train.frame()["label"][1:]]), text="text", label="label"
    )
    settings = gb.training_settings(folder, three)
    assert settings.head == "kept"
    result = gb.finetune(
        folder, three, None, tmp_path / "out", record=False, label_errors=False,
        **{**FAST, "epochs": 1, "learning_rate": 1e-9},
    )  # fmt: skip
    assert result.label_names == ("good", "other", "bad")
    assert torch.allclose(
        weights(folder)["classifier.weight"].float(), weights(result.folder)["classifier.weight"], atol=1e-6
    )
    # the loss of the first step is that of the model as it was, with the labels in its own order
    new = gb.training_settings(folder, train)
    assert new.head == "new"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"epochs": 0}, "epochs must be from 1"),
        ({"learning_rat": 1}, "no setting 'learning_rat'"),
        ({"max_tokens": 100_000}, "reads at most 512 tokens"),
        ({"freeze_layers": 5}, "has 2 layers"),
        ({"head": "kept"}, "no head with the labels"),
    ],
)
def test_wrong_settings_are_said_before_anything_is_written(
    change: dict[str, Any], sentence: str, base: Path, train: Any, tmp_path: Path
) -> None:
    with pytest.raises(gb.OptionError, match=sentence):
        gb.finetune(base, train, None, tmp_path / "out", **change)
    assert list(tmp_path.iterdir()) == []


def test_one_class_cannot_be_learnt(base: Path, train: Any, tmp_path: Path) -> None:
    one = train.take([place for place, label in enumerate(train.labels) if label == 0])
    with pytest.raises(gb.OptionError, match="all texts have the label 'bad'"):
        gb.finetune(base, one, None, tmp_path / "out", **FAST)


def test_a_full_disk_is_a_plain_sentence(
    base: Path, train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(gb.OptionError, match=r"MB on the disk .* free some space"):
        gb.finetune(base, train, None, tmp_path / "out", **FAST)


def test_a_disk_that_fills_up_on_the_way_stops_the_training_and_keeps_the_last_checkpoint(
    base: Path, train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import glassbert.tuning.trainer as trainer

    save, calls = trainer.Steps.save, []

    def full(steps: Any, folder: Path) -> None:
        calls.append(folder)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        save(steps, folder)

    monkeypatch.setattr(trainer.Steps, "save", full)
    out = tmp_path / "model"
    options: dict[str, Any] = {"record": False, "label_errors": False, **FAST}
    with pytest.raises(gb.OptionError, match="No space left on device; free some space"):
        gb.finetune(base, train, None, out, **options)
    assert len(list(Path(f"{out}.training").glob("checkpoint-*"))) == 1
    told: list[dict[str, Any]] = []
    gb.finetune(base, train, None, out, progress=told.append, **options)
    start = next(one for one in told if one["kind"] == "start")
    assert start["resumed_at"] == start["steps"] // 8
