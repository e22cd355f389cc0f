"""Encoded inputs → what the token strip and the heatmap show."""

from __future__ import annotations

from typing import Literal

import numpy as np

from components.gateway.library import gb
from components.widgets.token_strip import Token

__all__ = ["shown_positions", "strip_tokens"]


def shown_positions(encoded: gb.Encoded, special: bool) -> np.ndarray:
    """The token positions on screen: all, or all but the special tokens."""
    return np.arange(len(encoded)) if special else np.flatnonzero(encoded.special_tokens_mask == 0)


def strip_tokens(
    encoded: gb.Encoded, model: gb.Model, positions: np.ndarray, scores: np.ndarray | None = None
) -> list[Token]:
    """One strip token for each shown position."""
    return [
        Token(
            text=encoded.pieces[position],
            kind=_kind(encoded, model, position),
            score=None if scores is None else float(scores[position]),
            joined=_continues_a_word(encoded, position),
            note=f"token {position}, id {encoded.input_ids[position]}, in the vocabulary: {encoded.tokens[position]}",
        )
        for position in map(int, positions)
    ]


def _continues_a_word(encoded: gb.Encoded, position: int) -> bool:
    words = encoded.word_ids
    return position > 0 and bool(words[position] >= 0 and words[position] == words[position - 1])


def _kind(
    encoded: gb.Encoded, model: gb.Model, position: int
) -> Literal["special", "word", "piece", "unknown", "masked"]:
    if encoded.special_tokens_mask[position]:
        return "special"
    token = encoded.tokens[position]
    if token == model.mask_token:
        return "masked"
    if token == model.tokenizer.unk_token:
        return "unknown"
    return "piece" if _continues_a_word(encoded, position) else "word"
