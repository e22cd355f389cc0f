"""How far a training is: what it writes to ``progress.jsonl``, one object a line, read as far as it goes."""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

__all__ = ["STOPPED", "Progress", "progress_of"]

_REMEMBERED = 32
#: The stage between the end of one process and the start of the one that resumes its work.
STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Progress:
    """What a training has said so far. ``steps``: step → loss, learning rate; ``epochs``: epoch → dev metrics, train
    loss and examples it gets wrong; ``pinned``: (epoch, sentence) → words and scores."""

    start: Mapping[str, Any] = field(default_factory=dict)
    stage: str = ""
    part: tuple[int, int] = (0, 0)  # of a stage that comes in parts: those done, and all
    steps: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    epochs: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    pinned: Mapping[tuple[int, int], Mapping[str, Any]] = field(default_factory=dict)
    left: float | None = None  # estimated seconds
    failure: str = ""

    @property
    def step(self) -> int:
        return max(self.steps, default=0)

    @property
    def share(self) -> float:
        """How much of the training is done, 0 to 1."""
        total = self.start.get("steps")
        return min(self.step / total, 1.0) if isinstance(total, int) and total > 0 else 0.0


class _Reader:
    """One file, which grows: each line is read once."""

    def __init__(self, path: Path) -> None:
        self.path, self.lock = path, threading.Lock()
        self.offset, self.file = 0, (0, 0)
        self.progress = Progress()

    def read(self) -> Progress:
        with self.lock:
            try:
                with self.path.open("rb") as file:
                    at = os.fstat(file.fileno())
                    if (at.st_dev, at.st_ino) != self.file or at.st_size < self.offset:
                        self.offset, self.file, self.progress = 0, (at.st_dev, at.st_ino), Progress()
                    file.seek(self.offset)
                    content = file.read()
            except OSError:
                return self.progress
            whole, newline, _ = content.rpartition(b"\n")
            self.offset += len(whole) + len(newline)
            lines = [line for line in map(_object, whole.split(b"\n")) if line is not None]
            if lines:
                self.progress = _after(self.progress, lines)
            return self.progress


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _after(before: Progress, lines: list[dict[str, Any]]) -> Progress:
    now = replace(before, steps=dict(before.steps), epochs=dict(before.epochs), pinned=dict(before.pinned))
    for line in lines:
        now = _take(now, line)
    return now


def _take(now: Progress, line: dict[str, Any]) -> Progress:
    kind = line.get("kind")
    if kind == "start":
        resumed = line.get("resumed_at") or 0
        kept = {step: one for step, one in now.steps.items() if step <= resumed}
        return replace(now, start=line, steps=kept, left=None, failure="")
    if kind == "stage":
        done, total = line.get("done"), line.get("total")
        part = (done, total) if isinstance(done, int) and isinstance(total, int) else (0, 0)
        return replace(now, stage=str(line.get("name", "")), part=part)
    if kind == "step" and isinstance(line.get("step"), int):
        now.steps[line["step"]] = line  # type: ignore[index]  # a dictionary of this function's caller
        return replace(now, left=line.get("left"))
    if kind == "epoch" and isinstance(line.get("epoch"), int):
        now.epochs[line["epoch"]] = line  # type: ignore[index]
    elif kind == "pinned" and isinstance(line.get("epoch"), int) and isinstance(line.get("sentence"), int):
        now.pinned[line["epoch"], line["sentence"]] = line  # type: ignore[index]
    elif kind == "stopped":
        return replace(now, stage=STOPPED, left=None)
    elif kind == "failed":
        return replace(now, failure=str(line.get("error", "")))
    return now


_readers: OrderedDict[Path, _Reader] = OrderedDict()
_lock = threading.Lock()


def progress_of(folder: Path) -> Progress:
    """What the training in this folder has said so far; nothing before it has begun."""
    with _lock:
        reader = _readers.pop(folder, None) or _Reader(folder / "progress.jsonl")
        _readers[folder] = reader
        while len(_readers) > _REMEMBERED:
            _readers.popitem(last=False)
    return reader.read()
