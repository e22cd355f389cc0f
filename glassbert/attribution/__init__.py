"""Attribution: which tokens drove a decision. One file per method.

A file of this folder that defines ``METHOD`` is a method; adding one requires no other change.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, overload

from glassbert.arguments import checked
from glassbert.attribution._each import attribute_each
from glassbert.attribution._many import attribute_many, explain_many
from glassbert.attribution._method import Method, cost_of, explain
from glassbert.attribution._methods import DEFAULT_METHODS, LEFT_OUT, METHODS, chosen_method, with_options
from glassbert.attribution._options import Option
from glassbert.attribution.results import TokenScores
from glassbert.decision import Passes, decide
from glassbert.network.model import Model
from glassbert.targets import Output, Target
from glassbert.text.inputs import Text, encode, require_no_pair
from glassbert.text.windows import Windows

__all__ = [
    "DEFAULT_METHODS",
    "LEFT_OUT",
    "METHODS",
    "Method",
    "Option",
    "attribute",
    "attribute_each",
    "attribute_many",
    "chosen_method",
    "cost_of",
    "explain",
    "explain_many",
]


@overload
def attribute(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    method: str = "integrated_gradients",
    target: Target | int | str | None = None,
    output: Output = "logit",
    windows: Windows | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    **options: Any,
) -> TokenScores: ...
@overload
def attribute(
    model: Model,
    text: list[Text | tuple[str, str]],
    *,
    method: str = "integrated_gradients",
    target: Target | int | str | None = None,
    output: Output = "logit",
    windows: Windows | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    **options: Any,
) -> tuple[TokenScores, ...]: ...
@with_options
@checked
def attribute(
    model: Model,
    text: Text | list[Text | tuple[str, str]],
    pair: str | None = None,
    *,
    method: str = "integrated_gradients",
    target: Target | int | str | None = None,
    output: Output = "logit",
    windows: Windows | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    **options: Any,
) -> TokenScores | tuple[TokenScores, ...]:
    """One score per token, special tokens included: how much it contributed to the target's value.

    ``method`` is an id of :data:`METHODS`; ``options`` are those the method declares. ``target`` is a class (id, name
    or ClassTarget), a MaskTarget or a NextSentenceTarget. ``None`` selects the predicted class; without a classifier,
    the first mask in the text; without a mask, the next sentence of a pair. ``output`` sets the units: "logit" or
    "probability". ``windows`` read a text that is longer than the model (:class:`glassbert.Windows`): scores are the
    sums over its windows, each weighted by its share in the decision. ``progress(passes done, passes expected)`` is
    called as it goes, and ``cancelled()`` is checked before every pass. A list of texts gives the results of
    :func:`attribute_many`. Raises MethodError, OptionError, TargetError, TaskHeadError, the TextErrors; StoppedError
    when cancelled.
    """
    if isinstance(text, list):
        require_no_pair(pair)
        return attribute_many(
            model,
            text,
            method=method,
            target=target,
            output=output,
            windows=windows,
            progress=progress,
            cancelled=cancelled,
            **options,
        )
    chosen, settings = chosen_method(method, options)
    encoded = encode(model, text, pair, windows=windows)
    start = time.perf_counter()
    passes = Passes(cancelled=cancelled)
    passes.report(progress, cost_of(chosen, encoded, settings))
    runner = decide(model, encoded, target, output, passes=passes)
    scores = explain(runner, chosen, settings)
    # finding the open target is part of the cost
    return replace(scores, forward_passes=passes.count, seconds=time.perf_counter() - start)
