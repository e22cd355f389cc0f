"""What is kept and shared between visitors. The only user of ``st.cache_*``.

Every cached function takes small frozen requests and returns a frozen result, which is never copied.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from components.gateway.long_texts import Holding, Keeper, bound_the_heap, visitor
from components.gateway.turns import during_the_run

__all__ = ["shared", "turn_to", "while_read"]

_F = TypeVar("_F", bound=Callable[..., Any])

_keeper = Keeper()
bound_the_heap()


def shared(entries: int) -> Callable[[_F], _F]:
    """Cache the results of a function for all users, this many of them.

    What it computes takes its turn among all visitors, and ends with the run of the page that asked for it.
    """

    def decorate(function: _F) -> _F:
        @functools.wraps(function)
        def compute(*arguments: Any, **named: Any) -> Any:
            with during_the_run():
                return function(*arguments, **named)

        cached: Any = st.cache_resource(max_entries=entries, show_spinner=False)(compute)
        return cached  # type: ignore[no-any-return]

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


def turn_to(text: str, pair: str | None) -> None:
    """The page of this visitor shows this text now; large results on others go soon."""
    _keeper.turn_to(visitor(), (text, pair))
