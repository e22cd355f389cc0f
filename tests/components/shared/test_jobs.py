"""A background job tells how far it is, can be stopped, and keeps what it found."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components import state
from components.gateway import cache, memory, visitors
from components.gateway.library import import_library
from components.gateway.settings import Settings
from components.shared import jobs
from components.shared.jobs import Job, current_job
from glassbert.network.run import check_admission

STEP = threading.Event


@pytest.fixture(scope="module", autouse=True)
def _library() -> None:
    """Imported before the first job waits for it."""
    import_library()


def ended(job: Job[object]) -> Job[object]:
    job.wait(20)
    assert not job.running
    return job


def until_cancelled(started: STEP, cancelled: Callable[[], bool]) -> int:
    steps = 0
    while not cancelled():
        steps += 1
        started.set()
    return steps


def test_it_tells_how_far_it_is_and_keeps_its_result() -> None:
    def work(progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> str:
        progress(1, 4)
        return "stopped" if cancelled() else "done"

    job: Job[object] = Job("key")
    assert (job.started, job.done, job.found) == (False, False, None)
    job.start(work)
    ended(job)
    assert (job.found, job.error, job.share, job.done) == ("done", None, 0.25, True)


def test_one_that_is_stopped_keeps_what_it_found() -> None:
    started, job = STEP(), Job[object]("key")
    job.start(lambda cancelled, **_: until_cancelled(started, cancelled))
    assert started.wait(20)
    assert (job.running, job.done) == (True, False)
    job.stop()
    ended(job)
    assert job.done
    assert isinstance(job.found, int)
    assert job.found > 0


def test_one_that_is_stopped_before_a_result_is_no_error() -> None:
    def work(**_: object) -> None:
        raise gb.StoppedError

    job: Job[object] = Job("key")
    job.start(work)
    ended(job)
    assert (job.stopped, job.done, job.error) == (True, False, None)
    job.raise_error()


@pytest.mark.parametrize("keeps", [True, False], ids=["keeps what it found", "asks only in its passes"])
def test_one_that_reaches_the_time_limit_says_so(keeps: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "settings", lambda: Settings(seconds=0.2))  # type: ignore[arg-type]
    monkeypatch.setattr(jobs, "_END_SECONDS", 0.1)

    def work(cancelled: Callable[[], bool], **_: object) -> str:
        while not (keeps and cancelled()):
            check_admission()
            time.sleep(0.01)
        return "some"

    job: Job[object] = Job("key")
    job.start(work)
    ended(job)
    assert job.out_of_time
    assert (job.found, job.stopped) == (("some", False) if keeps else (None, True))

    def page(found: str) -> None:
        from components.shared.jobs import Job, draw_job

        job: Job[object] = Job("key", found or None)
        job.out_of_time = True
        draw_job(job, lambda: None, name="name", label="Compute", cost="much")

    said = AppTest.from_function(page, kwargs={"found": job.found}).run().info[0].value
    end = "what was found until then is shown" if keeps else "before there were any results"
    assert said == f"Stopped at the time limit of this server, 0.2 seconds: {end}."
    job.start(lambda **_: "all")
    assert not ended(job).out_of_time


def test_one_that_fails_keeps_the_error_for_the_page() -> None:
    def work(**_: object) -> None:
        raise gb.TargetError("no such class")

    job: Job[object] = Job("key")
    job.start(work)
    ended(job)
    assert not job.done
    with pytest.raises(gb.TargetError, match="no such class"):
        job.raise_error()


def test_a_second_start_forgets_the_first_result_unless_it_adds_to_it() -> None:
    job: Job[object] = Job("key")
    job.start(lambda **_: ["one"])
    ended(job)

    def add(**_: object) -> object:
        found = job.found
        assert isinstance(found, list)
        return [*found, "two"]

    job.start(add, job.found)
    assert ended(job).found == ["one", "two"]

    def fail(**_: object) -> None:
        raise gb.TargetError("no such class")

    job.start(fail)
    assert ended(job).found is None


def test_partial_results_are_there_while_it_works_and_when_it_is_stopped() -> None:
    job, published, last = Job[list[str]]("key"), STEP(), STEP()

    def work(**_: object) -> list[str]:
        job.publish(["one"], "Looking for two …")
        published.set()
        assert last.wait(20)
        raise gb.StoppedError

    job.start(work)
    assert published.wait(20)
    assert (job.running, job.found, job.doing, job.arrived) == (True, ["one"], "Looking for two …", 1)
    last.set()
    job.wait(20)
    assert (job.found, job.stopped, job.done) == (["one"], True, False)


def test_a_start_while_it_works_is_none() -> None:
    started, job = STEP(), Job[object]("key")
    job.start(lambda cancelled, **_: until_cancelled(started, cancelled))
    job.start(lambda **_: "second")
    job.stop()
    assert ended(job).found != "second"


def test_another_question_stops_the_search_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, object] = {}
    monkeypatch.setattr(state, "remembered", kept.get)
    monkeypatch.setattr(state, "remember", kept.__setitem__)
    first, started = current_job("trace", "one text"), STEP()
    first.start(lambda cancelled, **_: until_cancelled(started, cancelled))
    assert current_job("trace", "one text") is first
    assert current_job("flip", "another text") is not first
    assert first.running
    second = current_job("trace", "another text")
    assert second is not first
    ended(first)
    assert not second.started


def test_a_result_that_has_to_go_leaves_a_job_that_can_be_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store = memory.Store(lambda: 10_000_000)
    monkeypatch.setattr(cache, "_store", store)
    three = [Job[object](f"{number}") for number in range(3)]
    for job in three:
        job.start(lambda **_: np.ones(4_000_000, np.uint8))
        ended(job)
    assert [(job.started, job.done, job.found is None) for job in three] == [
        (False, False, True),
        (True, True, False),
        (True, True, False),
    ]
    three[0].start(lambda **_: "small")
    assert ended(three[0]).found == "small"
    assert 8_000_000 < store.size < 8_001_000
    del job, three
    gc.collect()
    assert store.size == 0, "a session that is over takes its jobs along"


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Windows:
    """Windows that open and close, each with jobs of its own."""
    mine = Windows()
    monkeypatch.setattr(visitors.runtime, "exists", lambda: True)
    monkeypatch.setattr(visitors, "is_present", lambda session: session in mine.open)
    monkeypatch.setattr(visitors, "_FAREWELL_SECONDS", 0.05)
    monkeypatch.setattr(jobs, "visitor", lambda: mine.current)
    monkeypatch.setattr(jobs, "_jobs", lambda: mine.jobs.setdefault(mine.current, {}))
    monkeypatch.setattr(state, "page", lambda: "saliency")
    monkeypatch.setattr(jobs, "_every", {})
    return mine


class Windows:
    def __init__(self) -> None:
        self.open: set[str] = set()
        self.current = ""
        self.jobs: dict[str, dict[str, Job[object]]] = {}

    def show(self, name: str) -> None:
        self.open.add(name)
        self.current = name


def counting(passes: list[str], job: Callable[[], Job[object]], enough: STEP) -> Callable[..., str]:
    def work(cancelled: Callable[[], bool], **_: object) -> str:
        while not enough.is_set() and not cancelled():
            check_admission()
            passes.append(job().owner)
            time.sleep(0.01)
        return "done"

    return work


def test_a_reload_takes_over_the_work_of_the_window_before_it(windows: Windows) -> None:
    passes: list[str] = []
    enough = STEP()
    windows.show("before")
    job = current_job("explain", "question")
    job.start(counting(passes, lambda: job, enough), wait=False)
    until(lambda: "before" in passes)
    windows.open.remove("before")
    windows.show("other question")
    assert current_job("explain", "another question") is not job
    windows.show("after")
    assert current_job("explain", "question") is job
    until(lambda: "after" in passes)
    enough.set()
    assert ended(job).found == "done"
    windows.open.remove("after")
    windows.show("later")
    assert current_job("explain", "question").found == "done"


def test_work_of_a_window_that_is_there_is_nobody_else_s(windows: Windows) -> None:
    windows.show("first")
    job = current_job("explain", "question")
    job.start(lambda **_: "done")
    ended(job)
    windows.show("second")
    assert current_job("explain", "question") is not job


def test_a_closed_window_has_nothing_more_computed_and_its_work_ends(
    windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_RELOAD_SECONDS", 0.5)
    passes: list[str] = []
    windows.show("first")
    job = current_job("explain", "question")
    job.start(counting(passes, lambda: job, STEP()), wait=False)
    until(lambda: len(passes) > 2)
    windows.open.clear()
    time.sleep(0.2)
    before = len(passes)
    time.sleep(0.2)
    assert len(passes) == before
    assert job.running
    ended(job)
    assert len(passes) == before
    assert job.seconds_left is None


def test_what_is_left_is_told_from_what_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    done, job = STEP(), Job[object]("key")
    job.start(lambda progress, **_: (progress(1, 4), done.wait(20)), wait=False)
    until(lambda: job.share == 0.25)
    assert job.seconds_left is None, "too early to tell"
    now = time.monotonic()
    monkeypatch.setattr(jobs.time, "monotonic", lambda: now + 10)
    job.began = now
    assert job.seconds_left == pytest.approx(30)
    done.set()
    monkeypatch.undo()
    ended(job)


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)
