"""The memory of long texts: kept while a text is in use, returned to the system soon after.

The weights of 512 tokens in 12 × 12 heads are 151 MB, so results must not outlive their use. Each visitor holds
the few newest results of a kind, on the text of the page. Results that no visitor holds are dropped, and their memory
is returned to the system:

- 5 seconds after a visitor switched to another text, unless the page keeps requesting the old one;
- 20 seconds after the last window on it was closed or lost its connection;
- 5 minutes after the last click, in a window left open.

The price: a visitor who returns later than that, or for whom the caches have no room, waits for
one forward pass, a fraction of a second for the embedded models and 1 to 2 s for a BERT-base; every other click finds
its result.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from components.gateway.visitors import is_present

__all__ = ["Holding", "Keeper", "bound_the_heap", "give_memory_back"]

IDLE_SECONDS = 300.0
ABSENT_SECONDS = 20.0
TURNED_SECONDS = 5.0
_LOOK_SECONDS = 2.0
# Parameters of glibc's mallopt; setting one disables its dynamic adjustment.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
# Every run of a page is a thread, and glibc gives each a heap of its own, up to eight for every core.
_HEAPS = 2
_LARGE_BLOCK_BYTES, _KEPT_BYTES = 8 * 2**20, 64 * 2**20


@dataclass(frozen=True, slots=True)
class Holding:
    """One cached result: ``forget(*arguments)`` drops it. ``text``: what it is about."""

    forget: Callable[..., Any]
    arguments: tuple[Hashable, ...]
    text: Hashable


def give_memory_back() -> None:
    """Return freed memory to the system: glibc would keep it, 200 MB after a text of 512 tokens.

    Takes 0.04 ms if there is nothing to return, 20 ms for 100 MB. Does nothing with another C library.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def bound_the_heap() -> None:
    """Make the C library return every large block as soon as it is freed, for the whole process.

    glibc raises the size threshold for this with every large block it frees, up to 32 MB, and then keeps the blocks of
    a long text in heaps, one per thread, that become fragmented: value zeroing of 512 tokens occupied 1.4 GB to use
    110 MB. Blocks of a short text stay below the threshold and are reused. All threads share two heaps. Does nothing
    with another C library.
    """
    limit = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if limit is not None:
        limit(_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)
        limit(_TRIM_THRESHOLD, _KEPT_BYTES)
        limit(_ARENA_MAX, _HEAPS)


class Keeper:
    """Records which visitor holds which result until when. A thread checks every two seconds while anything is held."""

    def __init__(
        self,
        *,
        present: Callable[[str], bool] = is_present,
        give_back: Callable[[], None] = give_memory_back,
        clock: Callable[[], float] = time.monotonic,
        watch: bool = True,
    ) -> None:
        """``watch=False``: whoever made it calls `look_round`, for tests."""
        self._present, self._give_back, self._clock, self._watch = present, give_back, clock, watch
        self._lock = threading.Lock()
        self._held: dict[str, dict[Holding, float]] = {}  # visitor → holding, the newest last → kept until
        self._watching = False

    def use(self, who: str, holding: Holding, most: int) -> None:
        """This visitor requests a result, and keeps the newest ``most`` of its kind."""
        with self._lock:
            mine = self._held.setdefault(who, {})
            mine.pop(holding, None)
            mine[holding] = self._clock() + IDLE_SECONDS
            kind = [held for held in mine if held.forget == holding.forget]
            unheld = self._drop([(who, held) for held in kind[:-most]])
            starts = self._watch and not self._watching
            self._watching = self._watching or starts
        self._forget(unheld)
        if starts:
            threading.Thread(target=self._look_round_for_ever, name="long texts", daemon=True).start()

    def turn_to(self, who: str, text: Hashable) -> None:
        """This visitor's page now shows this text. Results on others are kept briefly: it may request them again."""
        with self._lock:
            self._shorten(who, self._clock() + TURNED_SECONDS, but=text)

    def look_round(self) -> bool:
        """Drop expired results and return free memory; returns whether anything is still held."""
        with self._lock:
            now = self._clock()
            for who in self._held:
                if not self._present(who):
                    self._shorten(who, now + ABSENT_SECONDS)
            over = [(who, held) for who, mine in self._held.items() for held, until in mine.items() if until <= now]
            unheld = self._drop(over)
            self._watching = goes_on = bool(self._held)
        self._forget(unheld)
        self._give_back()  # each time: computing from a long text takes hundreds of MB temporarily
        return goes_on

    def _shorten(self, who: str, until: float, but: Hashable = None) -> None:
        mine = self._held.get(who, {})
        for held in mine:
            if but is None or held.text != but:
                mine[held] = min(mine[held], until)

    def _drop(self, pairs: list[tuple[str, Holding]]) -> list[Holding]:
        """Release expired holdings; returns those that no visitor holds any more."""
        for who, holding in pairs:
            del self._held[who][holding]
            if not self._held[who]:
                del self._held[who]
        still = {held for mine in self._held.values() for held in mine}
        return [holding for _, holding in pairs if holding not in still]

    def _forget(self, unheld: list[Holding]) -> None:
        # outside the lock: a cache has a lock of its own, and its owner may be waiting for this one
        for holding in unheld:
            holding.forget(*holding.arguments)

    def _look_round_for_ever(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            if not self.look_round():
                return
