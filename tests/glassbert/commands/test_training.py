"""The command `finetune`: options from the line and from a file, what it tells, and how it stops and goes on."""

from __future__ import annotations

import io
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

import glassbert as gb
from glassbert.commands import run
from glassbert.commands._console import Console
from tests import tiny


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build("bert", "masked_words", tmp_path_factory.mktemp("base") / "bert")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "train.csv"
    rows = "".join(f"good film {number},yes\nlong mess {number},no\n" for number in range(12))
    path.write_text(f"text,label\n{rows}only one cell\n", encoding="utf-8")
    return path


def called(*arguments: str | Path) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = run(["finetune", *map(str, arguments)], Console(out, err, None))
    return status, out.getvalue(), err.getvalue()


FAST = ("--device", "cpu", "--precision", "float32", "--threads", "1", "--no-record", "--no-label-errors")


def test_it_trains_and_tells_settings_bad_rows_and_metrics(base: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    status, told, noted = called(
        "--data", data, "--dev", data, "--base", base, "--out", out, "--epochs", "2", "--tokens-per-batch", "64", *FAST
    )
    assert status == 0
    assert "train.csv: 24 rows of kind classification, 1 unusable" in noted
    assert "row 26" in noted
    assert "epochs = 2\n" in noted
    assert "tokens_per_batch = 64\n" in noted
    assert "learning_rate = 0.0001  # A small model" in noted
    result = gb.load_result(out / "finetuning.zip")
    assert f"{result.dev.metrics['accuracy']:.4f}" in next(line for line in told.splitlines() if "accuracy" in line)
    assert [line for line in noted.splitlines() if line.startswith("epoch 2: training loss")]
    again, as_json, _ = called(
        "--data", data, "--dev", data, "--base", base, "--out", out, "--epochs", "2", "--tokens-per-batch", "64",
        *FAST, "--json",
    )  # fmt: skip
    assert again == 0
    assert gb.FineTuning.from_dict(json.loads(as_json)).to_dict() == result.to_dict()


def test_a_file_of_options_gives_way_to_the_line_and_names_files_beside_it(
    base: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "training.toml"
    settings.write_text(
        f'data = "{data.name}"\nbase = "{base}"\nepochs = 3\ntokens-per-batch = 64\nrecord = false\n'
        'label-errors = false\nprecision = "float32"\ndevice = "cpu"\nseed = 5\n'
    )
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    status, _, noted = called("--settings", settings, "--out", "model", "--epochs", "1")
    assert status == 0
    assert "epochs = 1\n" in noted
    assert "seed = 5\n" in noted
    assert (tmp_path / "elsewhere" / "model" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("epochs = ", "is not TOML"),
        ("epoch = 3", "'epoch', which is no option"),
        ("epochs = 'three'", "epochs must be an integer"),
        ("seed = -1", "seed must be from 0"),
    ],
)
def test_a_wrong_file_of_options_is_wrong_usage(
    content: str, sentence: str, base: Path, data: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "training.toml"
    settings.write_text(content)
    status, _, noted = called(
        "--settings", settings, "--data", data, "--base", base, "--out", tmp_path / "model", *FAST
    )
    assert status == 2
    assert sentence in noted


def test_without_data_or_a_place_it_says_what_is_missing(data: Path) -> None:
    assert called("--out", "x")[::2] == (2, "glassbert: say what to train on: --data …\n")
    assert called("--data", data)[::2] == (2, "glassbert: say where to write the model: --out …\n")
    status, _, noted = called("--data", "no-such-set", "--out", "x")
    assert status != 0
    assert "no-such-set" in noted


def test_a_signal_stops_it_with_a_checkpoint_and_the_same_call_goes_on(
    base: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import glassbert.tuning.running as running

    tell, steps = running._Run._step, []

    def interrupted(self: Any, step: Any) -> None:
        tell(self, step)
        steps.append(step.number)
        if len(steps) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(running._Run, "_step", interrupted)
    out = tmp_path / "model"
    call = ("--data", data, "--base", base, "--out", out, "--epochs", "2", "--tokens-per-batch", "64", *FAST)
    handler = signal.getsignal(signal.SIGTERM)
    status, _, noted = called(*call)
    assert status == 130
    assert "the same call goes on with it" in noted
    assert signal.getsignal(signal.SIGTERM) is handler
    assert not out.exists()
    status, _, noted = called(*call)
    assert status == 0
    assert "going on after 3" in noted
    assert steps == list(range(1, len(steps) + 1))


def test_a_teacher_is_passed_on(base: Path, data: Path, tmp_path: Path) -> None:
    fast = ("--data", data, "--epochs", "1", *FAST)
    assert called("--base", base, *fast, "--out", tmp_path / "teacher")[0] == 0
    taught = ("--teacher", tmp_path / "teacher", "--temperature", "3", "--teacher-share", "0.25")
    status, told, _ = called("--base", base, *fast, "--out", tmp_path / "student", *taught, "--json")
    assert status == 0
    result = json.loads(told)["data"]
    assert (result["temperature"], result["teacher_share"]) == (3.0, 0.25)
    status, _, noted = called("--base", base, *fast, "--out", tmp_path / "other", "--temperature", "3")
    assert status == 2
    assert "--teacher" in noted
