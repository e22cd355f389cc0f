"""What is kept in memory: within a budget of bytes, and only while somebody is there who used it.

All results together, those of background jobs included, and the models take at most ``GLASSBERT_MEMORY``
(`gateway.settings`); what was not used for longest goes first. Models go after results, because reading one again takes
longest: the two that were used last stay whatever their size, and results keep a quarter of the budget beside them. The
newest result stays too.

What only visitors who have left had used is dropped 20 seconds later, and the memory of their sessions is returned to
the system. What is as good as part of the server, such as the embedded models, stays; what the library keeps beside
these for the next receipt goes when nobody is there.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from streamlit import runtime

from components.gateway.long_texts import ABSENT_SECONDS, give_memory_back
from components.gateway.visitors import is_present

__all__ = ["Kept", "Store", "bytes_of", "watch"]

_MODELS_THAT_STAY = 2
_WATCH_SECONDS = 2.0


def bytes_of(value: object) -> int:
    """About how much memory a result or a model occupies: its arrays in full, also those it shows a part of."""
    seen, stack, total = set[int](), [value], 0
    while stack:
        one: Any = stack.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        total += sys.getsizeof(one, 0)
        if is_dataclass(one) and not isinstance(one, type):
            stack += [getattr(one, field.name) for field in fields(one)]
        elif isinstance(one, Mapping):
            stack += [*one.keys(), *one.values()]
        elif isinstance(one, tuple | list | set | frozenset):
            stack += one
        elif hasattr(one, "untyped_storage"):  # a tensor of torch, which is not imported here
            total += one.untyped_storage().nbytes()
        elif hasattr(one, "named_parameters"):  # a network
            stack += [*one.parameters(), *one.buffers()]
        elif getattr(one, "base", None) is not None:  # a part of an array, which keeps the whole
            stack.append(one.base)
    return total


@dataclass(slots=True, eq=False)
class Kept:
    """One value, and what is known about it."""

    value: Any
    size: int
    kind: Hashable
    is_model: bool = False
    stays: bool = False  # though nobody is there
    forget: Callable[[], None] | None = None  # for a value that is held elsewhere
    users: set[str] = field(default_factory=set)
    unused_since: float | None = None  # when the last of them was found to have left


class Store:
    """Values by key, at most ``budget()`` bytes of them."""

    def __init__(self, budget: Callable[[], int]) -> None:
        self._budget = budget
        self._lock = threading.RLock()  # a value that is released can make the garbage collector call `leave`
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()  # the one unused longest first
        self._left: deque[Hashable] = deque()

    @property
    def size(self) -> int:
        """The bytes that are counted now."""
        with self._lock:
            self._forget_those_that_left()
            return sum(kept.size for kept in self._kept.values())

    def find(self, key: Hashable, who: str) -> Kept | None:
        """What is kept under this key, which counts as a use of it by this visitor."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                kept.users.add(who)
            return kept

    def put(self, key: Hashable, kept: Kept, most: int) -> None:
        """Keep a value, at most this many of its kind, and drop what no longer fits."""
        with self._lock:
            self._forget_those_that_left()
            self._kept.pop(key, None)
            self._kept[key] = kept
            same = [one for one, other in self._kept.items() if other.kind == kept.kind]
            dropped = [self._kept.pop(one) for one in same[:-most]]
            dropped += [self._kept.pop(one) for one in self._too_much()]
        for one in dropped:  # outside the lock: its owner may be waiting for it
            if one.forget is not None:
                one.forget()

    def drop(self, key: Hashable) -> None:
        with self._lock:
            self._kept.pop(key, None)

    def drop_kind(self, kind: Hashable) -> None:
        with self._lock:
            for key in [key for key, kept in self._kept.items() if kept.kind == kind]:
                del self._kept[key]

    def drop_what_nobody_uses(self, present: Callable[[str], bool], now: float) -> bool:
        """Drop what visitors who left a while ago were the last to use; returns whether others are still there."""
        with self._lock:
            self._forget_those_that_left()
            users = {who for kept in self._kept.values() for who in kept.users}
            there = {who for who in users if present(who)}
            for key, kept in list(self._kept.items()):
                kept.users &= there
                if kept.users or kept.stays or kept.forget is not None:  # a job goes with its session
                    kept.unused_since = None
                elif kept.unused_since is None:
                    kept.unused_since = now
                elif now - kept.unused_since >= ABSENT_SECONDS:
                    del self._kept[key]
            return bool(there)

    def leave(self, key: Hashable) -> None:
        """The owner of this value is gone. Can be called at any time, by the garbage collector too."""
        self._left.append(key)

    def _forget_those_that_left(self) -> None:
        while self._left:
            self._kept.pop(self._left.popleft(), None)

    def _too_much(self) -> list[Hashable]:
        """The keys of what does not fit, results before models, the ones unused longest first."""
        budget = self._budget()
        newest = next(reversed(self._kept))
        results = [key for key, kept in self._kept.items() if not kept.is_model]
        models = [key for key, kept in self._kept.items() if kept.is_model]
        of_results = sum(self._kept[key].size for key in results)
        total = of_results + sum(self._kept[key].size for key in models)
        dropped: list[Hashable] = []
        for key in results:
            if total <= budget or of_results <= budget // 4 or key == newest:
                break
            dropped.append(key)
            of_results -= self._kept[key].size
            total -= self._kept[key].size
        for key in models[:-_MODELS_THAT_STAY]:
            if total <= budget:
                break
            dropped.append(key)
            total -= self._kept[key].size
        return dropped


def watch(store: Callable[[], Store]) -> None:
    """Look every two seconds, in a thread of its own, for visitors who have left. Does nothing without a server."""
    global _watching
    with _watch_lock:
        if _watching or not isinstance(_server(), runtime.Runtime):
            return
        _watching = True
    threading.Thread(target=_look_round, args=(store,), name="memory", daemon=True).start()


_watching = False
_watch_lock = threading.Lock()


def _look_round(store: Callable[[], Store]) -> None:
    global _watching
    since = time.monotonic()
    while True:
        time.sleep(_WATCH_SECONDS)
        now = time.monotonic()
        if store().drop_what_nobody_uses(is_present, now):
            since = now
            continue
        if now - since >= ABSENT_SECONDS:
            _forget_copies()
        left = _sessions_left()
        gc.collect()  # sessions are full of references to each other
        give_memory_back()
        if not left and now - since > ABSENT_SECONDS + 2 * _WATCH_SECONDS:
            with _watch_lock:
                _watching = False
            return


def _forget_copies() -> None:
    # whoever has not imported it has no copies
    evaluation: Any = sys.modules.get("glassbert.evaluation")
    if evaluation is not None:
        evaluation.forget_copies()


def _server() -> object:
    return runtime.get_instance() if runtime.exists() else None


def _sessions_left() -> int:
    """How many sessions the server remembers, without those whose time is over.

    Streamlit forgets a closed session when the next one is closed, so the last one would stay for ever.
    """
    with suppress(AttributeError):
        manager: Any = getattr(_server(), "_session_mgr")  # noqa: B009
        sessions = manager._session_storage._cache
        sessions.expire()
        return len(sessions) + len(manager.list_active_sessions())
    return 0
