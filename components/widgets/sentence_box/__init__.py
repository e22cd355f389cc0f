"""A text field that grows with the sentence: Enter submits, Shift+Enter starts a new line.

Streamlit's own one-line field hides most of a long sentence, and its text area requires Ctrl+Enter. What was typed and
not submitted is submitted when the field loses the focus, and outlives a change of page and a reload of the tab.

Hooks for tests: ``data-testid`` ``sentence-box``; the ``textarea`` is named by ``label``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from components.widgets import frontend

__all__ = ["MAX_CHARACTERS", "replaced_text", "sentence_box", "submitted_text"]

MAX_CHARACTERS = 20_000
"""Several times what 512 tokens hold: longer text is refused with its token count, not by the field."""

_mount = frontend.register(Path(__file__).parent)


def sentence_box(
    label: str,
    *,
    key: str,
    value: str,
    most: int = MAX_CHARACTERS,
    placeholder: str = "",
    shortcut: str = "",
    focus: int = 0,
    replaced_by: str = "",
    on_submit: Callable[[], None] | None = None,
) -> str | None:
    """Draw the field, for at most ``most`` characters, and return the text submitted since the last run, or None.

    ``shortcut`` is a key that leads into the field from anywhere on the page; so does a larger ``focus`` than before in
    this window. ``replaced_by`` is the key of a container whose buttons put another text into the field.
    ``on_submit`` is called before the run that a submission starts; `submitted_text` and `replaced_text` are read
    there.
    """
    data = {
        "version": key,
        "label": label,
        "value": value,
        "placeholder": placeholder,
        "maxCharacters": most,
        "shortcut": shortcut,
        "focus": focus,
        "replacedBy": replaced_by,
    }
    result = _mount(key=key, data=data, on_select_change=on_submit or frontend.nothing)
    return submitted_text(result, key)


def submitted_text(result: Mapping[str, Any], key: str) -> str | None:
    """The submission in a component's result (in a callback: ``session_state[key]``)."""
    event = frontend.read_event(result, key)
    text = event.get("text") if event else None
    return text[:MAX_CHARACTERS] if isinstance(text, str) else None


def replaced_text(result: Mapping[str, Any], key: str) -> str | None:
    """What the submission was typed over, if it was submitted by a click on what may have replaced that; else None."""
    event = frontend.read_event(result, key)
    over = event.get("over") if event else None
    return over if isinstance(over, str) else None
