"""Benchmarks as modules of this process, at their smallest sizes: their imports cost more than what they then do."""

from __future__ import annotations

import gc
import importlib.util
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

Smoke = Callable[..., str]


def imported(name: str) -> ModuleType:
    """The script as a module; some bear names of others, such as ``trace``."""
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where a dataclass looks its annotations up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def smoke(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Smoke:
    """``smoke("trace")``: run a script with ``--smoke`` and return what it printed. ``replaced``: names in it, such as
    the function that starts a server."""
    from glassbert.network import device

    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr(device, "_most_threads", device._most_threads)  # scripts choose their own
    monkeypatch.setattr(gc, "freeze", lambda: None)  # what they make must not stay here for ever

    def run(name: str, **replaced: object) -> str:
        module = imported(name)
        for attribute, value in replaced.items():
            if hasattr(module, attribute):
                monkeypatch.setattr(module, attribute, value)
        with warnings.catch_warnings():
            module.main(["--smoke"])
        return capsys.readouterr().out

    return run
