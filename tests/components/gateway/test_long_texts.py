"""Large results are kept while somebody reads the text, whoever else leaves, and then dropped and given back."""

from __future__ import annotations

import subprocess
import sys

import pytest

from components.gateway import long_texts
from components.gateway.long_texts import (
    ABSENT_SECONDS,
    IDLE_SECONDS,
    TURNED_SECONDS,
    Holding,
    Keeper,
    give_memory_back,
)


class Server:
    """A keeper with a clock and visitors of the test's own, and what it did."""

    def __init__(self) -> None:
        self.now = 0.0
        self.present = {"ann", "bob"}
        self.dropped: list[str] = []
        self.given_back = 0
        self.keeper = Keeper(
            present=lambda who: who in self.present, give_back=self._give_back, clock=lambda: self.now, watch=False
        )

    def _give_back(self) -> None:
        self.given_back += 1

    def drop(self, name: str) -> None:
        self.dropped.append(name)

    def drop_other(self, name: str) -> None:
        self.dropped.append(name)

    def use(self, who: str, name: str, text: str = "text", most: int = 2) -> None:
        self.keeper.use(who, Holding(self.drop, (name,), text), most)

    def after(self, seconds: float) -> bool:
        """Look round so much later, as the thread would have on the way."""
        self.keeper.look_round()
        self.now += seconds
        return self.keeper.look_round()


@pytest.fixture
def server() -> Server:
    return Server()


def test_a_result_stays_while_its_visitor_clicks_now_and_then(server: Server) -> None:
    for _ in range(10):
        server.use("ann", "a")
        assert server.after(IDLE_SECONDS - 1)
    assert server.dropped == []
    assert not server.after(1)
    assert server.dropped == ["a"]


def test_another_text_drops_the_old_one_a_little_later(server: Server) -> None:
    server.use("ann", "a", "long")
    server.keeper.turn_to("ann", "short")
    assert server.after(TURNED_SECONDS - 1)
    assert server.dropped == []
    assert not server.after(1)
    assert server.dropped == ["a"]


def test_a_page_that_goes_on_asking_for_another_text_keeps_it(server: Server) -> None:
    server.use("ann", "a", "the other text of two")
    server.keeper.turn_to("ann", "the text of the page")
    server.use("ann", "a", "the other text of two")
    assert server.after(TURNED_SECONDS + 1)
    assert server.dropped == []


def test_the_same_text_is_kept_from_page_to_page(server: Server) -> None:
    server.use("ann", "a", "long")
    server.keeper.turn_to("ann", "long")
    assert server.after(TURNED_SECONDS + 1)
    assert server.dropped == []


def test_a_closed_window_drops_its_results_and_a_lost_connection_does_not(server: Server) -> None:
    server.use("ann", "a")
    server.present.remove("ann")
    assert server.after(ABSENT_SECONDS - 1)
    server.present.add("ann")
    server.use("ann", "a")
    assert server.after(ABSENT_SECONDS + 1)
    assert server.dropped == []
    server.present.remove("ann")
    assert not server.after(ABSENT_SECONDS)
    assert server.dropped == ["a"]


def test_what_two_visitors_read_stays_for_the_second(server: Server) -> None:
    server.use("ann", "a", "long")
    server.use("bob", "a", "long")
    server.keeper.turn_to("ann", "short")
    assert server.after(TURNED_SECONDS)
    assert server.dropped == []
    server.keeper.turn_to("bob", "short")
    assert not server.after(TURNED_SECONDS)
    assert server.dropped == ["a"]


def test_each_visitor_keeps_the_newest_of_a_kind(server: Server) -> None:
    for name in ("a", "b", "a", "c"):
        server.use("ann", name)
    server.use("bob", "d")
    server.keeper.use("ann", Holding(server.drop_other, ("another kind",), "text"), 2)
    assert server.dropped == ["b"]
    assert server.after(1)
    assert server.dropped == ["b"]


def test_memory_is_given_back_as_long_as_something_is_held_and_once_after(server: Server) -> None:
    server.use("ann", "a")
    assert server.after(0)
    assert server.given_back == 2
    server.keeper.turn_to("ann", "short")
    assert not server.after(TURNED_SECONDS)
    assert server.given_back == 4
    assert server.dropped == ["a"]


def test_the_thread_looks_round_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_texts, "_LOOK_SECONDS", 0.001)
    monkeypatch.setattr(long_texts, "ABSENT_SECONDS", 0.0)
    dropped = long_texts.threading.Event()
    keeper = Keeper(present=lambda who: False, give_back=lambda: None)
    for _ in range(2):  # the second time by a second thread, or by the first one that has not ended
        dropped.clear()
        keeper.use("ann", Holding(dropped.set, (), "text"), 1)
        assert dropped.wait(20)


def test_giving_back_works_on_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    give_memory_back()
    monkeypatch.setattr(long_texts.sys, "platform", "win32")
    monkeypatch.setattr(long_texts.ctypes, "CDLL", None)  # where it must not be asked
    give_memory_back()


GAPS = """
import sys
import numpy as np
from components.gateway.long_texts import bound_the_heap

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

if sys.argv[1] == "bounded":
    bound_the_heap()
for _ in range(2):  # the first round teaches glibc that such blocks come and go
    before, kept, blocks = resident(), [], []
    for _ in range(20):
        blocks.append(np.ones(10 * 2**20, dtype=np.uint8))
        kept.append(np.ones(2000, dtype=np.uint8))
    blocks.clear()
    left = resident() - before
print(left // 2**20)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="glibc's heap is what is bounded")
def test_large_blocks_go_back_at_once_though_small_ones_stay() -> None:
    left = {
        arm: int(subprocess.run([sys.executable, "-c", GAPS, arm], capture_output=True, text=True, check=True).stdout)
        for arm in ("bounded", "as it comes")
    }
    assert left["bounded"] < 10
    if left["as it comes"] < 100:
        pytest.skip("here the system takes such blocks back by itself, so nothing shows what bounding them is good for")
