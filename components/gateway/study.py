"""One prediction explained by several methods: scores and receipts arrive one by one while a `Search` runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from components.gateway.inputs import encode
from components.gateway.library import gb
from components.gateway.models import load
from components.gateway.requests import TextRequest
from components.gateway.saliency import page_options
from components.gateway.search import Search

if TYPE_CHECKING:
    from glassbert.targets import Output

__all__ = ["Study", "explain"]


@dataclass(slots=True, eq=False)
class Study:
    """The results so far, by method; methods requested later are added."""

    scores: dict[str, gb.TokenScores] = field(default_factory=dict)
    receipts: dict[str, gb.Receipt] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)

    def lacking(self, methods: Sequence[str]) -> list[str]:
        """Methods whose receipt is neither here nor refused."""
        return [method for method in methods if method not in self.receipts and method not in self.refusals]


def explain(
    search: Search[Study], study: Study, request: TextRequest, target: gb.Target, output: Output, methods: Sequence[str]
) -> Callable[..., Study]:
    """What these methods lack: their scores as each declares, then a receipt each, which cost more."""
    model, encoded = load(request.model), encode(request)
    lacking = study.lacking(methods)
    wanted = [method for method in lacking if method not in study.scores]

    def refuse(method: str, error: Exception) -> None:
        study.refusals[method] = str(error)
        search.arrived += 1

    def work(progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Study:
        search.doing = "Computing the scores …"
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
                study.scores[scores.method] = scores
                search.arrived += 1
        search.doing = "Computing the receipts …"
        judged = [study.scores[method] for method in lacking if method in study.scores]
        found = gb.receipts(model, judged, progress=progress, cancelled=cancelled)
        for scores, receipt in zip(judged, found, strict=True):
            study.receipts[scores.method] = receipt
            search.arrived += 1
        return study

    return work
