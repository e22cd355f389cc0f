"""Running the method of an explanation again: with which options, at what cost, and on which copy of the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from glassbert.attribution import cost_of, explain
from glassbert.attribution._first_order import forget_first_order
from glassbert.decision import Runner
from glassbert.evaluation._examination import Examination, Subject
from glassbert.network.model import Model
from glassbert.results import Array

__all__ = ["lean_settings", "rerun", "run_cost", "settings_of"]

# A method is run again for sanity and stability with at most so many steps; both ask about ranks and rough sizes.
_LEAN_STEPS = 4
# Bytes of attention and its gradients that are kept for each copy of the model: about 60 tokens of 12 × 12 heads. A
# thorough receipt asks up to 24 copies.
_KEPT_BYTES = 4 * 2**20
# A backward pass costs about two forward passes.
_WITH_GRADIENT = 3
# Methods outside the gradient family that run one all the same.
_BACKWARD = ("attention_relevance", "attn_lrp")


def settings_of(subject: Subject) -> dict[str, Any]:
    """The options the scores were made with, as far as the method declares them."""
    assert subject.method is not None
    made_with = subject.scores.options
    return {name: made_with.get(name, default) for name, default in subject.method.options.items()}


def lean_settings(subject: Subject, *, thorough: bool) -> dict[str, Any]:
    """The options the scores were made with; with at most four steps where steps are an option, unless thorough."""
    settings = settings_of(subject)
    if "n_steps" in settings and not thorough:
        settings["n_steps"] = min(settings["n_steps"] or _LEAN_STEPS, _LEAN_STEPS)
    return settings


def run_cost(examination: Examination, subject: Subject, settings: Mapping[str, Any]) -> int:
    """Passes of this input's length that the method takes to run once, a backward pass counted as two."""
    assert subject.method is not None
    backward = subject.method.family == "gradient" or subject.method.id in _BACKWARD
    return cost_of(subject.method, examination.runner.decision.encoded, settings) * (_WITH_GRADIENT if backward else 1)


def rerun(
    examination: Examination, subject: Subject, model: Model, settings: Mapping[str, Any], name: tuple[str, int]
) -> Array:
    """What the method says about the same input and target of another model: (token,) in float64.

    ``name`` tells this model from the others of the examination: methods share its F(x) and first-order pass.
    """
    assert subject.method is not None
    runner = examination.runner_of(model, name)
    scores = explain(runner, subject.method, settings)
    if not _has_small_maps(runner):
        forget_first_order(runner)
    return scores.scores.astype(np.float64)


def _has_small_maps(runner: Runner) -> bool:
    """Whether attention and its gradients may be kept for every copy of the model that is asked."""
    model = runner.decision.model
    floats = 2 * model.layers * model.attention_heads * runner.decision.length**2
    return 4 * floats <= _KEPT_BYTES
