"""A text longer than the model reads at once, its words coloured by their scores; a word leads to its window."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from components import state
from components.gateway import inputs, windows
from components.gateway.library import gb
from components.gateway.requests import Opened
from components.widgets.long_text import clicked_word, long_text

__all__ = ["draw_whole_text"]


def draw_whole_text(
    opened: list[Opened],
    encoded: gb.Encoded,
    scores: np.ndarray,
    *,
    key: str,
    label: str,
    version: str,
    legend: str,
    signed: bool,
) -> None:
    """Draw the text with one score per token, (token,); a word's score is the sum over its tokens."""
    segments, starts = _segments(encoded, scores)
    long_text(
        segments,
        key=key,
        label=label,
        version=version,
        legend=legend,
        signed=signed,
        open_label="Show its window",
        on_select=_opens(opened, key, version, starts),
    )


def _segments(encoded: gb.Encoded, scores: np.ndarray) -> tuple[list[tuple[str, float | None]], list[tuple[int, int]]]:
    """The texts in segments, and where each begins: the text (0 or 1) and the character."""
    _, group_of = inputs.words(encoded)
    segments: list[tuple[str, float | None]] = []
    starts: list[tuple[int, int]] = []
    for which, text in enumerate(encoded.texts):
        if which:
            segments.append(("\n\n", None))
            starts.append((which, 0))
        done = 0
        tokens = np.flatnonzero(encoded.sequence_ids == which)
        for word in dict.fromkeys(group_of[tokens].tolist()):
            own = tokens[group_of[tokens] == word]
            start, stop = int(encoded.offsets[own, 0].min()), int(encoded.offsets[own, 1].max())
            if start < done or stop <= start:
                continue
            if start > done:
                segments.append((text[done:start], None))
                starts.append((which, done))
            segments.append((text[start:stop], float(scores[own].sum())))
            starts.append((which, start))
            done = stop
        if done < len(text):
            segments.append((text[done:], None))
            starts.append((which, done))
    return segments, starts


def _opens(opened: list[Opened], key: str, version: str, starts: list[tuple[int, int]]) -> Callable[[], None]:
    """A callback that turns to the window around the chosen word, and selects the word in it."""

    def turn() -> None:
        index = clicked_word(state.event(key), version, len(starts))
        if index is None:
            return
        which, character = starts[index]
        view = state.view()
        number = windows.part_around(windows.widest(opened, view), which, character)
        state.change(window=number)
        main = windows.in_part(opened, state.view())[0]
        part = main.part
        if part is None:
            return
        encoded = inputs.encode(main.text(state.view()))
        own = character - (part.start if which == part.which else 0)
        here = np.flatnonzero(
            (encoded.sequence_ids == which) & (encoded.offsets[:, 0] <= own) & (own < encoded.offsets[:, 1])
        )
        state.change(token=int(here[0]) if len(here) else -1)
        state.redraw_page()

    return turn
