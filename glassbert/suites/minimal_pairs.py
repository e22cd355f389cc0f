"""Pseudo-log-likelihoods of pairs of sentences: every token masked in turn, many sentences in a pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

import numpy as np

from glassbert.decision import Passes
from glassbert.language.masked_copies import look_up, masked_copy, states
from glassbert.network.model import Model
from glassbert.results import Array, Encoded
from glassbert.suites.contents import Scoring

__all__ = ["pair_scores"]

#: Pairs whose masked copies are in memory at the same time.
_AT_ONCE = 100


def pair_scores(
    model: Model,
    pairs: Sequence[tuple[Encoded, Encoded]],
    scoring: Sequence[Scoring],
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Array:
    """(pair, side): Σ ln p of the tokens that count, each masked alone (Salazar et al. 2020); no special tokens.

    ``scoring`` of each pair: "all" tokens, or "unmodified", those that both sentences share (Nangia et al. 2020). NaN
    where none counts.
    """
    counted = [
        [tokens.tolist() for tokens in (_shared(*pair) if how == "unmodified" else map(_scored, pair))]
        for pair, how in zip(pairs, scoring, strict=True)
    ]
    passes = Passes(cancelled=cancelled)
    passes.report(progress, sum(len(tokens) for sides in counted for tokens in sides))
    scores = np.asarray([[0.0 if tokens else np.nan for tokens in sides] for sides in counted])
    for start in range(0, len(pairs), _AT_ONCE):
        copies, ids, places = [], [], []
        for pair in range(start, min(start + _AT_ONCE, len(pairs))):
            for side in (0, 1):
                encoded = pairs[pair][side]
                for token in counted[pair][side]:
                    copies.append(masked_copy(model, encoded, token, [token]))
                    ids.append(int(encoded.input_ids[token]))
                    places.append((pair, side))
        if copies:
            found = look_up(model, states(model, copies, passes), range(len(copies)), ids)
            np.add.at(scores, tuple(np.asarray(places).T), found.log_probabilities.double().numpy())
    return scores


def _scored(encoded: Encoded) -> Array:
    """The tokens that are not special."""
    return np.flatnonzero(encoded.special_tokens_mask == 0)


def _shared(first: Encoded, second: Encoded) -> tuple[Array, Array]:
    """The tokens of each sentence that stand in the other one too, in the same order."""
    own, other = _scored(first), _scored(second)
    matcher = SequenceMatcher(None, first.input_ids[own].tolist(), second.input_ids[other].tolist(), autojunk=False)
    blocks = matcher.get_matching_blocks()
    return (
        own[[place for block in blocks for place in range(block.a, block.a + block.size)]],
        other[[place for block in blocks for place in range(block.b, block.b + block.size)]],
    )
