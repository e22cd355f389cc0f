"""The command `compress`: recipes on the command line, what it writes and tells, and its exit status."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import glassbert as gb
from glassbert.commands import run
from glassbert.commands._console import Console
from glassbert.compression import Compression, CompressionComparison, CompressionCurve
from tests import tiny

TEXTS = tiny.SENTENCES[:6]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build("bert", "classification", tmp_path_factory.mktemp("base") / "bert")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "test.csv"
    rows = "".join(f'"{text}",{("POSITIVE", "NEGATIVE")[number % 2]}\n' for number, text in enumerate(TEXTS))
    path.write_text(f"text,label\n{rows}", encoding="utf-8")
    return path


def called(base: Path, *arguments: str | Path) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    given = ["compress", *map(str, arguments), "--model", str(base), "--device", "cpu"]
    status = run(given, Console(out, err, None))
    return status, out.getvalue(), err.getvalue()


def test_a_chain_is_written(base: Path, data: Path, tmp_path: Path) -> None:
    status, told, _ = called(
        base, "heads=0:1,1:3+layers=0+intermediate=0.5+vocabulary+bfloat16", "--data", data, "--out", tmp_path / "small"
    )
    assert status == 0
    small = gb.load(tmp_path / "small", device="cpu")
    assert (small.layers, small.removed_heads) == (1, ((0, 3),))
    record = gb.compression_record(small)
    assert record.steps == ("heads", "layers", "intermediate", "vocabulary", "bfloat16")
    assert f"({record.smaller:.2f} × smaller;" in told
    assert "only GlassBERT reads it" in told


def test_json_is_the_record(base: Path, tmp_path: Path) -> None:
    status, told, _ = called(base, "heads=1:0", "--full-size", "--out", tmp_path / "small", "--json")
    record = Compression.from_dict(json.loads(told))
    assert (status, record.stock, record.recipe) == (0, True, "heads 1:0")


def test_a_comparison_is_told(base: Path, data: Path) -> None:
    status, told, _ = called(base, "int8", "--compare", data, "--texts", "2")
    assert status == 0
    for line in ("MB on disk", "MB in memory", "ms for 1 text ", "ms for 32 texts", "accuracy", "Decisions flipped: "):
        assert line in told
    assert "between occlusion and integrated_gradients it is" in told
    _, as_json, _ = called(base, "int8", "--compare", data, "--texts", "2", "--json")
    assert CompressionComparison.from_dict(json.loads(as_json)).recipe == "int8"


@pytest.mark.smoke
def test_several_recipes_make_a_table(base: Path, data: Path, tmp_path: Path) -> None:
    status, told, _ = called(
        base, "bfloat16", "layers=1", "--compare", data, "--texts", "1", "--out", tmp_path / "both"
    )
    assert status == 0
    assert [line.split()[0] for line in told.splitlines()] == ["recipe", "bfloat16", "layers"]
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == ["1-bfloat16", "2-layers-1"]
    _, as_json, _ = called(base, "bfloat16", "layers=1", "--compare", data, "--texts", "1", "--json")
    assert len(CompressionCurve.from_dict(json.loads(as_json)).comparisons) == 2


def test_a_recipe_that_the_family_does_not_allow_gives_status_1(data: Path, tmp_path: Path) -> None:
    albert = tiny.build("albert", "classification", tmp_path / "albert")
    status, told, noted = called(albert, "heads=0:1", "bfloat16", "--compare", data, "--texts", "1")
    assert status == 1
    assert "heads 0:1" in noted
    assert "bfloat16" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("int8",), "--out FOLDER"),
        (("int8", "bfloat16"), "--compare PATH"),
        (("heads=a", "--out", "x"), "is no recipe"),
        (("layers=one", "--out", "x"), "is no recipe"),
        (("int4", "--out", "x"), 'one of "'),
        (("vocabulary", "--out", "x"), "say whose pieces"),
        (("vocabulary=nowhere.txt", "--out", "x"), "cannot be read"),
        (("heads=0.2", "--out", "x"), "pass them as table="),
    ],
)
def test_wrong_usage(base: Path, arguments: tuple[str, ...], said: str) -> None:
    status, _, noted = called(base, *arguments)
    assert status == 2
    assert said in noted
    assert not Path("x").exists()
