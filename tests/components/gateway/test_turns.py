"""The fair queue: who runs next, and who may leave."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest
from streamlit.errors import StreamlitInvalidLayoutContextError

from components.gateway import turns as gateway
from components.gateway.turns import Turns
from glassbert.errors import StoppedError
from glassbert.network.run import check_admission


def never() -> bool:
    return False


def test_one_pass_runs_at_a_time_and_each_in_turn() -> None:
    turns, running, most = Turns(), [], []

    def visitor(who: str) -> None:
        for _ in range(20):
            with turns.turn(who, never):
                running.append(who)
                most.append(len(running))
                running.remove(who)

    threads = [threading.Thread(target=visitor, args=(who,)) for who in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(most) == 60
    assert max(most) == 1


def test_who_used_the_machine_least_goes_first_whatever_the_order_of_arrival() -> None:
    """Time is a number here: the order depends on nothing else."""
    now = [0.0]
    turns, order = Turns(clock=lambda: now[0]), []
    for who, seconds in (("long", 9.0), ("short", 1.0), ("middle", 4.0)):
        with turns.turn(who, never):
            now[0] += seconds

    def take(who: str) -> None:
        with turns.turn(who, never):
            order.append(who)
            now[0] += 0.2  # not short: nobody is expected back at once

    with turns.turn("other", never):
        threads = []
        for number, who in enumerate(("long", "middle", "new", "short"), start=1):
            threads.append(threading.Thread(target=take, args=(who,)))
            threads[-1].start()
            until(lambda number=number: len(turns._waiting) == number)
        now[0] += 0.5
    for thread in threads:
        thread.join(10)
    assert order == ["new", "short", "middle", "long"]


def test_newcomers_are_not_always_first() -> None:
    """Somebody who has been there for a while, and used little, does not wait for all who come, ask and leave."""
    now = [0.0]
    turns, order = Turns(clock=lambda: now[0]), []

    def use(who: str, seconds: float) -> None:
        with turns.turn(who, never):
            now[0] += seconds

    def take(who: str) -> None:
        with turns.turn(who, never):
            order.append(who)
            now[0] += 0.2  # not short: nobody is expected back at once

    use("one", 0.05)
    use("one", 0.05)
    for _ in range(3):
        use("long", 1.0)
    with turns.turn("other", never):
        threads = []
        for number, who in enumerate(("long", "first visit", "one"), start=1):
            threads.append(threading.Thread(target=take, args=(who,)))
            threads[-1].start()
            until(lambda number=number: len(turns._waiting) == number)
        now[0] += 0.5
    for thread in threads:
        thread.join(10)
    assert order == ["one", "first visit", "long"]


def test_who_comes_after_a_while_competes_from_now_on() -> None:
    """Nobody saves up turns: a minute of absence is no claim to a minute of the machine."""
    now = [0.0]
    turns = Turns(clock=lambda: now[0])
    for _ in range(60):
        with turns.turn("long", never):
            now[0] += 1.0
    with turns.turn("new", never):
        now[0] += 1.0
    assert turns._used["new"].seconds == pytest.approx(60.0)
    assert turns._used["long"].seconds == pytest.approx(60.0)
    now[0] += 61.0
    with turns.turn("two", never):
        pass
    assert set(turns._used) == {"two"}, "whoever left long ago takes no memory"


def test_a_long_pass_waits_a_moment_for_a_page_that_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """… but a page that goes on for ever does not keep it out."""
    monkeypatch.setattr(gateway, "_SHORT_SECONDS", 0.15)
    monkeypatch.setattr(gateway, "_RETURN_SECONDS", 1.0)
    turns, stop, passes = Turns(), threading.Event(), []

    def long_work() -> None:
        while not stop.is_set():
            with turns.turn("long", never):
                passes.append(1)
                time.sleep(0.2)

    def short_pass() -> None:
        with turns.turn("page", never):
            pass
        time.sleep(0.005)  # draws, then asks again

    thread = threading.Thread(target=long_work, daemon=True)
    thread.start()
    until(lambda: len(passes) > 1)
    short_pass()
    before = len(passes)
    for _ in range(5):
        short_pass()
    assert len(passes) == before
    until(lambda: len(passes) > before)  # the page is drawn
    before, rounds = len(passes), 0
    while len(passes) < before + 2:
        short_pass()
        rounds += 1
        assert rounds < 1000
    stop.set()
    thread.join(10)


def test_short_work_waits_for_one_pass_of_long_work_not_for_its_end() -> None:
    turns, stop, passes = Turns(), threading.Event(), []

    def long_work() -> None:
        while not stop.is_set():
            with turns.turn("long", never):
                passes.append(1)
                time.sleep(0.02)

    thread = threading.Thread(target=long_work, daemon=True)
    thread.start()
    until(lambda: len(passes) > 3)
    waited = []
    for _ in range(10):
        before = len(passes)
        with turns.turn("short", never):
            waited.append(len(passes) - before)
        time.sleep(0.05)
    stop.set()
    thread.join(10)
    assert max(waited) <= 1, "at most the pass that was running already"


def test_who_waits_learns_how_many_are_before_and_may_leave() -> None:
    turns, told, left = Turns(), [], threading.Event()

    def wait() -> None:
        with pytest.raises(StoppedError), turns.turn("me", left.is_set, told.append):
            raise AssertionError("it was not its turn")

    with turns.turn("other", never):
        thread = threading.Thread(target=wait)
        thread.start()
        until(lambda: bool(told))
        left.set()
        thread.join(2)
        assert not thread.is_alive()
    assert set(told) == {1}
    assert turns._waiting == {}
    with turns.turn("me", never):
        pass


def test_an_error_inside_a_turn_ends_it() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.turn("me", never):
        raise ZeroDivisionError
    with turns.turn("other", never):
        pass


def until(reached, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "it never came to this"
        time.sleep(0.001)


def test_outside_of_a_page_passes_wait_for_nobody() -> None:
    with gateway.during_the_run():
        pass


def test_a_fragment_says_its_place_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone, a fragment may not write to a place of the whole page."""
    said: list[str] = []

    def refused(_: str) -> None:
        raise StreamlitInvalidLayoutContextError("A fragment tried to write to a container created outside it")

    outside = SimpleNamespace(caption=refused, empty=refused)
    inside = SimpleNamespace(caption=said.append, empty=lambda: said.append(""))
    monkeypatch.setattr(gateway.state, "remembered", {gateway.QUEUE_SLOT: outside}.get)
    monkeypatch.setattr(gateway.st, "empty", lambda: inside)
    monkeypatch.setattr(gateway, "run_is_over", never)
    monkeypatch.setattr(gateway, "_SAID_AFTER_SECONDS", 0.0)
    notice = gateway._Notice()
    notice.show(2)
    notice.show(1)
    notice.remove()
    assert [one.rpartition(": ")[2] for one in said] == ["2 requests before yours", "1 request before yours", ""]


