"""Texts of an exact number of tokens."""

from __future__ import annotations

import glassbert as gb

__all__ = ["text_of"]

_SENTENCE = (
    "the film was long and the story was thin but the music that they played in the last part made it worth "
    "every minute of the night we spent in that old house near the river where nobody had ever been before"
)


def text_of(model: gb.Model, tokens: int, first: str = "today") -> str:
    """An English-like text with exactly this many tokens, special ones included, that starts with ``first``."""
    words = _SENTENCE.split()
    text = " ".join([first, *(words[index % len(words)] for index in range(tokens - 4))]) + "."
    found = len(gb.encode(model, text))
    if found != tokens:
        raise ValueError(f"{first!r} makes {found} tokens instead of {tokens}: choose a word that is one token")
    return text
