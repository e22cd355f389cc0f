"""What is kept and shared between visitors, within one budget of memory.

Every cached function takes small frozen requests and returns a frozen result, which is never copied. All results
together, those of background jobs included, and the models take at most ``GLASSBERT_MEMORY`` (`gateway.settings`); what
was not used for longest goes first. Models go after results, because reading one again takes longest: the two that were
used last stay whatever their size, and results keep a quarter of the budget beside them. The newest result stays too.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeVar

from streamlit.runtime.scriptrunner import StopException

from components.gateway.long_texts import Holding, Keeper, bound_the_heap
from components.gateway.settings import settings
from components.gateway.turns import during_the_run
from components.gateway.visitors import run_is_over, visitor

__all__ = ["Counted", "Store", "bytes_of", "shared", "turn_to", "while_read"]

_F = TypeVar("_F", bound=Callable[..., Any])

_MODELS_THAT_STAY = 2
_LOOK_SECONDS = 0.05


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
class _Kept:
    value: Any
    size: int
    kind: Hashable
    is_model: bool = False
    forget: Callable[[], None] | None = None  # for a value that is held elsewhere


class Store:
    """Values by key, at most ``budget()`` bytes of them."""

    def __init__(self, budget: Callable[[], int]) -> None:
        self._budget = budget
        self._lock = threading.RLock()  # a value that is released can make the garbage collector call `leave`
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()  # the one unused longest first
        self._left: deque[Hashable] = deque()

    @property
    def size(self) -> int:
        """The bytes that are counted now."""
        with self._lock:
            self._forget_those_that_left()
            return sum(kept.size for kept in self._kept.values())

    def find(self, key: Hashable) -> _Kept | None:
        """What is kept under this key, which counts as a use of it."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
            return kept

    def put(self, key: Hashable, kept: _Kept, most: int) -> None:
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


_keeper = Keeper()
_store = Store(lambda: settings().memory * 1_000_000)
_making: weakref.WeakValueDictionary[Hashable, _Making] = weakref.WeakValueDictionary()
_making_lock = threading.Lock()
bound_the_heap()


class _Making:
    """Held by the one visitor who computes what others wait for."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


@contextmanager
def _alone(key: Hashable) -> Iterator[None]:
    """One at a time for each key. A run that nobody waits for any more ends here."""
    with _making_lock:
        making = _making.setdefault(key, _Making())
    while not making.lock.acquire(timeout=_LOOK_SECONDS):
        if run_is_over():
            raise StopException
    try:
        yield
    finally:
        making.lock.release()


def shared(entries: int, *, models: bool = False) -> Callable[[_F], _F]:
    """Cache the results of a function for all users, at most this many of them.

    The passes of the function take turns with those of other visitors, and end with the run that asked for them.
    ``models``: the results are models, which are dropped last.
    """

    def decorate(function: _F) -> _F:
        signature = inspect.signature(function)

        def key_of(*arguments: Any, **named: Any) -> Hashable:
            bound = signature.bind(*arguments, **named)
            bound.apply_defaults()
            return (function, *bound.arguments.values())

        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            key = key_of(*arguments, **named)
            kept = _store.find(key)
            if kept is not None:
                return kept.value
            with _alone(key):
                kept = _store.find(key)
                if kept is None:
                    with during_the_run():
                        value = function(*arguments, **named)
                    kept = _Kept(value, bytes_of(value), function, models)
                    _store.put(key, kept, entries)
            return kept.value

        def clear(*arguments: Any, **named: Any) -> None:
            if arguments or named:
                _store.drop(key_of(*arguments, **named))
            else:
                _store.drop_kind(function)

        call.clear = clear  # type: ignore[attr-defined]
        return call  # type: ignore[return-value]

    return decorate


def while_read(entries: int, each: int) -> Callable[[_F], _F]:
    """Keep large results as long as `long_texts` says: this many for all users, and ``each`` per user.

    For functions whose first argument has a ``text`` and a ``pair``, those of the page.
    """

    def decorate(function: _F) -> _F:
        cached: Any = shared(entries)(function)

        @functools.wraps(function)
        def call(request: Any, *rest: Any) -> Any:
            arguments = (request, *rest)
            _keeper.use(visitor(), Holding(cached.clear, arguments, (request.text, request.pair)), each)
            return cached(*arguments)

        return call  # type: ignore[return-value]

    return decorate


class Counted:
    """A value that somebody else keeps, as it counts here."""

    def __init__(self, owner: object, value: object, forget: Callable[[], None]) -> None:
        """``forget``, which must not refer to ``owner``, is called when its memory is needed for something newer."""
        self._key = (Counted, object())
        _store.put(self._key, _Kept(None, bytes_of(value), self._key, forget=forget), most=1)
        weakref.finalize(owner, _store.leave, self._key).atexit = False

    def use(self) -> None:
        """It was used now."""
        _store.find(self._key)

    def drop(self) -> None:
        """It is not kept any more."""
        _store.leave(self._key)


def turn_to(text: str, pair: str | None) -> None:
    """The page of this visitor shows this text now; large results on others go soon."""
    _keeper.turn_to(visitor(), (text, pair))
