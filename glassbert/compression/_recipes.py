"""The kinds of recipes that there are, found in the files of this folder, and what a user's recipe says."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from glassbert.compression._recipe import Recipe
from glassbert.errors import OptionError
from glassbert.results import counted

__all__ = ["RECIPES", "label_of", "steps_of"]

_OTHER_FILES = {"comparing", "compressing", "curve", "drift", "measuring", "results"}


def _discover() -> Mapping[str, Recipe]:
    names = sorted(info.name for info in pkgutil.iter_modules([str(Path(__file__).parent)]))
    files = [name for name in names if not name.startswith("_") and name not in _OTHER_FILES]
    found = [recipe for name in files for recipe in importlib.import_module(f"{__package__}.{name}").RECIPES]
    return MappingProxyType({recipe.name: recipe for recipe in found})


#: Name → kind of recipe.
RECIPES: Mapping[str, Recipe] = _discover()


def steps_of(recipe: Any) -> list[tuple[Recipe, Any]]:
    """A recipe as a chain of kinds, each with its value. Raises OptionError."""
    parts = [recipe] if isinstance(recipe, str | Mapping) else list(recipe)
    steps: list[tuple[Recipe, Any]] = []
    for part in parts:
        if isinstance(part, Mapping):
            steps += [(_kind(name, has_value=True), value) for name, value in part.items()]
        else:
            steps.append((_kind(part, has_value=False), None))
    if not steps:
        raise OptionError(f"the recipe is empty: {_valid()}")
    final = next((step for step, _ in steps[:-1] if step.last), None)
    if final is not None:
        raise OptionError(f'"{final.name}" must be the last of a chain: nothing can be computed from its weights')
    return steps


def _kind(name: Any, *, has_value: bool) -> Recipe:
    found = RECIPES.get(name) if isinstance(name, str) else None
    if found is None or found.has_value != has_value:
        raise OptionError(f"a recipe must be {_valid()}; got {name!r}")
    return found


def _valid() -> str:
    alone = ", ".join(f'"{one.name}"' for one in RECIPES.values() if not one.has_value)
    keys = ", ".join(f'"{one.name}"' for one in RECIPES.values() if one.has_value)
    return f"one of {alone}, a dictionary with a key of {keys}, or a list of these"


def label_of(recipe: Any) -> str:
    """A recipe in a few words: "heads 0.2, int8", "heads 0:3 2:1"."""
    return ", ".join(
        step.name if not step.has_value else f"{step.name} {_short(value)}" for step, value in steps_of(recipe)
    )


def _short(value: Any) -> str:
    if isinstance(value, float | int):
        return f"{value:g}"
    if isinstance(value, Sequence) and not isinstance(value, str) and value and not isinstance(value[0], str):
        pairs = [":".join(map(str, one)) if isinstance(one, tuple | list) else str(one) for one in value]
        return " ".join(pairs) if len(pairs) <= 6 else f"{len(pairs)} of them"
    return f"of {counted(len(value), 'text')}" if hasattr(value, "__len__") else str(value)
