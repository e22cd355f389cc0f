"""Several methods on one input, one after another, sharing passes where possible."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from glassbert.arguments import checked
from glassbert.attribution._first_order import forget_first_order
from glassbert.attribution._method import Method, cost_of, explain
from glassbert.attribution._methods import DEFAULT_METHODS, METHODS, chosen_method
from glassbert.attribution.results import TokenScores
from glassbert.decision import Passes, Runner, decide
from glassbert.errors import GlassBERTError, OptionError, StoppedError
from glassbert.network.model import Model
from glassbert.targets import Output, Target
from glassbert.text.inputs import Text, encode
from glassbert.text.windows import Windows

__all__ = ["attribute_each"]


@checked
def attribute_each(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    methods: Sequence[str] = DEFAULT_METHODS,
    target: Target | int | str | None = None,
    output: Output = "logit",
    options: Mapping[str, Mapping[str, Any]] | None = None,
    windows: Windows | None = None,
    on_error: Callable[[str, GlassBERTError], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[TokenScores]:
    """:func:`attribute` with several methods, each result yielded as soon as it is ready, the cheapest methods first.

    The target is found once. Methods that need no more than F(x), its gradient and the attention weights share one
    forward and one backward pass. ``options`` is method id → its options. Every pass is counted once: for the method
    it was run for, a shared pass for the first method that used it, the pass that found the target for the first
    result. So ``forward_passes`` of all results add up to the total, and a method that only reused passes reports 0.
    ``on_error(method id, error)`` is called for a method that does not support this model, target or option, and the
    others continue; without it the error is raised. Errors of the text or the target, and StoppedError, are always
    raised.
    ``windows`` as for :func:`attribute`; methods share no passes there. ``progress`` and ``cancelled`` as for
    :func:`attribute`, over all methods.
    """
    asked = tuple(dict.fromkeys(methods))  # once each
    if isinstance(methods, str) or not asked:
        raise OptionError(f"methods {methods!r}: pass a list with at least one of {', '.join(METHODS)}")
    for method in (options or {}).keys() - set(asked):
        raise OptionError(f"options for {method}, which is not among the requested methods: {', '.join(asked)}")

    def refuse(method: str, error: GlassBERTError) -> None:
        if on_error is None:
            raise error
        on_error(method, error)

    chosen = []
    for method in asked:
        try:
            chosen.append(chosen_method(method, (options or {}).get(method, {})))
        except GlassBERTError as error:
            refuse(method, error)
    encoded, passes = encode(model, text, pair, windows=windows), Passes(cancelled=cancelled)
    # stable: methods of equal cost keep the requested order
    chosen.sort(key=lambda one: (not one[0].first_order, cost_of(one[0], encoded, one[1])))
    # in windows, nothing is kept from one method to the next
    shared = 0 if len(encoded.windows) else sum(method.first_order for method, _ in chosen)
    costs = sum(cost_of(method, encoded, settings) for method, settings in chosen)
    passes.report(progress, costs - max(0, shared - 1))
    return _explained(lambda: decide(model, encoded, target, output, passes=passes), chosen, refuse)


def _explained(
    ask: Callable[[], Runner],
    chosen: Sequence[tuple[Method, Mapping[str, Any]]],
    refuse: Callable[[str, GlassBERTError], None],
) -> Iterator[TokenScores]:
    start = time.perf_counter()
    runner = ask()
    owed_passes, owed_seconds = runner.passes.count, time.perf_counter() - start
    for method, settings in chosen:
        if not method.first_order:
            forget_first_order(runner)
        try:
            scores = explain(runner, method, settings)
        except StoppedError:
            raise
        except GlassBERTError as error:
            refuse(method.id, error)
            continue
        yield replace(scores, forward_passes=scores.forward_passes + owed_passes, seconds=scores.seconds + owed_seconds)
        owed_passes, owed_seconds = 0, 0.0
