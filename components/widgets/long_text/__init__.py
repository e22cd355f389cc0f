"""A text of any length as people read it, its words coloured by their scores, beside a map of the whole.

The map shows every word at its place, and the part in sight as a frame; a click or a drag on it scrolls. Two buttons
step through the words with the largest scores. A click on a word, or the button beside it there, chooses that word.

Hooks for tests: ``data-testid`` ``long-text`` (the whole), ``long-text-body`` (named by ``label``),
``long-text-word`` (with ``data-index``), ``long-text-map``, ``long-text-strongest`` (the readout).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from components.widgets import frontend

__all__ = ["clicked_word", "long_text"]

_mount = frontend.register(Path(__file__).parent)


def long_text(
    segments: Sequence[tuple[str, float | None]],
    *,
    key: str,
    label: str,
    version: str,
    legend: str = "",
    signed: bool = True,
    open_label: str = "",
    on_select: Callable[[], None] | None = None,
) -> int | None:
    """Draw the text and return the index of the segment clicked since the last run.

    segments:   the text from start to end: words with their scores, and what stands between them with None.
    label:      what it is, for screen readers.
    version:    identifies the words; a click on another version's is ignored.
    legend:     caption of the colour scale, whose end is the largest magnitude among the scores.
    open_label: what choosing a word does, for its button; "": words cannot be chosen.
    on_select:  called before the run that a click starts; `clicked_word` reads the click there.

    Raises ValueError for a score that is not finite.
    """
    scores = [score for _, score in segments if score is not None]
    if not all(map(math.isfinite, scores)):
        raise ValueError("a word's score is not a finite number; pass None for what has no score")
    data = {
        "version": version,
        "label": label,
        "legend": legend,
        "open": open_label,
        "signed": signed,
        "scale": max(map(abs, scores), default=0.0),
        "texts": tuple(text for text, _ in segments),
        "scores": tuple(None if score is None else float(f"{score:.4g}") for _, score in segments),
    }
    result = _mount(key=key, data=data, on_select_change=on_select or frontend.nothing)
    return clicked_word(result, version, len(segments))


def clicked_word(result: Mapping[str, Any], version: str, count: int) -> int | None:
    """The click in a component's result (in a callback: ``session_state[key]``), as `long_text` returns it."""
    event = frontend.read_event(result, version)
    index = event.get("index") if event else None
    return index if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < count else None
