"""Words that several captions share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glassbert.figures._figure import without_directions
from glassbert.pictures.markup import clipped

__all__ = ["settings_told", "shown_label"]


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
