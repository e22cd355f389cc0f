"""Attribution: how much each token contributed to a prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.gateway.cache import shared
from components.gateway.inputs import encode
from components.gateway.library import gb
from components.gateway.models import load
from components.gateway.requests import TextRequest

if TYPE_CHECKING:
    from glassbert.targets import Output

__all__ = ["attribute", "default_methods", "methods", "page_options", "passes_of"]


def methods() -> dict[str, gb.Method]:
    """Attribution methods by id."""
    return dict(gb.METHODS)


def default_methods() -> tuple[str, ...]:
    """The methods shown side by side by default."""
    return tuple(gb.attribution.DEFAULT_METHODS)


def page_options(method: str) -> dict[str, Any]:
    """Where a page differs from the library's defaults.

    Integrated gradients accept an error of 5 %, which the panel states: the first 12 passes are enough for most short
    texts, whose error is then 1 or 2 %; the last per cent takes half as many passes again.
    """
    return {"tolerance": 0.05} if method == "integrated_gradients" else {}


def passes_of(method: gb.Method, tokens: int) -> int:
    """How many passes the method declares for a text of this length, with the options of a page."""
    return method.cost(tokens, {**method.options, **page_options(method.id)})


@shared(256)
def attribute(request: TextRequest, method: str, target: gb.Target, output: Output = "logit") -> gb.TokenScores:
    """As many forward passes as the method declares."""
    return gb.attribute(
        load(request.model), encode(request), method=method, target=target, output=output, **page_options(method)
    )
