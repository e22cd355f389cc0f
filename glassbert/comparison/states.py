"""Similarity of hidden states, layer by layer: cosine of each word, and CKA of whole layers."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from glassbert.arguments import checked
from glassbert.comparison._sides import Sides
from glassbert.comparison.results import HiddenSimilarity
from glassbert.errors import ComparisonError
from glassbert.network.run import Forward, batch, run
from glassbert.results import Array


@checked
def compare_hidden_states(sides: Sides) -> HiddenSimilarity:
    """Cosine of each word's states in the same layer of both, and linear CKA of every layer with every other.

    CKA (Kornblith et al. 2019), of states X and Y with one row per word, columns centred: ‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖) in
    Frobenius norms, 0 to 1. It requires neither equal widths nor a common basis, but enough words: with
    few of them any two layers look similar. The cosine requires the same width and number of layers, and is meaningful
    only in a common basis. One
    forward pass each. Raises ComparisonError for fewer than two words in common.
    """
    if len(sides.matched) < 2:
        raise ComparisonError("the two sides have fewer than two words in common: there is nothing to correlate")
    first, second = (_states(sides, which) for which in (0, 1))
    reason = _no_cosine(sides, first.shape, second.shape)
    return HiddenSimilarity(
        alignment=sides.alignment,
        rows=sides.matched,
        cka=linear_cka(first, second),
        cosine=np.empty(0) if reason else _cosine(first, second),
        reason=reason,
    )


def linear_cka(first: Array, second: Array) -> Array:
    """(layer, row, width) and (other layer, row, other width) → (layer, other layer), from the rows' Gram matrices."""
    grams = []
    for states in (first, second):
        centred = states.astype(np.float64) - states.mean(axis=1, keepdims=True, dtype=np.float64)
        gram = (centred @ centred.swapaxes(1, 2)).reshape(len(states), -1)
        length = np.linalg.norm(gram, axis=1, keepdims=True)
        grams.append(np.divide(gram, length, out=np.zeros_like(gram), where=length > 0))
    cka: Array = np.clip(grams[0] @ grams[1].T, 0, 1)
    return cka


def _states(sides: Sides, which: Literal[0, 1]) -> Array:
    """(layer, word, width): the mean of each word's tokens, for the rows that both have; layer 0 the embeddings."""
    side = sides.both[which]

    def read(forward: Forward) -> torch.Tensor:
        output = forward.encoder(output_hidden_states=True)
        return torch.stack([states[0].float().cpu() for states in output.hidden_states])

    states: Array = run(side.model, batch(side.model, [side.encoded]), read).numpy()
    return np.stack([states[:, start:stop].mean(axis=1) for start, stop in sides.spans(which)[sides.matched]], axis=1)


def _cosine(first: Array, second: Array) -> Array:
    one, other = (states.astype(np.float64) for states in (first, second))
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    dots = (one * other).sum(axis=-1)
    cosine: Array = np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0)
    return cosine


def _no_cosine(sides: Sides, first: tuple[int, ...], second: tuple[int, ...]) -> str:
    names = [repr(side.model.source) for side in sides.both]
    if first[-1] != second[-1]:
        return (
            f"the hidden size is {first[-1]} for {names[0]} and {second[-1]} for {names[1]}, so the cosine is not "
            "defined; CKA compares them nonetheless"
        )
    if first[0] != second[0]:
        return (
            f"{names[0]} has {first[0] - 1} layers and {names[1]} {second[0] - 1}, so layers do not pair up; CKA "
            "compares every layer with every other"
        )
    return ""
