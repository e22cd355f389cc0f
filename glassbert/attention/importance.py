"""Head importance: how sensitive a decision is to each head (Michel et al. 2019)."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch

from glassbert.attribution._pose import pose
from glassbert.attribution._problem import Problem
from glassbert.blocks import scale_heads
from glassbert.device import work_threads
from glassbert.encoder import Model
from glassbert.errors import OptionError
from glassbert.head_results import HeadImportance
from glassbert.inputs import Text, encode
from glassbert.results import Array, Encoded, Output
from glassbert.targets import Target


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
    −∂F/∂ξ, which ``gradient`` keeps with its sign. Not normalised by layer. One forward and one backward pass a text.
    Raises TargetError, HeadError, OptionError, TextErrors, UnsupportedModelError.
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
    model = problem.model
    embeddings = problem.embeddings
    gates = torch.ones(model.layers, model.attention_heads, device=embeddings.device, requires_grad=True)
    with work_threads(problem.length):
        logits = problem.logits(embeddings, lambda: scale_heads(model.network, lambda layer: gates[layer]))
        (gradient,) = torch.autograd.grad(problem.contrast(logits).sum(), gates)
    result: Array = gradient.float().cpu().numpy()
    return result
