"""DecompX: the logit as a sum of each token's contribution, followed forward (Modarressi et al. 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from glassbert.attribution._decompx import contributions, contributions_to_cosines, decomposed, traced
from glassbert.attribution._method import Attribution, Method
from glassbert.decision import Runner
from glassbert.errors import MethodError
from glassbert.network.batches import require_memory
from glassbert.targets import AnswerTarget, SimilarityTarget


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """Each state is kept as a sum of vectors, one per source token, from the first layer through the head; signed.

    A token's own part starts as its whole input to the first layer: word, position and segment. Attention weights, the
    standard deviation in LayerNorm and f(x)/x of activations are constants; biases are distributed among the sources in
    proportion to |bias · part|, as the authors do; so is the length of a sentence embedding a constant, whose rule is
    ours. So the scores sum to F(x) itself: the reference is 0, no baseline
    input. Costs as much as one pass per token; memory tokens² × hidden. Own implementation from the paper. Raises
    MethodError for a probability, which is not a sum; UnsupportedModelError.
    """
    decision = runner.decision
    if decision.output != "logit":
        raise MethodError(
            "DecompX decomposes a logit, and a probability is not a sum of parts: choose the output logit"
        )
    tokens, model = decision.length, decision.model
    if model.device == "cpu":  # the parts, and as much again while a layer is applied to them
        require_memory(2 * 4 * tokens * tokens * model.hidden_size, f"the parts of {tokens:,} tokens in each other")
    trace = traced(runner)
    rows, columns = _places(runner)
    layers = len(trace.steps)
    with torch.no_grad():
        for layer, after in enumerate(decomposed(trace, rows)):
            runner.passes.add(decision.length * (layer + 1) // layers - decision.length * layer // layers)
            parts = after
        if decision.anchors is not None:
            target, *foil = contributions_to_cosines(parts, decision.anchors)
        else:
            target, *foil = contributions(parts, trace.head, columns)
    scores = target - foil[0] if foil else target
    return Attribution(scores=scores.cpu().numpy(), value=trace.value, baseline_value=0.0, options=options)


def _places(runner: Runner) -> tuple[list[int], list[int]]:
    """The token whose state is used and the index of the logit, for the target and then for its foil; for a cosine, the
    tokens whose states are pooled."""
    decision = runner.decision
    if isinstance(decision.target, SimilarityTarget):
        return np.flatnonzero(decision.readers).tolist(), []
    ids = list(decision.class_ids)
    if isinstance(decision.target, AnswerTarget):  # its classes are tokens; a token has a start and an end logit
        return ids, [("start", "end").index(decision.target.edge)] * len(ids)
    return [decision.position] * len(ids), ids


METHOD = Method(
    id="decompx",
    label="DecompX",
    in_words="Split the answer by word",
    paper="Modarressi et al. 2023, arXiv:2306.02873",
    family="decomposition",
    signed=True,
    complete=True,
    meaning="this token's contribution to the value, followed forward through every layer; the contributions add up to "
    "it",
    cost=lambda tokens, options: 1 + tokens,  # one traced, then the parts of every token through the same weights
    compute=compute,
)
