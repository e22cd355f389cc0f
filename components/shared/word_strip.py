"""Words coloured by what they say for or against an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from components.widgets.token_strip import Token, token_strip

__all__ = ["scale_of", "strip_of"]

_SPECIAL = re.compile(r"\[[A-Z]+\]|</?s>|<[a-z]+>")


def scale_of(words: Sequence[str], scores: Sequence[float]) -> float:
    """The score in full colour: the largest of a word, for [SEP] often has most of the total, and all words would look
    alike."""
    sizes = [abs(score) for word, score in zip(words, scores, strict=True) if not _SPECIAL.fullmatch(word)]
    return max(sizes, default=0.0) or 1.0


def strip_of(
    words: Sequence[str],
    scores: Sequence[float],
    *,
    key: str,
    label: str,
    version: str,
    scale: float | None = None,
    with_scale: bool = True,
    of: str = "the answer",
) -> None:
    """One sentence; ``scale``: that of several strips; ``of``: what the words speak for or against."""
    token_strip(
        [
            Token(word, "special" if _SPECIAL.fullmatch(word) else "word", score)
            for word, score in zip(words, scores, strict=True)
        ],
        key=key,
        label=label,
        selected=None,
        version=version,
        legend=f"for or against {of}" if with_scale else "",
        scale=scale or scale_of(words, scores),
        with_scale=with_scale,
        signed=True,
        selectable=False,
    )
