"""Attribution and how far to trust it: scores, receipts, rankings of the methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from components import state
from components.gateway.cache import shared
from components.gateway.inputs import encode
from components.gateway.library import gb
from components.gateway.models import load
from components.gateway.requests import ModelRequest, TextRequest

if TYPE_CHECKING:
    from glassbert.evaluation import Check
    from glassbert.evaluation._broken import BrokenKind
    from glassbert.evaluation.results import MethodAgreement, MethodRanking, Scoreboard
    from glassbert.targets import Output

__all__ = [
    "Explanations",
    "attribute",
    "broken",
    "checks",
    "default_methods",
    "long_attribution",
    "method_agreement",
    "method_ranking",
    "methods",
    "page_options",
    "passes_needed",
    "passes_of",
    "receipt",
    "scoreboard",
    "scores_and_receipts",
    "stored_ranking",
    "told",
]


def methods() -> dict[str, gb.Method]:
    """Attribution methods by id."""
    return dict(gb.METHODS)


def told(method: gb.Method) -> str:
    """A method's name, and in the plain view what it does: "LIME: a simple model of hidden words"."""
    if state.view().expert:
        return method.label
    return f"{method.label}: {method.in_words[0].lower()}{method.in_words[1:]}"


def default_methods() -> tuple[str, ...]:
    """The methods shown side by side by default."""
    return tuple(gb.attribution.DEFAULT_METHODS)


def checks() -> dict[str, Check]:
    """What a receipt can check, by id."""
    return dict(gb.CHECKS)


def page_options(method: str) -> dict[str, Any]:
    """Where a page differs from the library's defaults.

    Integrated gradients accept an error of 5%, which the panel shows: the first 12 passes are enough for most short
    texts, whose error is then 1 or 2%; a tolerance of 1% takes half as many passes more.
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


def long_attribution(request: TextRequest, method: str, target: gb.Target) -> Callable[..., gb.TokenScores]:
    """The same as the work of a job."""
    model, encoded = load(request.model), encode(request)
    return lambda **reports: gb.attribute(
        model, encoded, method=method, target=target, **page_options(method), **reports
    )


# --- several methods at once, with their receipts ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Explanations:
    """One prediction explained by several methods: what has been computed so far, by method."""

    scores: Mapping[str, gb.TokenScores] = field(default_factory=dict)
    receipts: Mapping[str, gb.Receipt] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)

    def lacking(self, methods: Sequence[str]) -> list[str]:
        """Methods whose receipt is neither here nor refused."""
        return [method for method in methods if method not in self.receipts and method not in self.refusals]


def scores_and_receipts(
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
    scoring, checking = passes_needed(wanted, lacking, len(encoded))
    everything = 1000 * max(scoring + checking, 1)

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
                progress=lambda done, of: progress(int(1000 * scoring * done / max(of, 1)), everything),
                cancelled=cancelled,
            ):
                now = replace(now, scores={**now.scores, scores.method: scores})
                publish(now, doing)
        doing = "Computing the receipts …"
        publish(now, doing)
        explained = [now.scores[method] for method in lacking if method in now.scores]
        for receipt in gb.receipts(
            model,
            explained,
            progress=lambda done, of: progress(int(1000 * (scoring + checking * done / max(of, 1))), everything),
            cancelled=cancelled,
        ):
            now = replace(now, receipts={**now.receipts, receipt.method: receipt})
            publish(now, doing)
        return now

    return work


def passes_needed(scored: Sequence[str], checked: Sequence[str], tokens: int) -> tuple[int, int]:
    """Forward passes, roughly, for the scores of some methods and for the receipts of some."""
    known = methods()
    scoring = sum(passes_of(known[method], tokens) for method in scored)
    # a receipt runs some 350 altered inputs, and its method three times more
    return scoring, sum(350 + 3 * passes_of(known[method], tokens) for method in checked)


# --- one receipt, and the methods compared ----------------------------------------------------------------------


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


def method_agreement(scores: Sequence[gb.TokenScores]) -> MethodAgreement:
    """How far the methods agree on one text; no pass."""
    return gb.method_agreement(scores)


def scoreboard(receipts: Sequence[gb.Receipt]) -> Scoreboard:
    """The methods on one text in the order of their receipts; no pass."""
    return gb.scoreboard(receipts)


def stored_ranking(request: ModelRequest) -> MethodRanking | None:
    """Which methods are faithful for this model, if that was computed before: no pass, a small file is read."""
    return gb.evaluation.stored_ranking(load(request))


def method_ranking(request: ModelRequest) -> Callable[..., MethodRanking]:
    """The work of a job: every method on sixty short sentences, minutes, once per model."""
    model = load(request)
    return lambda **reports: gb.method_ranking(model, **reports)
