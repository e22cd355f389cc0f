"""One training at a time: waiting, stopping, failing, and ending with the server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.gateway.runs import process, store
from components.gateway.runs import queue as queues
from components.gateway.runs.progress import progress_of
from components.gateway.runs.queue import Queue, RunState, state_of
from tests.components.gateway.runs.conftest import Allow

FAKE = "tests.components.gateway.runs.fake_training"


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def line(allow: Allow, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """A queue whose runs do what they are called."""
    allow()

    def command(run: str) -> list[str]:
        request = store.request_of(run)
        assert request is not None
        return [FAKE, request.name, str(store.model_folder(request))]

    found = Queue(command)
    monkeypatch.setattr(queues, "queue", lambda: found)
    yield found
    for run, _ in store.listing():
        found.delete(run)


def new(doing: str) -> str:
    return store.create(doing, "banking")


def said(run: str) -> object:
    request = store.request_of(run)
    assert request is not None
    return progress_of(store.training_folder(request))


def running(run: str) -> int:
    """The process of a run, once it has begun."""
    until(lambda: bool(said(run).steps))  # type: ignore[attr-defined]
    return int(said(run).steps[1]["process"])  # type: ignore[attr-defined]


def test_runs_wait_for_each_other_and_the_second_can_leave(line: Queue) -> None:
    first, second, third = new("wait"), new("done"), new("done")
    assert state_of(first) == RunState("draft")
    for run in (first, second, third, second):
        line.start(run)
    number = running(first)
    assert [state_of(run) for run in (first, second, third)] == [
        RunState("running"), RunState("waiting", 1), RunState("waiting", 2)]  # fmt: skip
    start = said(first).start  # type: ignore[attr-defined]
    assert start["niceness"] == min(19, os.nice(0) + process.NICENESS)
    assert start["threads"] == str(queues.threads())
    line.stop(second)
    assert (state_of(second), state_of(third)) == (RunState("stopped"), RunState("waiting", 1))
    line.stop(first)
    assert state_of(first).name in ("stopping", "stopped")
    until(lambda: state_of(third) == RunState("done"))
    assert state_of(first) == RunState("stopped")
    assert not is_alive(number)


def test_why_a_run_failed_is_told_and_it_can_be_started_again(line: Queue) -> None:
    for doing, sentence in (
        ("fail", "all texts are equal: nothing can be learned"),
        ("usage", "no such option"),
        ("kill", "its process ended by signal 9"),
    ):
        run = new(doing)
        line.start(run)
        until(lambda run=run: not state_of(run).is_active)  # type: ignore[misc]
        assert state_of(run).name == "failed"
        assert state_of(run).sentence.startswith(sentence)
    store.change(run, name="done")
    line.start(run)
    until(lambda: state_of(run) == RunState("done"))


def test_a_training_that_does_not_stop_is_ended(line: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "_STOP_SECONDS", 0.3)
    run = new("stubborn")
    line.start(run)
    number = running(run)
    line.stop(run)
    assert state_of(run) == RunState("stopping")
    until(lambda: state_of(run) == RunState("stopped"))
    assert not is_alive(number)


def test_a_running_run_is_deleted(line: Queue) -> None:
    run = new("stubborn")
    line.start(run)
    number = running(run)
    line.delete(run)
    assert store.request_of(run) is None
    until(lambda: not is_alive(number))
    assert list(store.listing()) == []


def test_a_training_ends_with_its_server(allow: Allow) -> None:
    runs = allow()
    run = new("wait")
    request = store.request_of(run)
    assert request is not None
    script = (
        "import sys, time\nfrom components.gateway.runs.queue import Queue\n"
        f"Queue(lambda run: [{FAKE!r}, 'wait', {str(store.model_folder(request))!r}]).start({run!r})\ntime.sleep(120)\n"
    )
    root = Path(__file__).resolve().parents[4]
    environment = os.environ | {"GLASSBERT_RUNS": str(runs)}
    server = subprocess.Popen([sys.executable, "-c", script], cwd=root, env=environment)
    try:
        number = running(run)
        assert state_of(run) == RunState("running")  # another server's, by the lock
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        until(lambda: not is_alive(number))
        assert state_of(run) == RunState("stopped")
    finally:
        server.kill()
        server.wait()
