"""One training or analysis at a time: the others wait for their turn, in the order in which they were started."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from components.gateway.runs import analysing, process, store
from components.gateway.runs.progress import progress_of

__all__ = ["Queue", "RunState", "StateName", "queue", "state_of", "threads"]

StateName = Literal["draft", "waiting", "running", "stopping", "stopped", "failed", "done"]
_ROOT = Path(__file__).resolve().parents[3]
_LOOK_SECONDS = 0.1
#: A training that is told to stop saves a checkpoint; after this long it is ended.
_STOP_SECONDS = 8.0
#: After the last step its state is saved already: what is measured then is done anew when it goes on.
_SAVED_STOP_SECONDS = 1.5
_AFTER_LAST_STEP = ("label errors", "learning", "receipts")
_STOPPED = (0, 130, -signal.SIGTERM)
_SENTENCE_CHARACTERS = 600

Command = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run stands. ``place``: its place in the queue, 1 is next; ``sentence``: why it failed."""

    name: StateName
    place: int = 0
    sentence: str = ""

    @property
    def is_active(self) -> bool:
        return self.name in ("waiting", "running", "stopping")


def threads() -> int:
    """How many threads a training computes with: one core is left for the pages."""
    return max(1, (os.cpu_count() or 1) - 1)


class Queue:
    """The queue of a server. ``command`` gives the module that trains a run, and its arguments."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._changed = threading.Condition()
        self._waiting: list[str] = []
        self._running: str | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._stop_at: float | None = None
        self._thread: threading.Thread | None = None

    def start(self, run: str) -> None:
        """Put a run at the end of the queue; does nothing if it is there."""
        with self._changed:
            if run == self._running or run in self._waiting:
                return
            store.write_outcome(run, "")
            store.change(run, started=True)
            self._waiting.append(run)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="fine-tuning", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def stop(self, run: str) -> None:
        """Take a run out of the queue, or tell it to stop; returns at once."""
        with self._changed:
            if run in self._waiting:
                self._waiting.remove(run)
            elif run == self._running and self._stop_at is None:
                self._stop_at = time.monotonic()
                self._signal(signal.SIGTERM)

    def delete(self, run: str) -> None:
        """Remove a run, without a checkpoint if it is running."""
        with self._changed:
            if run in self._waiting:
                self._waiting.remove(run)
            if run == self._running:
                self._stop_at = self._stop_at or time.monotonic()
                self._signal(_KILL)
                self._changed.wait_for(lambda: self._running != run, timeout=_STOP_SECONDS)
        store.delete(run)

    def state(self, run: str) -> RunState | None:
        """Where a run stands in this queue; None if it is not in it."""
        with self._changed:
            if run == self._running:
                return RunState("running" if self._stop_at is None else "stopping")
            if run in self._waiting:
                return RunState("waiting", self._waiting.index(run) + 1)
        return None

    def _signal(self, number: int) -> None:
        if self._child is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._child.pid, number)
            else:
                self._child.terminate()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                run = self._running = self._waiting.pop(0)
                self._stop_at = None
            sentence = ""
            try:
                sentence = self._do(run)
            except Exception as error:  # the queue goes on with the next one
                sentence = f"it could not be started: {error}"
            with self._changed:
                if sentence and self._stop_at is None and store.request_of(run) is not None:
                    with suppress(Exception):  # a full disk, of which this may be the consequence
                        store.write_outcome(run, sentence)
                self._running = self._child = None
                self._changed.notify_all()

    def _do(self, run: str) -> str:
        """Run one training or analysis to its end; returns why it failed, or ""."""
        folder = store.folder_of(run)
        command = [
            *(sys.executable, "-P", "-m", process.__name__, str(folder / "lock")),
            *self._command(run),
        ]
        with (folder / "messages.txt").open("wb") as messages:
            with self._changed:
                if self._stop_at is not None:
                    return ""
                self._child = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=_environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=messages,
                    start_new_session=True,
                )
            code = self._wait(self._child, run)
        return "" if code in _STOPPED else _why(run, code, folder / "messages.txt")

    def _wait(self, child: subprocess.Popen[bytes], run: str) -> int:
        pipe: IO[bytes] | None = child.stdin
        while True:
            try:
                code = child.wait(_LOOK_SECONDS)
                break
            except subprocess.TimeoutExpired:
                with self._changed:
                    if self._stop_at is not None and time.monotonic() - self._stop_at > _patience(run):
                        self._signal(_KILL)
        if pipe is not None:
            pipe.close()
        return code


def _patience(run: str) -> float:
    """How long a run that is told to stop may take."""
    request = store.request_of(run)
    stage = progress_of(store.training_folder(request)).stage if request is not None else ""
    return _SAVED_STOP_SECONDS if stage in _AFTER_LAST_STEP else _STOP_SECONDS


_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def _environment() -> dict[str, str]:
    """Of the training: this code, no network, and the threads that are left for it."""
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")]))
    count = str(threads())
    return os.environ | {
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "HF_HUB_OFFLINE": "1",
    }


def _why(run: str, code: int, messages: Path) -> str:
    """The sentence of a training that failed."""
    request = store.request_of(run)
    told = progress_of(store.training_folder(request)).failure if request is not None else ""
    if told:
        return told
    if code > 0:
        try:
            lines = messages.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            lines = []
        if lines:
            return lines[-1].strip().removeprefix("glassbert: ")[:_SENTENCE_CHARACTERS]
    ended = f"by signal {-code}" if code < 0 else f"with status {code}"
    return f"its process ended {ended}, without saying why; perhaps this machine ran out of memory"


def state_of(run: str) -> RunState:
    """Where a run stands, in this server's queue or, if it is not there, by its files."""
    known = queue().state(run)
    request = store.request_of(run)
    if known is not None or request is None:
        return known or RunState("draft")
    if _is_done(run, request):
        return RunState("done")
    if _is_locked(store.folder_of(run) / "lock"):
        return RunState("running")
    if sentence := store.written_outcome(run):
        return RunState("failed", sentence=sentence)
    return RunState("stopped" if request.started else "draft")


def _is_done(run: str, request: store.RunRequest) -> bool:
    if request.work == "training":
        return (store.model_folder(request) / "config.json").is_file()
    return bool(request.folder) or analysing.is_complete(run, request)


def _is_locked(path: Path) -> bool:
    """Whether a process of another server has this run."""
    if not path.is_file():
        return False
    held = process.lock(str(path))
    if held is not None:
        os.close(held)
    return held is None


@functools.cache
def queue() -> Queue:
    """The queue of this server."""
    from components.gateway.runs import command

    def arguments(run: str) -> Sequence[str]:
        request = store.request_of(run)
        analyses = request is not None and request.work == "analysis"
        return analysing.arguments(run, threads()) if analyses else command.arguments(run)

    return Queue(arguments)
