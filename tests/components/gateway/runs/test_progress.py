"""What a training says is read line by line, also while it is being written, and after it was resumed."""

from __future__ import annotations

import json
from pathlib import Path

from components.gateway.runs.progress import STOPPED, Progress, progress_of


def add(folder: Path, *lines: dict[str, object], end: str = "\n") -> None:
    with (folder / "progress.jsonl").open("a") as file:
        file.write("\n".join(map(json.dumps, lines)) + end)


def test_lines_are_read_as_they_come(tmp_path: Path) -> None:
    assert progress_of(tmp_path) == Progress()
    add(tmp_path, {"kind": "start", "steps": 8, "epochs": 2}, {"kind": "stage", "name": "training"})
    add(tmp_path, {"kind": "step", "step": 1, "loss": 0.7, "left": None}, end="")
    assert progress_of(tmp_path).steps == {}
    add(tmp_path, {}, end="")  # what follows on the same line makes it no object at all
    add(tmp_path, end="\n")
    add(tmp_path, {"kind": "step", "step": 2, "loss": 0.6, "left": 3.5})
    now = progress_of(tmp_path)
    assert (now.stage, list(now.steps), now.left, now.share) == ("training", [2], 3.5, 0.25)
    add(tmp_path, {"kind": "epoch", "epoch": 1, "metrics": {"accuracy": 0.5}, "wrong": []})
    add(tmp_path, {"kind": "pinned", "epoch": 1, "sentence": 0, "words": ["a"], "scores": [0.5]})
    add(tmp_path, {"kind": "failed", "error": "no room"})
    now = progress_of(tmp_path)
    assert now.epochs[1]["metrics"] == {"accuracy": 0.5}
    assert now.pinned[1, 0]["scores"] == [0.5]
    assert now.failure == "no room"


def test_what_is_computed_again_after_a_resume_replaces_what_was(tmp_path: Path) -> None:
    add(tmp_path, {"kind": "start", "steps": 8})
    add(tmp_path, *({"kind": "step", "step": step, "loss": 1.0} for step in range(1, 6)))
    add(tmp_path, {"kind": "stopped", "step": 5})
    assert progress_of(tmp_path).stage == STOPPED
    add(tmp_path, {"kind": "start", "steps": 8, "resumed_at": 3})
    add(tmp_path, {"kind": "step", "step": 4, "loss": 0.5})
    now = progress_of(tmp_path)
    assert {step: line["loss"] for step, line in now.steps.items()} == {1: 1.0, 2: 1.0, 3: 1.0, 4: 0.5}


def test_a_file_that_began_anew_is_read_anew(tmp_path: Path) -> None:
    add(tmp_path, {"kind": "start", "steps": 8}, {"kind": "step", "step": 7, "loss": 1.0})
    assert progress_of(tmp_path).step == 7
    (tmp_path / "progress.jsonl").unlink()
    add(tmp_path, {"kind": "start", "steps": 2})
    now = progress_of(tmp_path)
    assert (now.start["steps"], now.step) == (2, 0)
