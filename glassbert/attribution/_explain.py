"""A problem and a method → a result."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from glassbert.attribution._method import Attribution, Method
from glassbert.attribution.results import TokenScores
from glassbert.decision.problem import Passes, Problem
from glassbert.errors import GlassBERTError
from glassbert.network.device import work_threads

__all__ = ["explain", "result_of", "tell_progress"]


def tell_progress(passes: Passes, progress: Callable[[int, int], None] | None, expected: int) -> None:
    """Call ``progress(passes done, passes expected)`` as it goes; never more done than expected."""
    if progress is not None:
        passes.watch = lambda done: progress(done, max(done, expected))


def explain(problem: Problem, method: Method, settings: Mapping[str, Any]) -> TokenScores:
    """What one method says about a problem; its passes and seconds alone, though a problem may serve many methods."""
    start, passes_before = time.perf_counter(), problem.passes.count

    def work() -> tuple[Attribution, float]:
        with work_threads(problem.length * method.cost(problem.length, settings)):
            raw = method.compute(problem, settings)
            value = problem.memory.get("value") if raw.value is None else raw.value
            if value is None:
                with torch.no_grad():
                    value = float(problem.value(problem.embeddings)[0])
            return raw, value

    raw, value = problem.model.retry_on_cpu(work)  # a backward pass can run out of memory too
    problem.memory["value"] = value
    passes, seconds = problem.passes.count - passes_before, time.perf_counter() - start
    return result_of(problem, method, replace(raw, value=value), passes, seconds)


def result_of(
    problem: Problem, method: Method, raw: Attribution, forward_passes: int = 0, seconds: float = 0.0
) -> TokenScores:
    """A method's raw answer, with its value, as a result. Raises GlassBERTError for numbers that are not finite."""
    value = raw.value
    if value is None:
        raise ValueError(f"{method.id} did not say F(x)")
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
        forward_passes=forward_passes,
        seconds=seconds,
        options=dict(raw.options),
    )
