"""Attribution: how much each token contributed to a prediction, and how far to trust it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from components.gateway.cache import shared
from components.gateway.inputs import encode
from components.gateway.library import gb
from components.gateway.models import load
from components.gateway.requests import TextRequest

if TYPE_CHECKING:
    from glassbert.targets import Output

__all__ = ["Explanations", "attribute", "default_methods", "explain", "methods", "page_options", "passes_of"]


def methods() -> dict[str, gb.Method]:
    """Attribution methods by id."""
    return dict(gb.METHODS)


def default_methods() -> tuple[str, ...]:
    """The methods shown side by side by default."""
    return tuple(gb.DEFAULT_METHODS)


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


@dataclass(frozen=True, slots=True, eq=False)
class Explanations:
    """One prediction explained by several methods: what has been computed so far, by method."""

    scores: Mapping[str, gb.TokenScores] = field(default_factory=dict)
    receipts: Mapping[str, gb.Receipt] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)

    def lacking(self, methods: Sequence[str]) -> list[str]:
        """Methods whose receipt is neither here nor refused."""
        return [method for method in methods if method not in self.receipts and method not in self.refusals]


def explain(
    request: TextRequest,
    target: gb.Target,
    output: Output,
    methods: Sequence[str],
    found: Explanations,
    publish: Callable[[Explanations, str], None],
) -> Callable[..., Explanations]:
    """The work of a job: for the methods that ``found`` lacks, their scores, then a receipt each, which costs more.

    ``publish`` gets the explanations after each arrival, and what is computed next.
    """
    model, encoded = load(request.model), encode(request)
    lacking = found.lacking(methods)
    wanted = [method for method in lacking if method not in found.scores]

    def work(progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Explanations:
        now, doing = found, "Computing the scores …"

        def refuse(method: str, error: Exception) -> None:
            nonlocal now
            now = replace(now, refusals={**now.refusals, method: str(error)})
            publish(now, doing)

        publish(now, doing)
        if wanted:
            for scores in gb.attribute_each(
                model,
                encoded,
                methods=wanted,
                target=target,
                output=output,
                options={method: page_options(method) for method in wanted},
                on_error=refuse,
                progress=progress,
                cancelled=cancelled,
            ):
                now = replace(now, scores={**now.scores, scores.method: scores})
                publish(now, doing)
        doing = "Computing the receipts …"
        publish(now, doing)
        explained = [now.scores[method] for method in lacking if method in now.scores]
        for receipt in gb.receipts(model, explained, progress=progress, cancelled=cancelled):
            now = replace(now, receipts={**now.receipts, receipt.method: receipt})
            publish(now, doing)
        return now

    return work
