"""The working folder of a training: who works in it, what it trains, how far it is, and its results so far.

``FOLDER.training`` beside the folder of the model: ``run.json`` says what is trained, ``progress.jsonl`` has one object
for each step, stage and epoch, ``checkpoint-N`` the last complete state, ``epochs`` the evaluations. It goes on as long
as the training does, whatever ends the process.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from glassbert import saving
from glassbert.errors import OptionError

__all__ = ["Journal", "working_folder"]

_RUN, _PROGRESS, _LOCK = "run.json", "progress.jsonl", "lock"
#: Lines that are written anew by a process that goes on.
_OF_ONE_PROCESS = {"start", "stage", "done", "stopped", "failed"}


def working_folder(out: Path) -> Path:
    return out.with_name(out.name + ".training")


class Journal:
    """The working folder of this training, held by this process until :meth:`close`."""

    def __init__(self, out: Path, identity: Mapping[str, Any], progress: Callable[[Mapping[str, Any]], None] | None):
        """Raises OptionError if another process trains there, or if something else was trained there."""
        self.folder = working_folder(out)
        self._tell = progress
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = saving.held(self.folder / _LOCK)
        except OSError as error:
            raise OptionError(f"{self.folder} cannot be written: {error.strerror or error}") from error
        if lock is None:
            raise OptionError(f"another process is training into {out}: wait for it, or choose another folder")
        self._lock = lock
        try:
            self._check(identity)
        except BaseException:
            self._lock.close()
            raise
        self._log: IO[str] | None = None

    def _check(self, identity: Mapping[str, Any]) -> None:
        place = self.folder / _RUN
        wanted = json.loads(json.dumps(identity))
        if place.is_file():
            found = json.loads(place.read_text(encoding="utf-8"))
            differing = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
            if differing:
                name = differing[0]
                raise OptionError(
                    f"{self.folder} holds a training that was stopped and differs from this one in {name} "
                    f"({_short(found.get(name))}, now {_short(wanted.get(name))}): call it as before to go on with it, "
                    f"delete {self.folder}, or choose another folder"
                )
            return
        part = place.with_suffix(".part")
        part.write_text(json.dumps(wanted), encoding="utf-8")
        part.replace(place)

    def start(self, done: int, epochs_done: int, **details: Any) -> None:
        """Begin to write: lines of steps and epochs beyond those that are done are dropped."""
        place = self.folder / _PROGRESS
        kept = [line for line in _lines(place) if _is_kept(line, done, epochs_done)]
        part = place.with_suffix(".part")
        part.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        part.replace(place)
        self._log = place.open("a", encoding="utf-8")
        self.write("start", resumed_at=done, **details)

    def write(self, kind: str, **details: Any) -> None:
        """One line, which is there for readers at once."""
        entry = {"kind": kind, **{name: _plain(value) for name, value in details.items()}}
        if self._log is None:  # before the start, or after the end
            self._log = (self.folder / _PROGRESS).open("a", encoding="utf-8")
        self._log.write(json.dumps(entry) + "\n")
        self._log.flush()
        if self._tell is not None:
            self._tell(entry)

    def stage(self, name: str, done: int = 0, total: int = 0) -> None:
        """What is done now, and of work that comes in parts, how many of them are done."""
        self.write("stage", name=name, **({"done": done, "total": total} if total else {}))

    def epoch_folder(self, epoch: int) -> Path:
        """Where the results of an epoch are, from 1."""
        folder = self.folder / "epochs" / f"{epoch:04}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def remove(self) -> None:
        """Remove the folder: the training is complete."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None
        self._lock.close()


def _lines(place: Path) -> list[dict[str, Any]]:
    """The complete lines of a journal; the last one may be torn."""
    found: list[dict[str, Any]] = []
    if place.is_file():
        for line in place.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                found.append(entry)
    return found


def _is_kept(line: Mapping[str, Any], done: int, epochs: int) -> bool:
    kind = line.get("kind")
    if kind in _OF_ONE_PROCESS:
        return False
    return bool(line.get("step", 0) <= done if kind == "step" else line.get("epoch", 0) <= epochs)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, float) and value != value:
        return None
    return dict(value) if isinstance(value, Mapping) else value


def _short(value: Any) -> str:
    return str(value)[:60]
