"""A decision and a method → a result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from glassbert.attribution._method import Attribution, Method
from glassbert.attribution.results import TokenScores
from glassbert.decision import Runner
from glassbert.errors import GlassBERTError
from glassbert.network.run import many_passes

__all__ = ["explain", "result_of"]


def explain(runner: Runner, method: Method, settings: Mapping[str, Any]) -> TokenScores:
    """One method's scores for a decision, with its own passes and seconds even if the runner is shared."""
    decision = runner.decision
    start, passes_before = time.perf_counter(), runner.passes.count

    def work() -> tuple[Attribution, float]:
        raw = method.compute(runner, settings)
        value = runner.memory.get("value") if raw.value is None else raw.value
        if value is None:
            with torch.no_grad():
                value = float(runner.value(decision.embeddings)[0])
        return raw, value

    raw, value = many_passes(decision.model, work, decision.length * method.cost(decision.length, settings))
    runner.memory["value"] = value
    passes, seconds = runner.passes.count - passes_before, time.perf_counter() - start
    return result_of(runner, method, replace(raw, value=value), passes, seconds)


def result_of(
    runner: Runner, method: Method, raw: Attribution, forward_passes: int = 0, seconds: float = 0.0
) -> TokenScores:
    """A method's raw answer, with its value, as a result. Raises GlassBERTError for numbers that are not finite."""
    value = raw.value
    if value is None:
        raise ValueError(f"{method.id} did not say F(x)")
    scores = np.asarray(raw.scores, dtype=np.float32)
    if not np.isfinite(scores).all():
        raise GlassBERTError(
            f"{method.label} produced scores that are not finite for this text, so there is nothing to show; "
            "try another method, or float32 precision"
        )
    delta = None
    if method.complete and raw.baseline_value is not None:
        delta = float(scores.sum(dtype=np.float64)) - (value - raw.baseline_value)
    return TokenScores(
        encoded=runner.decision.encoded,
        scores=scores,
        method=method.id,
        target=runner.decision.target,
        target_label=runner.decision.target_label,
        output=runner.decision.output,
        value=value,
        baseline=raw.baseline,
        baseline_value=raw.baseline_value,
        delta=delta,
        forward_passes=forward_passes,
        seconds=seconds,
        options=dict(raw.options),
    )
