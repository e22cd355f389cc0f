"""Head importance: how sensitive a decision is to each head (Michel et al. 2019)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

import numpy as np

from glassbert.arguments import checked
from glassbert.decision import Runner, decide
from glassbert.decision.by_layer import LayerGradients, gradients_by_layer
from glassbert.errors import OptionError
from glassbert.heads.results import HeadImportance
from glassbert.network.model import Model
from glassbert.network.run import many_passes
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
    −∂F/∂ξ, which ``gradient`` keeps with its sign. Not normalised by layer. Costs two forward passes and one backward
    pass per text, layer by layer, so that a long text takes the memory of one layer. Raises TargetError, TaskHeadError,
    OptionError, TextErrors, UnsupportedModelError.
    """
    start = time.perf_counter()
    many = not isinstance(text, str | Encoded)
    texts: Sequence[Text] = text if many else [text]  # type: ignore[assignment,list-item]
    if many and pair is not None:
        raise OptionError(
            "a list of texts takes no pair: encode each pair with encode() and pass a list of the results"
        )
    if not texts:
        raise OptionError("pass at least one text")
    runners = [decide(model, encode(model, each, pair), target, output) for each in texts]
    gradients = np.stack([many_passes(model, partial(_gradient, one), one.decision.length) for one in runners])
    return HeadImportance(
        importance=np.abs(gradients).mean(axis=0),
        gradient=gradients.mean(axis=0),
        target_labels=tuple(runner.decision.target_label for runner in runners),
        texts=tuple(runner.decision.encoded.texts for runner in runners),
        output=output,
        forward_passes=sum(runner.passes.count for runner in runners),
        seconds=time.perf_counter() - start,
    )


def _gradient(runner: Runner) -> Array:
    """∂F/∂ξ, (layer, head)."""
    gradient = np.zeros((runner.decision.model.layers, runner.decision.model.attention_heads), dtype=np.float32)

    def see(found: LayerGradients) -> None:
        gradient[found.layer] = found.by_gates.float().cpu().numpy()

    gradients_by_layer(runner, see)
    return gradient
