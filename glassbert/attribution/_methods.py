"""The available methods, the default ones, and those omitted on purpose."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from glassbert.attribution._method import Method
from glassbert.errors import MethodError

__all__ = ["DEFAULT_METHODS", "LEFT_OUT", "METHODS", "chosen_method", "with_options"]


def _discover() -> Mapping[str, Method]:
    files = pkgutil.iter_modules([str(Path(__file__).parent)])
    names = sorted(info.name for info in files if not info.name.startswith("_") and info.name != "results")
    methods = (importlib.import_module(f"{__package__}.{name}").METHOD for name in names)
    return MappingProxyType({method.id: method for method in methods})


#: Method id → what the method declares about itself.
METHODS: Mapping[str, Method] = _discover()

#: Five with different perspectives on a decision: along attention, at the input, along a path from an empty text, with
#: each word hidden in turn, and by rules that propagate the value back layer by layer.
DEFAULT_METHODS: tuple[str, ...] = (
    "attention_relevance",
    "input_x_gradient",
    "integrated_gradients",
    "occlusion",
    "attn_lrp",
)

#: Well-known methods that are omitted → the reason. Measured on the embedded classifier, Captum 0.9.
LEFT_OUT: Mapping[str, str] = MappingProxyType(
    {
        "deeplift": "its scores should add up to F(x) − F(baseline), but on BERT they do not: over 16 sentences they "
        "were off by 55 to 232% of it, because Captum's DeepLift has no rule for GELU, LayerNorm and the products of "
        "attention and uses the plain gradient there; use integrated_gradients instead",
        "guided_backprop": "it only changes the gradient of ReLU, and BERT has no ReLU, so it equals the plain "
        "gradient exactly; use saliency instead",
        "lrp": "Captum's LRP has no rules for embeddings and attention and rejects BERT; use attn_lrp instead",
    }
)


def chosen_method(method: str, options: Mapping[str, Any]) -> tuple[Method, dict[str, Any]]:
    """The method of this id, and its options completed with defaults. Raises MethodError, OptionError."""
    chosen = METHODS.get(method)
    if chosen is None:
        why = LEFT_OUT.get(method)
        got = f"{method!r}, which is left out: {why}" if why else repr(method)
        raise MethodError(f"method must be one of {', '.join(METHODS)}; got {got}")
    return chosen, chosen.settings(options)


_Function = TypeVar("_Function", bound=Callable[..., Any])


def with_options(function: _Function) -> _Function:
    """The function, its docstring with a section on the options of each method."""
    sections = [
        f"{method.id}\n" + "\n".join(textwrap.indent(option.described(), "    ") for option in method.parameters)
        for method in METHODS.values()
        if method.parameters
    ]
    without = ", ".join(method.id for method in METHODS.values() if not method.parameters)
    listed = textwrap.indent("\n".join([*sections, f"none: {without}"]), "    ")
    function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\nOptions of each method:\n\n{listed}"
    return function