def test_a_page_says_how_many_are_before_it_once_it_has_waited_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two others are before this visitor: one whose pass runs, one who used the machine less."""
    queue, said = Turns(), []
    slot = SimpleNamespace(caption=said.append, empty=lambda: said.append(""))
    monkeypatch.setattr(gateway, "turns", queue)
    monkeypatch.setattr(gateway, "visitor", lambda: "me")
    monkeypatch.setattr(gateway, "_SAID_AFTER_SECONDS", 0.2)
    monkeypatch.setattr(gateway.state, "remembered", {gateway.QUEUE_SLOT: slot}.get)
    go_on = threading.Event()
    with queue.turn("other", never):
        pass
    with queue.turn("me", never):
        time.sleep(0.1)  # so that the other one, who used less, goes first

    def other() -> None:
        with queue.turn("other", never):
            time.sleep(0.3)

    def mine() -> None:
        with gateway.during_the_run():
            check_admission()
            go_on.set()

    threads = [threading.Thread(target=work) for work in (other, mine)]
    with queue.turn("running", never):
        for thread in threads:
            thread.start()
        until(lambda: bool(said))
    for thread in threads:
        thread.join(10)
    assert go_on.is_set()
    assert [one.rpartition(": ")[2] for one in said] == ["2 requests before yours", "1 request before yours", ""]
