"""Check the arguments of public functions against their annotations before they run.

    @checked
    def fill_mask(model: Model, text: Text, *, top_k: int = 10): ...

    fill_mask(model, None)              # TextTypeError: text must be a string or an Encoded, not None
    fill_mask(model, "a", top_k="3")    # OptionTypeError: top_k must be an integer, not str

Only types are checked here; each function checks the values itself. Classes are compared by name: after a hot reload,
objects that an app has kept are still instances of the old class.
"""

from __future__ import annotations

import collections.abc
import functools
import inspect
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from glassbert.errors import GlassBERTError, OptionError, OptionTypeError, TargetTypeError, TextError, TextTypeError

__all__ = ["check_fields", "checked", "lone_surrogate", "mismatch"]

_Given = ParamSpec("_Given")
_Returned = TypeVar("_Returned")

#: Parameters that hold model input.
_TEXTS = {
    "text",
    "texts",
    "pair",
    "first",
    "second",
    "clean",
    "corrupted",
    "corrupted_pair",
    "question",
    "context",
    "template",
    "candidates",
    "sentences",
}
_NAMES: Mapping[Any, tuple[str, str]] = {  # type → one, several
    int: ("an integer", "integers"),
    float: ("a number", "numbers"),
    str: ("a string", "strings"),
    bool: ("True or False", "booleans"),
    NoneType: ("None", "None"),
    Any: ("a value", "values"),
    collections.abc.Callable: ("a function", "functions"),
    collections.abc.Mapping: ("a dictionary", "dictionaries"),
    dict: ("a dictionary", "dictionaries"),
    np.ndarray: ("an array", "arrays"),
    os.PathLike: ("a path", "paths"),
}


def checked(function: Callable[_Given, _Returned]) -> Callable[_Given, _Returned]:
    """Make a function reject arguments whose types do not match its annotations.

    The decorated function raises TextTypeError, TargetTypeError or OptionTypeError, depending on the parameter, and
    TextError or OptionError for a string with a lone surrogate, which no tokenizer can read.
    """
    signature = inspect.signature(function)
    hints: dict[str, Any] = {}

    @functools.wraps(function)
    def call(*args: _Given.args, **kwargs: _Given.kwargs) -> _Returned:
        if not hints:  # resolved at the first call, when every name in the annotations is defined
            hints.update(get_type_hints(function))
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError:
            return function(*args, **kwargs)  # let Python report missing or unknown parameters
        for name, value in given.items():
            if name in hints and signature.parameters[name].kind not in (
                inspect.Parameter.VAR_KEYWORD,
                inspect.Parameter.VAR_POSITIONAL,
            ):
                _accept(name, value, hints[name])
        return function(*args, **kwargs)

    return call


def check_fields(instance: Any, error: type[GlassBERTError]) -> None:
    """Raise ``error`` unless the fields of a dataclass match its annotations and contain no lone surrogate."""
    cls: Any = type(instance)
    hints = _hints_of(cls)
    for field in fields(instance):
        value = getattr(instance, field.name)
        sentence = mismatch(field.name, value, hints[field.name])
        if not sentence and (found := lone_surrogate(value)):
            sentence = f"{field.name} contains {found}, half of a character: remove it"
        if sentence:
            raise error(f"{cls.__name__}: {sentence}")


@functools.cache
def _hints_of(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)


def _accept(name: str, value: Any, hint: Any) -> None:
    sentence = mismatch(name, value, hint)
    is_text = name in _TEXTS and not _is_model(hint)
    if sentence:
        if name == "target":
            raise TargetTypeError(sentence)
        if not is_text:
            raise OptionTypeError(sentence)
        if isinstance(value, bytes | bytearray):
            sentence += ": decode the bytes first, as in text.decode('utf-8')"
        elif isinstance(value, list | tuple):
            sentence += ": pass one text at a time"
        raise TextTypeError(sentence)
    if found := lone_surrogate(value):
        raise (TextError if is_text else OptionError)(f"{name} contains {found}, half of a character: remove it")


def _is_model(hint: Any) -> bool:
    return getattr(hint, "__name__", "") == "Model"


