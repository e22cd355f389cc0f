"""Rollout: the share of each token in the deciding state, if attention alone mixed them (Abnar & Zuidema 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from glassbert.attribution._first_order import first_order, keeps_maps
from glassbert.attribution._method import Attribution, Method
from glassbert.decision import Runner
from glassbert.maps.attention_rollout import rollout, with_residual
from glassbert.maps.results import AttentionMaps
from glassbert.maps.weights import mean_weights
from glassbert.results import Array


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """The row of the deciding position after the last layer of :func:`glassbert.rollout`; non-negative, sums to 1.

    It does not depend on the target: the scores are the same for every class.
    """
    if runner.decision.model.checkpoint.int8 or not keeps_maps(runner):  # without gradients
        runner.passes.add(1)
        return Attribution(scores=_row_of(mean_weights(runner.decision.model, runner.decision.encoded), runner))
    here = first_order(runner)
    weights = torch.cat(here.attentions).float().cpu().numpy()  # (layer, head, query, key)
    maps = rollout(AttentionMaps(encoded=runner.decision.encoded, weights=weights))
    return Attribution(scores=runner.decision.readers @ maps.values[-1], value=here.value, options=options)


def _row_of(means: Array, runner: Runner) -> Array:
    """The row of the deciding position alone, from the last layer down, so that a long text takes little memory."""
    row: Array = runner.decision.readers.astype(np.float64)
    for layer in reversed(range(len(means))):
        row = row @ with_residual(means[layer])
    return row


METHOD = Method(
    id="rollout",
    label="Rollout",
    in_words="Attention through all layers",
    paper="Abnar & Zuidema 2020, arXiv:2005.00928",
    family="attention",
    signed=False,
    complete=False,
    meaning="this token's share in the final state that the prediction is made from, if attention and residual alone "
    "mixed states; the same for every target",
    cost=lambda tokens, options: 1,
    compute=compute,
    first_order=True,
    reads_maps=True,
)
