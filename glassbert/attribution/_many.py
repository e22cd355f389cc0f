"""One method on many texts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from glassbert.arguments import checked
from glassbert.attribution._first_order import forget_first_order, prepare_first_order
from glassbert.attribution._method import Method, cost_of, explain, require_gradients, result_of
from glassbert.attribution._methods import chosen_method, with_options
from glassbert.attribution.results import TokenScores
from glassbert.decision import Passes, Runner, decide
from glassbert.language.classes import classify_many
from glassbert.network.model import Model
from glassbert.network.run import many_passes
from glassbert.results import Encoded
from glassbert.targets import ClassTarget, Output, Target
from glassbert.text.inputs import Text, about_text, encode_many
from glassbert.text.windows import Windows

__all__ = ["attribute_many", "explain_many"]


@with_options
@checked
def attribute_many(
    model: Model,
    texts: Sequence[Text | tuple[str, str]],
    *,
    method: str = "integrated_gradients",
    target: Target | int | str | None = None,
    output: Output = "logit",
    windows: Windows | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    **options: Any,
) -> tuple[TokenScores, ...]:
    """:func:`attribute` for a list of texts, pairs as tuples; the same numbers, in the order of the texts.

    Texts of similar length share passes when finding the predicted classes, and in saliency, input × gradient,
    attention relevance and integrated gradients; other methods process one text at a time. ``forward_passes`` are
    the text's own; ``seconds`` are its share of the total, by passes and length. ``windows`` as for :func:`attribute`;
    texts that are read in windows are explained one at a time, by every method. The errors are those of
    :func:`attribute`, prefixed with the number of the text; OptionError for an empty list.
    """
    chosen, settings = chosen_method(method, options)
    encoded = encode_many(model, texts, windows=windows)
    start = time.perf_counter()
    whole = Passes(cancelled=cancelled)
    whole.report(progress, sum(cost_of(chosen, item, settings) for item in encoded))
    runners = _posed(model, encoded, target, output, whole)
    results = explain_many(runners, chosen, settings)
    rows = np.asarray([runner.passes.count * runner.decision.length for runner in runners])
    seconds = (time.perf_counter() - start) * rows / rows.sum()
    return tuple(
        replace(result, forward_passes=runner.passes.count, seconds=float(share))
        for result, runner, share in zip(results, runners, seconds, strict=True)
    )


def explain_many(runners: Sequence[Runner], chosen: Method, settings: Mapping[str, Any]) -> list[TokenScores]:
    """The scores of a method, settled with all its options, for decisions of one model, in their order.

    Errors about a text name its number.
    """
    model = runners[0].decision.model
    require_gradients(model, chosen)
    at_once = [runner for runner in runners if not runner.decision.in_windows]
    many = chosen.compute_many
    token_rows = sum(runner.decision.length for runner in at_once) * chosen.cost(1, settings)
    if chosen.first_order:
        many_passes(model, lambda: prepare_first_order(at_once, maps=chosen.reads_maps), token_rows)
    raws = iter(() if many is None or not at_once else many_passes(model, lambda: many(at_once, settings), token_rows))
    results = []
    for number, runner in enumerate(runners):
        with about_text(number, len(runners)):
            if many is None or runner.decision.in_windows:
                results.append(explain(runner, chosen, settings))
            else:
                results.append(result_of(runner, chosen, next(raws)))
        forget_first_order(runner)
    return results


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
    # a text in windows finds its class window by window
    at_once = [number for number, item in enumerate(encoded) if not len(item.windows)]
    if open_class and "classification" in model.task_heads and at_once:
        asked = target if isinstance(target, ClassTarget) else ClassTarget()
        found = classify_many(model, [encoded[number] for number in at_once])
        for number, one in zip(at_once, found, strict=True):
            shares[number].add(1)
            targets[number] = replace(asked, label=one.decided(asked.threshold))
    runners = []
    for number, (item, own, share) in enumerate(zip(encoded, targets, shares, strict=True)):
        with about_text(number, len(encoded)):
            runners.append(decide(model, item, own, output, passes=share))
    return runners