def lone_surrogate(value: Any) -> str:
    """Locate a lone surrogate in a string or list of strings: "the lone surrogate U+D800 at character 3", else ""."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            return f"the lone surrogate U+{ord(value[error.start]):04X} at character {error.start + 1}"
    elif isinstance(value, Mapping):
        return lone_surrogate([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple):
        return next(filter(None, map(lone_surrogate, value)), "")
    return ""


def mismatch(name: str, value: Any, hint: Any, *, exact: bool = False) -> str:
    """Describe in one sentence how a value's type differs from the annotation; "" if it matches.

    A sequence may be a list, a tuple or an array. With ``exact``, used for saved data, the values of a Literal are
    compared too.
    """
    if _fits(value, hint, exact):
        return ""
    for option in _alternatives(hint):  # report the wrong item, not the whole list
        if _is_list(option) and _is_sequence(value) and get_args(option):
            for number, item in enumerate(value):
                if inner := mismatch(f"{name}[{number}]", item, get_args(option)[0], exact=exact):
                    return inner
    shown = "None" if value is None else type(value).__name__
    return f"{name} must be {_described(hint)}, not {shown}"


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _is_list(hint: Any) -> bool:
    origin = get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Collection) and origin not in (tuple, dict, np.ndarray)


def _is_sequence(value: Any) -> bool:
    """Whether a value is ordered, sized and indexable: a list, tuple, range, array or table column."""
    if isinstance(value, str | bytes | bytearray | Mapping | type) or getattr(value, "ndim", 1) == 0:
        return False
    return hasattr(value, "__len__") and hasattr(value, "__getitem__") and hasattr(value, "__iter__")


def _fits(value: Any, hint: Any, exact: bool) -> bool:
    if hint is Any:
        return True
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, one, exact) for one in inner)
    if origin is Literal:
        return value in inner if exact else isinstance(value, tuple({type(one) for one in inner}))
    if origin is collections.abc.Callable:
        return callable(value)
    if origin in (dict, collections.abc.Mapping):
        return isinstance(value, Mapping) and all(
            _fits(key, inner[0], exact) and _fits(item, inner[1], exact) for key, item in value.items()
        )
    if origin is tuple:
        return _fits_tuple(value, inner, exact)
    if origin is np.ndarray:
        return isinstance(value, np.ndarray)
    if origin is collections.abc.Iterable and not _is_sequence(value):
        wrong = isinstance(value, str | bytes | Mapping | type) or getattr(value, "ndim", 1) == 0
        if wrong or not isinstance(value, collections.abc.Iterable):
            return False
        # an iterator can be consumed only once, so its items are not checked
        return not isinstance(value, Collection) or all(_fits(item, inner[0], exact) for item in value)
    if origin is os.PathLike:
        return isinstance(value, os.PathLike)
    if origin is not None:  # a Sequence
        if isinstance(value, str):
            return inner[0] is str  # to Python a string is a sequence of strings; the function reports what it accepts
        return _is_sequence(value) and all(_fits(item, inner[0], exact) for item in value)
    return _fits_class(value, hint)


def _fits_tuple(value: Any, inner: tuple[Any, ...], exact: bool) -> bool:
    if not _is_sequence(value) or (exact and not isinstance(value, tuple)):
        return False
    if inner[-1] is Ellipsis:
        return all(_fits(item, inner[0], exact) for item in value)
    return len(value) == len(inner) and all(_fits(*both, exact) for both in zip(value, inner, strict=True))


def _fits_class(value: Any, hint: Any) -> bool:
    if hint in (int, float):
        return isinstance(value, Integral if hint is int else Real) and not isinstance(value, bool)
    if hint is bool:
        return isinstance(value, bool | np.bool_)
    name = (hint.__module__, hint.__qualname__)
    return any((base.__module__, base.__qualname__) == name for base in type(value).__mro__)


def _described(hint: Any, several: bool = False) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        parts = [_described(one, several) for one in inner if one is not NoneType]
        parts += ["None"] if NoneType in inner else []
        return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"
    if origin is Literal:
        return _described(type(inner[0]), several) if len(inner) > 6 else " or ".join(map(repr, inner))
    if origin is tuple:
        count = {1: "a tuple", 2: "a pair"}.get(len(inner), "a tuple")
        return f"{'pairs' if several else count} of {_described(inner[0], True)}"
    if (known := _NAMES.get(origin or hint)) is not None:
        return known[several]
    if origin is not None:
        return f"{'lists' if several else 'a list'} of {_described(inner[0], True)}"
    name = str(hint.__name__)
    article = "an" if name[0] in "AEIOU" else "a"
    return name if several else f"{article} {name}"
