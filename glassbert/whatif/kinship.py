"""Are two words used alike? What the word vectors of a masked-word model say, without a list of parts of speech.

Words that a model meets in the same places get similar vectors: "rude" and "nice", "never" and "always", but not "kind"
and "not". So a replacement that is used like the word it replaces keeps the part of speech, nearly always, in any
language that the model knows.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from glassbert.network.model import Model

__all__ = ["used_alike"]

# Two words are used alike if their vectors are closer than those of 95 in 100 pairs drawn at random: a cosine of 0.13
# in the embedded model, where "rude" and "nice" have 0.24, "cold" and "fresh" 0.16, "kind" and "not" 0.03.
_QUANTILE, _PAIRS, _SEED = 0.95, 4000, 0
_known: WeakKeyDictionary[Any, tuple[Tensor, float]] = WeakKeyDictionary()


def used_alike(model: Model, token: int, words: Tensor) -> Tensor:
    """(vocabulary,) of bool: the entries that are used like this one. ``words``, (vocabulary,) of bool: those that are
    whole words, of which the random pairs are drawn."""
    vectors, limit = _vectors(model, words)
    found: Tensor = vectors @ vectors[token] > limit
    return found


def _vectors(model: Model, words: Tensor) -> tuple[Tensor, float]:
    """Unit vectors of all entries, less the mean of the words', and the cosine that 95% of random pairs stay below."""
    if model.network not in _known:
        table = model.network.get_input_embeddings().weight.detach().float().cpu()[: len(words)]
        table = torch.nn.functional.normalize(table - table[words].mean(dim=0), dim=-1)
        places = words.nonzero()[:, 0]
        drawn = torch.randint(len(places), (2, _PAIRS), generator=torch.Generator().manual_seed(_SEED))
        first, second = places[drawn[:, drawn[0] != drawn[1]]]
        _known[model.network] = table, float((table[first] * table[second]).sum(dim=-1).quantile(_QUANTILE))
    return _known[model.network]
