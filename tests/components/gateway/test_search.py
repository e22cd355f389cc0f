"""A long search tells how far it is, can be stopped, and keeps what it found."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

import glassbert as gb
from components import state
from components.gateway.search import Search, current_search

STEP = threading.Event


def ended(search: Search[object]) -> Search[object]:
    search.wait(20)
    assert not search.running
    return search


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

    search: Search[object] = Search("key")
    assert (search.started, search.done, search.found) == (False, False, None)
    search.start(work)
    ended(search)
    assert (search.found, search.error, search.share, search.done) == ("done", None, 0.25, True)


def test_one_that_is_stopped_keeps_what_it_found() -> None:
    started, search = STEP(), Search[object]("key")
    search.start(lambda cancelled, **_: until_cancelled(started, cancelled))
    assert started.wait(20)
    assert (search.running, search.done) == (True, False)
    search.stop()
    ended(search)
    assert search.done
    assert isinstance(search.found, int)
    assert search.found > 0


def test_one_that_is_stopped_before_a_result_is_no_error() -> None:
    def work(**_: object) -> None:
        raise gb.StoppedError

    search: Search[object] = Search("key")
    search.start(work)
    ended(search)
    assert (search.stopped, search.done, search.error) == (True, False, None)
    search.raise_error()


def test_one_that_fails_keeps_the_error_for_the_page() -> None:
    def work(**_: object) -> None:
        raise gb.TargetError("no such class")

    search: Search[object] = Search("key")
    search.start(work)
    ended(search)
    assert not search.done
    with pytest.raises(gb.TargetError, match="no such class"):
        search.raise_error()


def test_a_second_start_forgets_the_first_result_unless_it_adds_to_it() -> None:
    search: Search[object] = Search("key")
    search.start(lambda **_: ["one"])
    ended(search)

    def add(**_: object) -> object:
        found = search.found
        assert isinstance(found, list)
        return [*found, "two"]

    search.start(add, keep=True)
    assert ended(search).found == ["one", "two"]

    def fail(**_: object) -> None:
        raise gb.TargetError("no such class")

    search.start(fail)
    assert ended(search).found is None


def test_a_start_while_it_works_is_none() -> None:
    started, search = STEP(), Search[object]("key")
    search.start(lambda cancelled, **_: until_cancelled(started, cancelled))
    search.start(lambda **_: "second")
    search.stop()
    assert ended(search).found != "second"


def test_another_question_stops_the_search_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, object] = {}
    monkeypatch.setattr(state, "remembered", kept.get)
    monkeypatch.setattr(state, "remember", kept.__setitem__)
    first, started = current_search("trace", "one text"), STEP()
    first.start(lambda cancelled, **_: until_cancelled(started, cancelled))
    assert current_search("trace", "one text") is first
    assert current_search("flip", "another text") is not first
    assert first.running
    second = current_search("trace", "another text")
    assert second is not first
    ended(first)
    assert not second.started
