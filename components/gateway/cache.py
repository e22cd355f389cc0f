"""What is computed once and shared between visitors, as long as `gateway.memory` has room for it.

Every cached function takes small frozen requests and returns a frozen result, which is never copied.
"""

from __future__ import annotations

import functools
import inspect
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from streamlit.runtime.scriptrunner import StopException

from components.gateway.long_texts import Holding, Keeper, bound_the_heap
from components.gateway.memory import Kept, Store, bytes_of, watch
from components.gateway.settings import settings
from components.gateway.turns import during_the_run
from components.gateway.visitors import run_is_over, visitor

__all__ = ["Counted", "shared", "turn_to", "while_read"]

_F = TypeVar("_F", bound=Callable[..., Any])

_LOOK_SECONDS = 0.05


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


def shared(entries: int, *, models: bool = False, stays: Callable[..., bool] = lambda *_: False) -> Callable[[_F], _F]:
    """Cache the results of a function for all users, at most this many of them.

    The passes of the function take turns with those of other visitors, and end with the run that asked for them.
    ``models``: the results are models, which are dropped last. ``stays``: whether the result of these arguments is kept
    though nobody is there.
    """

    def decorate(function: _F) -> _F:
        signature = inspect.signature(function)

        def key_of(*arguments: Any, **named: Any) -> Hashable:
            bound = signature.bind(*arguments, **named)
            bound.apply_defaults()
            return (function, *bound.arguments.values())

        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            key, who = key_of(*arguments, **named), visitor()
            kept = _store.find(key, who)
            if kept is not None:
                return kept.value
            with _alone(key):
                kept = _store.find(key, who)
                if kept is None:
                    with during_the_run():
                        value = function(*arguments, **named)
                    kept = Kept(value, bytes_of(value), function, models, stays(*arguments, **named), users={who})
                    _store.put(key, kept, entries)
                    watch(lambda: _store)
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
        _store.put(self._key, Kept(None, bytes_of(value), self._key, forget=forget), most=1)
        weakref.finalize(owner, _store.leave, self._key).atexit = False

    def use(self) -> None:
        """It was used now."""
        _store.find(self._key, "")

    def drop(self) -> None:
        """It is not kept any more."""
        _store.leave(self._key)


def turn_to(text: str, pair: str | None) -> None:
    """The page of this visitor shows this text now; large results on others go soon."""
    _keeper.turn_to(visitor(), (text, pair))
