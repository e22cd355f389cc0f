"""Words that several captions share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glassbert.errors import OptionError
from glassbert.figures._figure import without_directions
from glassbert.pictures.markup import clipped
from glassbert.text.results import WordAlignment

__all__ = ["as_sentence", "both_texts", "left_out", "one_of", "settings_told", "shown_label"]


def as_sentence(text: str) -> str:
    """``"holds up to 10%" → "Holds up to 10%."``"""
    ended = text if text.endswith((".", "!", "?")) or not text else f"{text}."
    return ended[:1].upper() + ended[1:]


def shown_label(label: str, characters: int = 60) -> str:
    """A label of a model, or a word, inside a sentence of ours: on one line, of bounded length."""
    return clipped(without_directions(" ".join(label.split())), characters) or "“”"


def settings_told(options: Mapping[str, Any], **more: Any) -> str:
    """The settings of a computation: ``Settings: baseline pad, n_steps 20, seed 0.``"""
    plain = {
        name: value
        for name, value in {**more, **options}.items()
        if value is not None and isinstance(value, str | int | float)
    }
    told = [f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in plain.items()]
    return f"Settings: {', '.join(told)}." if told else ""


def left_out(shown: int, of: int, what: str) -> str:
    """``The first 40 of 62 variants.``, or nothing if all are shown."""
    return f"The first {shown} of {of:,} {what}." if shown < of else ""


def one_of(name: str, chosen: int | None, count: int) -> list[int]:
    """All of them, or the chosen one. Raises OptionError for a number out of range."""
    if chosen is None:
        return list(range(count))
    if not 0 <= chosen < count:
        valid = "there is only 0" if count == 1 else f"there are 0 to {count - 1}"
        raise OptionError(f"{name} {chosen}: {valid}")
    return [chosen]


def both_texts(alignment: WordAlignment) -> tuple[str, ...]:
    """What is compared: a text that two models read stands once."""
    first, second = alignment.first.texts, alignment.second.texts
    if first == second:
        return first
    return (" / ".join(first), " / ".join(second))
