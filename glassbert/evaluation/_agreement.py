"""How far methods agree about one decision, and their consensus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassbert.arguments import checked
from glassbert.attribution.results import TokenScores
from glassbert.errors import OptionError
from glassbert.evaluation._examination import evidence, kendall, order
from glassbert.evaluation.results import MethodAgreement
from glassbert.results import Array

__all__ = ["method_agreement"]

_MOST_TOP = 5


@checked
def method_agreement(scores: Sequence[TokenScores], *, top_k: int | None = None) -> MethodAgreement:
    """Kendall's τ-b and the overlap of the ``top_k`` tokens for every pair of methods, and their consensus.

    Special tokens are excluded. Each method orders the tokens as in its receipt: by score, or by magnitude where
    scores are unsigned. ``top_k`` None: five, or a third of the tokens if that is less. For the consensus, each
    method's scores are divided by the sum of their magnitudes, special tokens excluded: a method that gives nearly
    everything to [CLS] has the same say about the words as any other. What special tokens hold is in
    ``special_shares``. A method whose scores are all zero contributes zero. Raises OptionError for scores of different
    texts or targets.
    """
    if not scores:
        raise OptionError("agreement needs the scores of at least one method")
    first = scores[0]
    for other in scores[1:]:
        if (other.encoded.tokens, other.target) != (first.encoded.tokens, first.target):
            raise OptionError(
                f"the scores of {other.method} are about another text or target than those of {first.method}; only "
                "methods that explain the same decision can be compared"
            )
    words = np.flatnonzero(first.encoded.special_tokens_mask == 0)
    k = max(1, min(_MOST_TOP, len(words) // 3)) if top_k is None else top_k
    if not k >= 1:
        raise OptionError(f"top_k must be at least 1; got {k}")
    ranked = [evidence(one)[words] for one in scores]
    top = [set(order(values)[:k].tolist()) for values in ranked]
    votes = np.stack([_vote(one, words) for one in scores])
    return MethodAgreement(
        encoded=first.encoded,
        target_label=first.target_label,
        methods=tuple(one.method for one in scores),
        kendall=np.array([[1.0 if a is b else kendall(a, b) for b in ranked] for a in ranked]),
        overlap=np.array([[len(a & b) / max(len(a), 1) for b in top] for a in top]),
        top_k=k,
        consensus=votes.mean(axis=0),
        spread=votes.std(axis=0),
        special_shares=np.array([_special_share(one, words) for one in scores]),
    )


def _vote(scores: TokenScores, words: Array) -> Array:
    """(token,): shares of the words' magnitude; 0 for special tokens."""
    values = np.zeros(len(scores.scores))
    values[words] = scores.scores[words]
    total = float(np.abs(values).sum())
    vote: Array = values / total if total else values
    return vote


def _special_share(scores: TokenScores, words: Array) -> float:
    magnitudes = np.abs(scores.scores.astype(np.float64))
    total = float(magnitudes.sum())
    return max(0.0, 1 - float(magnitudes[words].sum()) / total) if total else 0.0
