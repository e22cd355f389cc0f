"""A verdict on one answer, part by part: what is said above the pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from components.gateway.cache import shared
from components.gateway.inputs import encode
from components.gateway.library import gb, import_library
from components.gateway.models import load
from components.gateway.requests import ModelRequest, TextRequest
from components.gateway.settings import permitted

if TYPE_CHECKING:
    from glassbert.evaluation.results import BaselineGap
    from glassbert.targets import Output

__all__ = ["about_probabilities", "baseline_gap", "is_undecided", "proposer_of", "suggesting", "verdict", "voters"]

#: The masked-word model on board, for English without capitals.
_ON_BOARD = "pretrained"

#: The parts of a verdict: the answer, the words, trust, and what flips it.
PARTS = 4


def verdict(
    request: TextRequest,
    target: gb.Target,
    proposer: ModelRequest | None,
    publish: Callable[[gb.Verdict, str], None],
) -> Callable[..., gb.Verdict]:
    """The work of a job. ``publish`` gets the verdict after each part, and what comes next.

    Cost: one pass for the answer; about 20, with gradients, for the words; some hundred short ones for trust; about
    half a second of passes for the flip. On a text of 24 tokens the embedded model takes two to three seconds for all.
    """
    model, encoded = load(request.model), encode(request)
    suggests = suggesting(model, request.model, proposer)

    def work(progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> gb.Verdict:
        import_library()
        from glassbert.verdicts import verdict_parts

        found: list[gb.Verdict] = []
        for latest in verdict_parts(model, encoded, target=target, proposer=suggests, cancelled=cancelled):
            found.append(latest)
            publish(latest, "")
            progress(len(found), PARTS)
        return found[-1]

    return work


def suggesting(model: gb.Model, request: ModelRequest, proposer: ModelRequest | None) -> gb.Model | None:
    """The model that proposes words, see `proposer_of`."""
    chosen = proposer_of(model, request, proposer)
    return None if chosen is None else load(chosen)


def proposer_of(model: gb.Model, request: ModelRequest, proposer: ModelRequest | None) -> ModelRequest | None:
    """``proposer``, else the model on board, for a model that cannot guess words itself but has the same vocabulary,
    and so the language."""
    if proposer is not None:
        return proposer
    ours = ModelRequest(_ON_BOARD, request.device)
    if "masked_words" in model.task_heads or not permitted(_ON_BOARD):
        return None
    return ours if load(ours).tokenizer.get_vocab() == model.tokenizer.get_vocab() else None


def is_undecided(probability: float, next_probability: float, needed: float | None = None) -> bool:
    """Whether an answer is as close as a verdict calls undecided. ``needed``: its probability by the threshold."""
    import_library()
    from glassbert.verdicts.results import lead_of
    from glassbert.verdicts.thresholds import UNDECIDED

    return lead_of(probability, next_probability, needed) < UNDECIDED


def about_probabilities(model: gb.Model) -> str:
    """What the model's card says against its probabilities, a sentence; "" where it says nothing."""
    import_library()
    from glassbert.reports import limits

    return " ".join(limits.about_probabilities(limits.known_weaknesses(model)))


def voters() -> tuple[str, ...]:
    """The quick methods that a verdict asks."""
    import_library()
    return tuple(gb.verdicts.VERDICT_METHODS)


@shared(128)
def baseline_gap(request: TextRequest, target: gb.Target, output: Output, baseline: str) -> BaselineGap:
    """Whether F(text) − F(baseline) is large enough for scores that add up to it to explain F. Two passes."""
    return gb.baseline_gap(load(request.model), encode(request), target=target, output=output, baseline=baseline)
