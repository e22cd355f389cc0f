"""Attribution: which tokens drove a decision. One file a method.

A file of this folder that defines ``METHOD`` is a method; nothing else has to be touched to add one.
"""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from glassbert.attribution._method import Attribution, Method
from glassbert.attribution._pose import pose
from glassbert.attribution._problem import Passes, Problem
from glassbert.device import work_threads
from glassbert.encoder import Model
from glassbert.errors import GlassBERTError, MethodError, OptionError
from glassbert.inputs import Text, encode
from glassbert.results import Output, TokenScores
from glassbert.targets import Target

__all__ = ["METHODS", "Method", "attribute"]


def _discover() -> Mapping[str, Method]:
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    methods = (importlib.import_module(f"{__name__}.{name}").METHOD for name in names)
    return MappingProxyType({method.id: method for method in methods})


#: Method id → what the method declares about itself.
METHODS: Mapping[str, Method] = _discover()


def attribute(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    method: str = "integrated_gradients",
    target: Target | int | str | None = None,
    output: Output = "logit",
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    **options: Any,
) -> TokenScores:
    """One score a token, special tokens included: how much it moved the target's value.

    ``method`` is an id of :data:`METHODS`; ``options`` are those the method declares. ``target`` is a class (id, name
    or ClassTarget), a MaskTarget or a NextSentenceTarget; ``None`` is the predicted class; without a classifier the
    first typed mask; without one the next sentence of a pair. ``output`` says in which units: "logit" or
    "probability". ``progress(passes done, passes expected)`` is called as it goes and ``cancelled()`` asked before
    every pass. Raises MethodError, OptionError, TargetError, HeadError, the TextErrors; StoppedError when cancelled.
    """
    chosen = METHODS.get(method)
    if chosen is None:
        raise MethodError(f"method {method!r} is not known; valid are {', '.join(METHODS)}")
    unknown = set(options) - set(chosen.options)
    if unknown:
        valid = ", ".join(chosen.options) or "none"
        raise OptionError(f"{chosen.label} has no option {', '.join(sorted(unknown))}; valid are: {valid}")
    settings = {**chosen.options, **options}
    chosen.check(settings)
    encoded = encode(model, text, pair)
    start = time.perf_counter()
    passes = Passes(cancelled=cancelled)
    if progress is not None:
        report, expected = progress, chosen.cost(len(encoded), settings)
        passes.watch = lambda done: report(done, max(done, expected))
    problem = pose(model, encoded, target, output, passes=passes)
    scores = explain(problem, chosen, settings)
    # finding what the target left open is part of the price
    return replace(scores, forward_passes=passes.count, seconds=time.perf_counter() - start)


def explain(problem: Problem, method: Method, settings: Mapping[str, Any]) -> TokenScores:
    """What one method says about a problem; its passes and seconds alone, though a problem may serve many methods."""
    start, passes_before = time.perf_counter(), problem.passes.count

    def work() -> tuple[Attribution, float]:
        with work_threads(problem.length * method.cost(problem.length, settings)):
            raw = method.compute(problem, settings)
            if raw.value is not None:
                return raw, raw.value
            with torch.no_grad():
                return raw, float(problem.value(problem.embeddings)[0])

    raw, value = problem.model.retry_on_cpu(work)  # a backward pass can run out of memory too
    scores = np.asarray(raw.scores, dtype=np.float32)
    if not np.isfinite(scores).all():
        raise GlassBERTError(
            f"{method.label} gave numbers that are not finite for this text, so there is nothing to show; "
            "try another method, or float32 precision"
        )
    delta = None
    if method.complete and raw.baseline_value is not None:
        delta = float(scores.sum(dtype=np.float64)) - (value - raw.baseline_value)
    return TokenScores(
        encoded=problem.encoded,
        scores=scores,
        method=method.id,
        target=problem.target,
        target_label=problem.target_label,
        output=problem.output,
        value=value,
        baseline=raw.baseline,
        baseline_value=raw.baseline_value,
        delta=delta,
        forward_passes=problem.passes.count - passes_before,
        seconds=time.perf_counter() - start,
        options=dict(raw.options),
    )
