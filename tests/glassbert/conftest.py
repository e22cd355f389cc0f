"""Models the library's tests share: tiny ones of every family and task, and the two that ship with the project."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from glassbert import Model, Result
    from tests.glassbert.oracles import Stock


@pytest.fixture(scope="session")
def tiny_model(tiny_checkpoint: Callable[..., Any]) -> Callable[..., Model]:
    """``tiny_model("bert", "classification")`` → the loaded model, once a session."""
    import glassbert as gb

    loaded: dict[tuple[Any, ...], Model] = {}

    def get(family: str, task: str, **options: int) -> Model:
        key = (family, task, *sorted(options.items()))
        if key not in loaded:
            loaded[key] = gb.load(str(tiny_checkpoint(family, task, **options)), device="cpu")
        return loaded[key]

    return get


@pytest.fixture(scope="session")
def stock(tiny_checkpoint: Callable[..., Any]) -> Callable[..., Stock]:
    """The same checkpoints read by transformers alone: the oracle."""
    from tests.glassbert.oracles import Stock

    read: dict[tuple[Any, ...], Stock] = {}

    def get(family: str, task: str, **options: int) -> Stock:
        key = (family, task, *sorted(options.items()))
        if key not in read:
            read[key] = Stock(family, task, tiny_checkpoint(family, task, **options))
        return read[key]

    return get


@pytest.fixture(scope="session")
def pretrained() -> Model:
    import glassbert as gb

    return gb.load("pretrained", device="cpu")


@pytest.fixture(scope="session")
def sentiment() -> Model:
    import glassbert as gb

    return gb.load("sentiment", device="cpu")


@pytest.fixture(scope="session")
def made(tiny_model: Callable[..., Model]) -> Callable[[str], Result]:
    """``made("TokenScores")`` → one of `tests.glassbert.every_result`, made once a session."""
    from tests.glassbert.every_result import MAKE

    return functools.cache(lambda name: MAKE[name](tiny_model))
