"""Head importance: how sensitive a decision is to each head (Michel et al. 2019)."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from glassbert.arguments import checked
from glassbert.decision.by_layer import LayerGradients, gradients_by_layer
from glassbert.decision.pose import pose
from glassbert.decision.problem import Problem
from glassbert.errors import OptionError
from glassbert.heads.results import HeadImportance
from glassbert.network.device import work_threads
from glassbert.network.model import Model
from glassbert.results import Array, Encoded
from glassbert.targets import Output, Target
from glassbert.text.inputs import Text, encode


@checked
def head_importance(
    model: Model,
    text: Text | Sequence[Text],
    pair: str | None = None,
    *,
    target: Target | int | str | None = None,
    output: Output = "logit",
) -> HeadImportance:
    """|∂F/∂ξ| of each head at ξ = 1, where ξ scales the head's output: (layer, head); the mean over a list of texts.

    F is the target's value, as in :func:`glassbert.attribute`; to first order, switching a head off changes F by
    −∂F/∂ξ, which ``gradient`` keeps with its sign. Not normalised by layer. Two forward passes and a backward pass a
    text, layer by layer, so that a long text takes the memory of one layer. Raises TargetError, HeadError, OptionError,
    TextErrors, UnsupportedModelError.
    """
    start = time.perf_counter()
    many = not isinstance(text, str | Encoded)
    texts: Sequence[Text] = text if many else [text]  # type: ignore[assignment,list-item]
    if many and pair is not None:
        raise OptionError("a list of texts takes no pair: encode each pair with encode() and give a list of those")
    if not texts:
        raise OptionError("give at least one text")
    problems = [pose(model, encode(model, each, pair), target, output) for each in texts]
    gradients = np.stack([model.retry_on_cpu(lambda: _gradient(problem)) for problem in problems])  # noqa: B023
    return HeadImportance(
        importance=np.abs(gradients).mean(axis=0),
        gradient=gradients.mean(axis=0),
        target_labels=tuple(problem.target_label for problem in problems),
        texts=tuple(problem.encoded.texts for problem in problems),
        output=output,
        forward_passes=sum(problem.passes.count for problem in problems),
        seconds=time.perf_counter() - start,
    )


def _gradient(problem: Problem) -> Array:
    """∂F/∂ξ, (layer, head)."""
    gradient = np.zeros((problem.model.layers, problem.model.attention_heads), dtype=np.float32)

    def see(found: LayerGradients) -> None:
        gradient[found.layer] = found.by_gates.float().cpu().numpy()

    with work_threads(problem.length):
        gradients_by_layer(problem, see)
    return gradient
