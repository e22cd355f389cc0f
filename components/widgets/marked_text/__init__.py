"""A text as people read it, in which spans are marked and named: entities, or the answer to a question.

A mark has the tint of its kind, its name in small letters, and a line below it, which is dashed where the model is
unsure, so that no mark is told by its colour alone. A click on one, or Enter, chooses it.

Hooks for tests: ``data-testid`` ``marked-text`` (the whole, named by ``label``) and ``marked-text-mark`` (with
``data-index`` and ``aria-pressed``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.widgets import frontend

__all__ = ["Mark", "clicked_mark", "marked_text"]

_mount = frontend.register(Path(__file__).parent)


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters [start, stop) of the text; ``kind`` numbers the tint, ``sure`` draws the line below it solid."""

    start: int
    stop: int
    name: str
    note: str  # on hover, and for screen readers
    kind: int = 0
    sure: bool = True


def marked_text(
    text: str,
    marks: Sequence[Mark],
    *,
    key: str,
    label: str,
    version: str,
    selected: int | None = None,
    on_select: Callable[[], None] | None = None,
) -> int | None:
    """Draw the text and return the index of the mark clicked since the last run.

    marks:     in the order of the text, none inside another.
    label:     what it is, for screen readers.
    version:   identifies text and marks; a click on another version's is ignored.
    on_select: called before the run that a click starts; `clicked_mark` reads the click there.

    Raises ValueError for marks that overlap or leave the text.
    """
    segments: list[tuple[str, int]] = []
    done = 0
    for index, mark in enumerate(marks):
        if not done <= mark.start < mark.stop <= len(text):
            raise ValueError("marks must be in the order of the text, inside it, and none inside another")
        if mark.start > done:
            segments.append((text[done : mark.start], -1))
        segments.append((text[mark.start : mark.stop], index))
        done = mark.stop
    if done < len(text):
        segments.append((text[done:], -1))
    data = {
        "version": version,
        "label": label,
        "selected": -1 if selected is None else selected,
        "texts": tuple(part for part, _ in segments),
        "marked": tuple(index for _, index in segments),
        "names": tuple(mark.name for mark in marks),
        "notes": tuple(mark.note for mark in marks),
        "kinds": tuple(mark.kind for mark in marks),
        "sure": tuple(mark.sure for mark in marks),
    }
    result = _mount(key=key, data=data, on_select_change=on_select or frontend.nothing)
    return clicked_mark(result, version, len(marks))


def clicked_mark(result: Mapping[str, Any], version: str, count: int) -> int | None:
    """The click in a component's result (in a callback: ``session_state[key]``), as `marked_text` returns it."""
    event = frontend.read_event(result, version)
    index = event.get("index") if event else None
    return index if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < count else None
