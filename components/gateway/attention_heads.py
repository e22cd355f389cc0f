"""What single heads do, how much a prediction needs them, and what changes without them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from components.gateway import attention
from components.gateway.cache import shared
from components.gateway.library import gb
from components.gateway.models import load
from components.gateway.requests import TextRequest

if TYPE_CHECKING:
    from glassbert.heads import HeadLabel
    from glassbert.heads.results import AblationSweep, HeadDistances, HeadImportance, HeadProfile

__all__ = ["ablation_sweep", "head_distances", "head_importance", "head_labels", "head_profile"]


@shared(64)
def head_profile(request: TextRequest) -> HeadProfile:
    """No forward pass."""
    return gb.head_profile(attention.maps(request))


@shared(64)
def head_distances(request: TextRequest) -> HeadDistances:
    """No forward pass."""
    return gb.head_distances(attention.maps(request))


@shared(64)
def head_importance(request: TextRequest, target: gb.Target) -> HeadImportance:
    """Two forward passes and a backward pass, layer by layer."""
    return gb.head_importance(load(request.model), request.text, request.pair, target=target)


def head_labels() -> dict[str, HeadLabel]:
    """Names for what heads do, with their rules, by id."""
    return dict(gb.heads.HEAD_LABELS)


def ablation_sweep(
    request: TextRequest, target: gb.Target, mode: Literal["one_at_a_time", "greedy"]
) -> Callable[..., AblationSweep]:
    """The work of a job, which keeps the result: about 0.3 passes per head."""
    model = load(request.model)
    return lambda **reports: gb.ablation_sweep(model, request.text, request.pair, target=target, mode=mode, **reports)
