"""One method on many texts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from glassbert.arguments import checked
from glassbert.attribution._first_order import forget_first_order, prepare_first_order
from glassbert.attribution._method import explain, result_of
from glassbert.attribution._methods import chosen_method, with_options
from glassbert.attribution.results import TokenScores
from glassbert.decision import Passes, Runner, decide
from glassbert.language.classes import classify_many
from glassbert.network.model import Model
from glassbert.network.run import many_passes
from glassbert.results import Encoded
from glassbert.targets import ClassTarget, Output, Target
from glassbert.text.inputs import Text, about_text, encode_many

__all__ = ["attribute_many"]


@with_options
@checked
def attribute_many(
    model: Model,
    texts: Sequence[Text | tuple[str, str]],
    *,
    method: str = "integrated_gradients",
    target: Target | int | str | None = None,
    output: Output = "logit",
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    **options: Any,
) -> tuple[TokenScores, ...]:
    """:func:`attribute` for a list of texts, pairs as tuples; the same numbers, in the order of the texts.

    Texts of similar length share passes when finding the predicted classes, and in saliency, input × gradient,
    attention relevance and integrated gradients; other methods process one text at a time. ``forward_passes`` are
    the text's own; ``seconds`` are its share of the total, by passes and length. The errors are those of
    :func:`attribute`, prefixed with the number of the text; OptionError for an empty list.
    """
    chosen, settings = chosen_method(method, options)
    encoded = encode_many(model, texts)
    start = time.perf_counter()
    whole = Passes(cancelled=cancelled)
    whole.report(progress, sum(chosen.cost(len(item), settings) for item in encoded))
    runners = _posed(model, encoded, target, output, whole)
    tokens = sum(runner.decision.length for runner in runners)
    many = chosen.compute_many
    token_rows = tokens * chosen.cost(1, settings)
    if chosen.first_order:
        many_passes(model, lambda: prepare_first_order(runners), token_rows)
    raws = None if many is None else many_passes(model, lambda: many(runners, settings), token_rows)
    results = []
    for number, runner in enumerate(runners):
        with about_text(number, len(texts)):
            if raws is None:
                results.append(explain(runner, chosen, settings))
            else:
                results.append(result_of(runner, chosen, raws[number]))
        forget_first_order(runner)
    rows = np.asarray([runner.passes.count * runner.decision.length for runner in runners])
    seconds = (time.perf_counter() - start) * rows / rows.sum()
    return tuple(
        replace(result, forward_passes=runner.passes.count, seconds=float(share))
        for result, runner, share in zip(results, runners, seconds, strict=True)
    )


@dataclass(slots=True)
class _Share(Passes):
    """The passes of one text, reported to the total, which can cancel them."""

    whole: Passes = field(default_factory=Passes)

    def add(self, inputs: int) -> None:
        self.whole.add(inputs)
        self.count += inputs


def _posed(
    model: Model, encoded: Sequence[Encoded], target: Target | int | str | None, output: Output, whole: Passes
) -> list[Runner]:
    """One runner per text; if the class is open, all predicted classes are found together."""
    shares = [_Share(whole=whole) for _ in encoded]
    targets: list[Target | int | str | None] = [target] * len(encoded)
    open_class = target is None or (isinstance(target, ClassTarget) and target.label is None)
    if open_class and "classification" in model.task_heads:
        for share in shares:
            share.add(1)
        asked = target if isinstance(target, ClassTarget) else ClassTarget()
        targets = [replace(asked, label=one.decided(asked.threshold)) for one in classify_many(model, encoded)]
    runners = []
    for number, (item, own, share) in enumerate(zip(encoded, targets, shares, strict=True)):
        with about_text(number, len(encoded)):
            runners.append(decide(model, item, own, output, passes=share))
    return runners
