"""The command `analyse`: what it tells, and how it stops and goes on."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import glassbert as gb
from glassbert.analysis.job import running
from glassbert.commands import run
from glassbert.commands._console import Console

TEXTS = ("good film", "long mess", "The man went home.")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    rows = "".join(f"{TEXTS[number % 3]} {number},{('negative', 'POSITIVE')[number % 2]}\n" for number in range(24))
    path.write_text(f"text,label\n{rows}only one cell\nbad label,odd\n", encoding="utf-8")
    return path


@pytest.fixture
def model(tiny_checkpoint: Callable[..., Path]) -> str:
    return str(tiny_checkpoint("bert", "classification"))


def called(*arguments: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = run(["analyse", *map(str, arguments)], Console(out, err, None))
    return status, out.getvalue(), err.getvalue()


def test_it_tells_counts_and_metrics(model: str, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    status, told, _ = called(data, "--model", model, "--out", out, "--receipts", "0")
    assert status == 0
    assert f"{out}: 26 rows of data.csv, 2 with an error" in told
    measured = gb.open_analysis(out).metrics()
    accuracy = next(line.split() for line in told.splitlines() if line.startswith("accuracy"))
    row = measured.frame().set_index("metric").loc["accuracy"]
    assert accuracy[1:] == [f"{row.value:.4f}", f"{row.low:.4f}", "to", f"{row.high:.4f}"]
    again, as_json, _ = called(data, "--model", model, "--out", out, "--receipts", "0", "--json")
    assert again == 0
    record = json.loads(as_json)
    assert (record["folder"], record["rows"], record["errors"]) == (str(out), 26, 2)
    assert record["metrics"]["metrics"]["accuracy"] == pytest.approx(row.value)
    status, _, noted = called(data, "--model", model, "--out", out, "--receipts", "0", "--methods", "saliency")
    assert status == 2
    assert "what differs is methods" in noted
    assert called(data, "--model", model, "--out", out, "--receipts", "0", "--methods", "saliency", "--again")[0] == 0


def test_a_request_to_end_keeps_what_is_done(
    model: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "PART_ROWS", 8)
    own, out = running.columns_of_part, tmp_path / "out"

    def ended(*arguments: object, **options: object) -> object:
        if (out / "predictions-00000.parquet").exists():
            os.kill(os.getpid(), signal.SIGTERM)
        return own(*arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(running, "columns_of_part", ended)
        status, told, noted = called(data, "--model", model, "--out", out, "--receipts", "0")
    assert (status, told) == (130, "")
    assert "the same call goes on with it" in noted
    assert not gb.open_analysis(out).complete
    assert called(data, "--model", model, "--out", out, "--receipts", "0")[0] == 0
    assert gb.open_analysis(out).count() == 26


def test_wrong_names_are_said(model: str, data: Path, tmp_path: Path) -> None:
    for arguments, words, expected in (
        ((tmp_path / "absent.csv",), "there is no file", 1),
        ((data, "--split", "test"), "--split is for the sets on board", 2),
        ((data, "--methods", "nonsense"), "method must be one of", 2),
        ((data, "--receipts", "2"), "receipts must be a share", 2),
        ((data, "--label", "nonsense"), "there is no column 'nonsense'", 1),
    ):
        status, told, noted = called(*arguments, "--model", model, "--out", tmp_path / "other")
        assert words in noted
        assert (status, told) == (expected, "")
