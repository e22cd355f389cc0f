"""Two tokens, all heads: which head links them most strongly."""

from __future__ import annotations

import numpy as np

from glassbert.arguments import checked
from glassbert.errors import OptionError
from glassbert.heads.results import HeadRanking
from glassbert.maps.results import AttentionMaps
from glassbert.results import Array, Encoded


@checked
def rank_heads(maps: AttentionMaps, query: int, key: int, *, by_word: bool = False) -> HeadRanking:
    """All heads, ranked by the attention weight between two tokens, the stronger of both directions.

    ``query`` and ``key`` are token positions, special tokens included: ``weights`` are from query to key, ``reverse``
    from key to query. ``by_word`` takes the whole words of these tokens: the sum over the key's pieces, the mean over
    the query's (Clark et al. 2019). No forward pass. A large weight is no large effect: see
    :func:`glassbert.head_importance` and :func:`glassbert.ablate`. Raises OptionError for a position outside the text.
    """
    tokens = len(maps.encoded)
    for name, position in (("query", query), ("key", key)):
        if not 0 <= position < tokens:
            raise OptionError(f"{name} {position}: this text has tokens 0 to {tokens - 1}")
    queries = _pieces(maps.encoded, query, by_word=by_word)
    keys = _pieces(maps.encoded, key, by_word=by_word)
    return HeadRanking(
        encoded=maps.encoded,
        queries=queries,
        keys=keys,
        weights=_weights(maps, queries, keys),
        reverse=_weights(maps, keys, queries),
    )


def _pieces(encoded: Encoded, position: int, *, by_word: bool) -> Array:
    """The token alone, or all tokens of its word; a special token that is added around the texts is alone."""
    word = encoded.word_ids[position]
    return np.flatnonzero(encoded.word_ids == word) if by_word and word >= 0 else np.array([position])


def _weights(maps: AttentionMaps, queries: Array, keys: Array) -> Array:
    """(layer, head): the sum over keys, the mean over queries."""
    weights: Array = maps.weights[:, :, queries][..., keys].sum(axis=-1, dtype=np.float64).mean(axis=-1)
    return weights
