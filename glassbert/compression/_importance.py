"""How much a model's decisions on given texts depend on each head, and on each feed-forward neuron."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glassbert.compression._recipe import Given
from glassbert.decision import Runner, decide
from glassbert.errors import TaskHeadError
from glassbert.heads import head_importance
from glassbert.network.blocks import blocks, change_input
from glassbert.network.model import Model
from glassbert.network.run import many_passes
from glassbert.results import Array, Encoded
from glassbert.tables import Table
from glassbert.targets import MaskTarget
from glassbert.text.inputs import about_text, encode, shorten

__all__ = ["MOST_TEXTS", "head_scores", "neuron_scores"]

#: Rows of the table, drawn at random, over which importance is a mean; more change the order of the least important
#: heads little.
MOST_TEXTS = 64


def head_scores(model: Model, table: Table, given: Given) -> Array:
    """(layer, head): the mean of |∂F/∂ξ|, :func:`glassbert.head_importance`."""
    scores = np.zeros((model.layers, model.attention_heads))
    for encoded, target in _inputs(model, table, given):
        scores += head_importance(model, encoded, target=target).importance
    return scores


def neuron_scores(model: Model, table: Table, given: Given) -> Array:
    """(layer, neuron): the mean of |∂F/∂ξ|, where ξ scales the neuron's output in every token."""
    scores: Array | float = 0.0
    for encoded, target in _inputs(model, table, given):
        runner = decide(model, encoded, target, "logit")
        scores = scores + np.abs(many_passes(model, lambda: _gradient(runner), len(encoded)))  # noqa: B023
    return np.asarray(scores)


def _gradient(runner: Runner) -> Array:
    decision, device = runner.decision, runner.decision.model.device
    layers = blocks(decision.model.network)
    size = layers[0].feed_forward.in_features
    gates = [torch.ones(size, device=device, requires_grad=True) for _ in layers]

    def hooks() -> AbstractContextManager[None]:
        def scale(layer: int, states: Tensor) -> Tensor:
            return states * gates[layer].to(states.dtype)

        context: AbstractContextManager[None] = change_input(decision.model.network, "feed_forward", scale)
        return context

    with torch.enable_grad():
        value = decision.value(runner.logits(decision.embeddings, hooks))
        found = torch.autograd.grad(value.sum(), gates)
    return np.stack([one.float().cpu().numpy() for one in found])


def _inputs(model: Model, table: Table, given: Given) -> Iterator[tuple[Encoded, Any]]:
    """Inputs with what is to be decided about them: the predicted class, or a masked word."""
    draw = np.random.default_rng(0)
    rows = np.sort(draw.permutation(len(table))[:MOST_TEXTS])
    if not {"classification", "masked_words"} & set(model.task_heads):
        raise TaskHeadError(
            f"{model.source!r} neither classifies texts nor predicts masked words, by which importance is measured: "
            'name what is to be removed, such as {"heads": [(layer, head)]}'
        )
    for done, row in enumerate(rows.tolist()):
        given.check()
        with about_text(row, len(table)):
            text, pair = shorten(model, table.texts[row], table.pairs[row] if table.pairs else None)
            encoded = encode(model, text, pair)
        if "classification" in model.task_heads:
            yield encoded, None
        else:
            words = np.flatnonzero(encoded.special_tokens_mask == 0)
            if len(words):
                place = int(draw.choice(words))
                yield encoded, MaskTarget(place, int(encoded.input_ids[place]))
        given.progress(done + 1, len(rows))
