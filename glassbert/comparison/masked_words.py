"""Predictions for masked words on both sides: the divergence of two distributions over the vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch

from glassbert.arguments import checked
from glassbert.comparison._sides import Side, Sides, divergence_bits, require_both, same_vocabulary
from glassbert.comparison.results import MaskedWordDifference
from glassbert.errors import ComparisonError, OptionError
from glassbert.language.masked_copies import masked_copy, states
from glassbert.network.batches import chunks, rows_of_vocabulary
from glassbert.network.task_heads import vocabulary_scores
from glassbert.results import Array
from glassbert.text.inputs import mask_positions, token_name

# Vocabularies of float64 that a word takes while it is compared, in float32.
_COPIES = 16


@checked
def compare_masked_words(sides: Sides, rows: Sequence[int] | None = None) -> MaskedWordDifference:
    """Jensen–Shannon divergence, in bits, between the predictions of both sides at each of these words.

    ``rows`` are rows of the alignment that both sides have; each is predicted on its own, with all its tokens masked,
    at its first token. None selects the masks typed in both texts. One forward pass per word and side, batched. Raises
    ComparisonError if a model has no masked-word head, the vocabularies differ or no mask is typed, OptionError.
    """
    require_both(sides, "masked_words")
    if not same_vocabulary(sides):
        raise ComparisonError(
            f"{sides.first.model.source!r} and {sides.second.model.source!r} have different vocabularies, so their "
            "distributions are over different words: choose two models with the same one"
        )
    chosen = _typed_masks(sides) if rows is None else _known(sides, rows)
    first, second = (_states(sides, which, chosen) for which in (0, 1))
    parts = [
        _compared(_probabilities(sides.first, first[some]), _probabilities(sides.second, second[some]))
        for some in chunks(len(chosen), rows_of_vocabulary(sides.first.model, _COPIES))
    ]
    divergence, choices, probabilities = (np.concatenate(part, axis=-1) for part in zip(*parts, strict=True))
    names = [tuple(token_name(sides.first.model, token) for token in row) for row in choices.tolist()]
    return MaskedWordDifference(
        alignment=sides.alignment,
        rows=np.asarray(chosen),
        divergence=divergence,
        first_choices=names[0],
        first_probabilities=probabilities[0],
        second_choices=names[1],
        second_probabilities=probabilities[1],
    )


def _typed_masks(sides: Sides) -> list[int]:
    found = []
    for which in (0, 1):
        masks = mask_positions(sides.both[which].model, sides.both[which].encoded)
        found.append({int(row) for row in sides.matched if set(masks) & set(range(*sides.spans(which)[row]))})
    rows = sorted(found[0] & found[1])
    if not rows:
        raise ComparisonError(
            f"no {sides.first.model.mask_token} is at the same place on both sides: type one, or choose words"
        )
    return rows


def _known(sides: Sides, rows: Sequence[int]) -> list[int]:
    valid = set(sides.matched[~sides.alignment.special[sides.matched]].tolist())
    chosen = list(dict.fromkeys(int(row) for row in rows))
    for row in chosen:
        if row not in valid:
            raise OptionError(f"a row must be one of {sorted(valid)}, the words that both sides have; got {row}")
    if not chosen:
        raise OptionError("there is no word to mask: choose at least one")
    return chosen


def _states(sides: Sides, which: Literal[0, 1], rows: Sequence[int]) -> torch.Tensor:
    """(row, hidden): the state at the first mask of each word."""
    side, spans = sides.both[which], sides.spans(which)
    copies = [masked_copy(side.model, side.encoded, int(spans[row, 0]), range(*spans[row])) for row in rows]
    return states(side.model, copies)


def _probabilities(side: Side, rows: torch.Tensor) -> Array:
    logits = vocabulary_scores(side.model, rows, token_rows=len(rows))
    probabilities: Array = logits.double().softmax(dim=-1).numpy()
    return probabilities


def _compared(first: Array, second: Array) -> tuple[Array, Array, Array]:
    """(row,) divergence; (side, row) likeliest ids; (side, row) their probabilities."""
    both = np.stack((first, second))
    return divergence_bits(first, second), both.argmax(axis=-1), both.max(axis=-1)
