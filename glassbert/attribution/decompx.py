"""DecompX: the logit as a sum of each token's contribution, followed forward (Modarressi et al. 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from glassbert.attribution._decompx import contributions, contributions_to_cosines, decomposed, traced
from glassbert.attribution._method import Attribution, Method
from glassbert.decision import Decision, Runner
from glassbert.errors import MethodError
from glassbert.network.batches import require_memory
from glassbert.targets import AnswerTarget, EntityTarget, SpanTarget


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
    if decision.anchors is not None:  # the tokens whose states are pooled, and the cosine with each of the other texts
        rows, columns, shares = np.flatnonzero(decision.readers).tolist(), [], [1.0, -1.0][: len(decision.anchors)]
    else:
        rows, columns, shares = (list(column) for column in zip(*_places(decision), strict=True))
    trace = traced(runner, rows)
    layers = len(trace.steps)
    with torch.no_grad():
        for layer, after in enumerate(decomposed(trace, rows)):
            runner.passes.add(decision.length * (layer + 1) // layers - decision.length * layer // layers)
            parts = after
        if decision.anchors is not None:
            each = contributions_to_cosines(parts, decision.anchors)
        else:
            each = contributions(parts, trace.head, columns)
        scores = torch.tensor(shares, device=parts.device) @ each
    return Attribution(scores=scores.cpu().numpy(), value=trace.value, baseline_value=0.0, options=options)


def _places(decision: Decision) -> list[tuple[int, int, float]]:
    """The logits that F is a sum of: the token whose state is used, the index of the logit, and its share."""
    found: list[tuple[int, int, float]] = []
    for sign, index in zip((1.0, -1.0), decision.class_ids, strict=False):
        match decision.target:
            case AnswerTarget(edge=edge):  # its classes are tokens; a token has a start and an end logit
                found.append((index, ("start", "end").index(edge), sign))
            case SpanTarget():
                found += [(place, edge, sign) for edge, place in enumerate(decision.span(index))]
            case EntityTarget():
                assert decision.labels_by_type is not None
                labels = decision.labels_by_type[:, index].tolist()
                share = sign / len(labels)
                found += [(place, label, share) for place, label in zip(decision.positions, labels, strict=True)]
            case _:
                found.append((decision.position, index, sign))
    return found


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
