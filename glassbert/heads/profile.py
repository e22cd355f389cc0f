"""What each head does: where it attends in this text, and a label by stated rules."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from glassbert.arguments import checked
from glassbert.heads.results import HeadProfile
from glassbert.maps.results import AttentionMaps
from glassbert.results import Array, Encoded
from glassbert.text.words import words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a head's weight is counted on; ids of ``HeadProfile.targets``.
TARGETS = ("cls", "sep", "punctuation", "self", "previous", "next", "same_word")

#: A head is named after a target that takes at least this share of its weight: more than on everything else together.
DOMINANT_SHARE = 0.5
#: … and at least this many times the share under equal weight on every token: in a short text, chance alone is large.
LEAST_LIFT = 2.0
#: A head is broad from this share of the largest possible entropy on.
BROAD_ENTROPY = 0.8


@dataclass(frozen=True, slots=True)
class HeadLabel:
    """A label for what a head does. ``targets``: what is counted; ``rule``: when the label applies."""

    id: str
    label: str
    targets: tuple[str, ...]
    phrase: str  # completes "62 % of its weight is on …"
    rule: str


_MOST = f"at least {DOMINANT_SHARE:.0%} of the weight, and {LEAST_LIFT:g} times chance, is on"

#: Label id → the rule; the first whose rule holds with the largest share names the head.
HEAD_LABELS: Mapping[str, HeadLabel] = MappingProxyType(
    {
        label.id: label
        for label in (
            *(
                HeadLabel(id, name, targets, phrase, f"{_MOST} {phrase}")
                for id, name, targets, phrase in (
                    ("previous_token", "previous token", ("previous",), "the token before"),
                    ("next_token", "next token", ("next",), "the token after"),
                    ("self", "itself", ("self",), "the token itself"),
                    ("same_word", "same word", ("same_word",), "the same word, its other pieces or occurrences"),
                    ("delimiter", "delimiter", ("cls", "sep"), "[CLS] and [SEP]"),
                    ("punctuation", "punctuation", ("punctuation",), "punctuation"),
                )
            ),
            HeadLabel(
                "broad",
                "broad",
                (),
                "",
                f"no target dominates, and the entropy is at least {BROAD_ENTROPY:.0%} of the largest possible",
            ),
            HeadLabel("mixed", "mixed", (), "", "none of the other rules holds"),
        )
    }
)


@checked
def head_profile(maps: AttentionMaps) -> HeadProfile:
    """Per head: entropy, mean distance, shares of weight on each of ``TARGETS``, and a label with its reason.

    All are means over the queries that are not special tokens; a share is over those that have such a target (the share
    on the same word is over words with several pieces or occurrences; punctuation is not a word). No forward pass.
    One text is one sample: a head can look different in another.
    """
    encoded = maps.encoded
    queries = np.flatnonzero(encoded.special_tokens_mask == 0)
    masks = _masks(encoded)[:, queries]  # (target, query, key)
    counted = masks.any(axis=2)  # (target, query)
    per_query = counted / np.maximum(counted.sum(axis=1, keepdims=True), 1)
    averaged = (masks * per_query[:, :, None]).reshape(len(TARGETS), -1).astype(np.float32)
    positions = np.arange(len(encoded), dtype=np.float32)
    gaps = np.abs(queries[:, None] - positions).astype(np.float32).ravel() / np.float32(len(queries))
    shares, entropy, distance = [], [], []
    for layer in maps.weights:
        rows = layer[:, queries].reshape(maps.heads, -1)
        shares.append(rows @ averaged.T)
        distance.append(rows @ gaps)
        entropy.append(_entropy(rows) / len(queries))
    share, bits = np.asarray(shares), np.asarray(entropy)
    chance = averaged.sum(axis=1) / len(encoded)
    named = [
        [_name(share[i, j], chance, bits[i, j], len(encoded)) for j in range(maps.heads)] for i in range(maps.layers)
    ]
    return HeadProfile(
        encoded=encoded,
        targets=TARGETS,
        shares=share,
        chance=chance,
        entropy=bits,
        distance=np.asarray(distance),
        labels=tuple(tuple(label for label, _ in row) for row in named),
        reasons=tuple(tuple(reason for _, reason in row) for row in named),
    )


def _entropy(rows: Array) -> Array:
    """Σ −p log₂ p, (head, n) → (head,)."""
    logs = np.log2(rows, out=np.zeros_like(rows), where=rows > 0)
    total: Array = -np.einsum("hn,hn->h", rows, logs, dtype=np.float64)
    return total


def _masks(encoded: Encoded) -> Array:
    """(target, query, key): whether this key is such a target for this query."""
    tokens = len(encoded)
    special = encoded.special_tokens_mask.astype(bool)
    first = np.arange(tokens) == 0
    gap = np.arange(tokens)[None, :] - np.arange(tokens)[:, None]  # key − query
    words = words_of(encoded)
    spelt = [words.labels[word].casefold() for word in words.group]
    number = np.unique(spelt, return_inverse=True)[1]
    mark = _punctuation(encoded)
    word = ~special & ~mark
    same = (number[:, None] == number[None, :]) & (gap != 0) & word[:, None] & word[None, :]
    everywhere = np.ones((tokens, 1), dtype=bool)
    return np.stack(
        [
            everywhere & (special & first),
            everywhere & (special & ~first),
            everywhere & mark,
            gap == 0,
            gap == -1,
            gap == 1,
            same,
        ]
    )


def _punctuation(encoded: Encoded) -> Array:
    """(token,) True for ordinary tokens of nothing but punctuation marks."""
    return np.asarray(
        [
            not special and all(unicodedata.category(letter).startswith("P") for letter in piece)
            for piece, special in zip(encoded.pieces, encoded.special_tokens_mask, strict=True)
        ]
    )


def _name(shares: Array, chance: Array, entropy: float, tokens: int) -> tuple[str, str]:
    """Label id and the reason, in a sentence."""
    best, reason, largest = "", "", 0.0
    for label in HEAD_LABELS.values():
        columns = [TARGETS.index(target) for target in label.targets]
        share, by_chance = float(shares[columns].sum()), float(chance[columns].sum())
        if share >= DOMINANT_SHARE and share >= LEAST_LIFT * by_chance and share > largest:
            best, largest = label.id, share
            reason = f"{share:.0%} of its weight is on {label.phrase} (equal weight on every token: {by_chance:.0%})"
    if best:
        return best, reason
    limit = float(np.log2(tokens))
    spread = f"entropy {entropy:.1f} of at most {limit:.1f} bits"
    top = max((label for label in HEAD_LABELS.values() if label.targets), key=lambda label: _total(shares, label))
    most = f"the largest share, {_total(shares, top):.0%}, is on {top.phrase}"
    return ("broad" if entropy >= BROAD_ENTROPY * limit else "mixed"), f"{spread}; {most}"


def _total(shares: Array, label: HeadLabel) -> float:
    return float(sum(shares[TARGETS.index(target)] for target in label.targets))
