"""How far to trust explanations: checks, receipts, rankings of the methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from components.gateway.cache import shared
from components.gateway.library import gb
from components.gateway.models import load
from components.gateway.requests import ModelRequest, TextRequest
from components.gateway.saliency import attribute

if TYPE_CHECKING:
    from glassbert.evaluation import Check
    from glassbert.evaluation._broken import BrokenKind
    from glassbert.evaluation.results import MethodRanking
    from glassbert.targets import Output

__all__ = ["broken", "checks", "method_ranking", "receipt", "stored_ranking"]


def checks() -> dict[str, Check]:
    """What a receipt can check, by id."""
    return dict(gb.CHECKS)


@shared(64)
def receipt(request: TextRequest, method: str, target: gb.Target, output: Output = "logit") -> gb.Receipt:
    """How far to trust an explanation: about 350 passes on a short text, and the method a few times more."""
    return gb.receipt(load(request.model), attribute(request, method, target, output))


@shared(32)
def broken(
    request: TextRequest, method: str, target: gb.Target, output: Output, kind: BrokenKind, seed: int
) -> tuple[gb.TokenScores, gb.Receipt]:
    """An explanation broken on purpose, and its receipt: about 400 passes of a short text."""
    model = load(request.model)
    scores = gb.broken(model, attribute(request, method, target, output), kind=kind, seed=seed)
    return scores, gb.receipt(model, scores)


def stored_ranking(request: ModelRequest) -> MethodRanking | None:
    """Which methods are faithful for this model, if that was computed before: no pass, a small file is read."""
    return gb.evaluation.stored_ranking(load(request))


# --- work for a job --------------------------------------------------------------------------------------------


def method_ranking(request: ModelRequest) -> Callable[..., MethodRanking]:
    """Every method on sixty short sentences: minutes, once per model."""
    model = load(request)
    return lambda **reports: gb.method_ranking(model, **reports)
