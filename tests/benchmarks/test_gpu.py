"""The check on a GPU, where there is none: complete, clear about it, and every call on a pretended device."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import glassbert as gb
from glassbert.network import run
from tests.benchmarks.conftest import BENCHMARKS, imported
from tests.glassbert.pretended import moved, pretended

Built = Callable[..., Path]


@pytest.fixture(scope="module")
def gpu() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield imported("gpu")


def test_every_public_function_has_a_case(gpu: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpu.missing() == set()
    monkeypatch.setattr(gpu, "CASES", [case for case in gpu.CASES if case.function != "surprise"])
    assert gpu.missing() == {"surprise"}
    with pytest.raises(SystemExit, match="no case for surprise"):
        gpu.main(["--device", "cpu"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a device")
def test_without_a_device_it_says_so(gpu: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"no CUDA device: .* nothing was compared"):
        gpu.main([])


def test_differences_are_found(gpu: ModuleType) -> None:
    one = {"a": np.array([1.0, 200.0]), "b": ["x", 2, 0.5], "seconds": 3.0}
    assert gpu.difference(one, one | {"seconds": 9.0}) == (0.0, "")
    assert gpu.difference(one | {"a": np.array([1.0, 201.0])}, one) == (pytest.approx(1 / 200), "a")
    assert gpu.difference(one | {"b": ["x", 2, 0.6]}, one) == (pytest.approx(0.1), "b.2")
    for other in ({"b": ["y", 2, 0.5]}, {"b": ["x", 3, 0.5]}, {"a": np.array([1.0])}, {"a": np.array([np.nan, 200.0])}):
        assert gpu.difference(one | other, one)[0] == np.inf
    assert gpu.difference(one | {"c": 1}, one)[0] == np.inf


def wrong(gpu: ModuleType, folder: Path) -> list[tuple[str, float, str]]:
    """The calls that differ between the pretended device and the CPU, or that fail on it."""
    cpu, there = gb.load(folder, "cpu"), moved(lambda: gb.load(folder, "cpu"))
    with pretended():
        rows = gpu.compared((there, cpu), "float32", folder.name, long=False)
    assert len(rows) == len(list(gpu.suited(cpu, long=False)))
    return [row for row in rows if row[1] > 1e-5]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "task"),
    [
        pytest.param("roberta", "masked_words", marks=pytest.mark.smoke),
        pytest.param("bert", "classification", marks=pytest.mark.smoke),  # the longest, and most of it is in the others
        ("bert", "next_sentence"),
        ("bert", "token_classification"),
        ("bert", "question_answering"),
        ("electra", "replaced_tokens"),
    ],
)
def test_no_tensor_is_made_on_a_fixed_device(
    family: str, task: str, gpu: ModuleType, tiny_checkpoint: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All calls on two networks, and on the others those of their own head."""
    if (family, task) not in (("bert", "classification"), ("roberta", "masked_words")):
        monkeypatch.setattr(gpu, "CASES", [case for case in gpu.CASES if case.head == task])
    assert wrong(gpu, tiny_checkpoint(family, task)) == []


def test_one_that_is_made_on_the_cpu_is_found(
    gpu: ModuleType, tiny_checkpoint: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Segments that stay where they were made: what a GPU would refuse."""
    original = run.network_inputs

    def stays(model: gb.Model, inputs: run.Batch, device: str, embeddings: Any = None) -> dict[str, torch.Tensor]:
        return original(model, inputs, device, embeddings) | {"token_type_ids": inputs.token_type_ids}

    monkeypatch.setattr(gpu, "CASES", [case for case in gpu.CASES if case.function in ("classify", "encode")] * 15)
    monkeypatch.setattr(run, "network_inputs", stays)
    found = wrong(gpu, tiny_checkpoint("bert", "classification"))
    assert {name.split(": ")[1] for name, *_ in found} == {"classify"}
    assert all("same device" in place for *_, place in found)


@pytest.mark.smoke
def test_the_slim_copy_is_small_and_complete(gpu: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "gpu.tar.gz"
    gpu.main(["--pack", str(path), "--model", "sentiment"])
    assert path.stat().st_size < 60e6
    with tarfile.open(path) as archive:
        names = set(archive.getnames())
    for name in ("benchmarks/gpu.py", "tests/tiny.py", "glassbert/checkpoints/sentiment", "captum/attr/__init__.py"):
        assert f"glassbert-gpu/{name}" in names
    assert not [name for name in names if "checkpoints/pretrained" in name or "checkpoints/similarity" in name]
