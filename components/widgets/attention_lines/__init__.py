"""One map as lines: attending tokens on the left, attended tokens on the right, weights as lines between them.

Hooks for tests: ``data-testid`` ``attention-lines`` (the whole, with ``data-lines``, the number of lines on screen,
or those of the selected or hovered token, if any),
``attention-lines-canvas``, ``attention-lines-queries`` and ``attention-lines-keys`` (role listbox, their options named
by token and strongest weights, with ``data-index``), ``attention-lines-readout``. Arrow keys, Home and End move in a
list, Left and Right from one to the other, Enter or Space selects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from components.widgets import frontend
from components.widgets.attention_heatmap import quantised

__all__ = ["CAPTION", "MOST_LINES", "attention_lines"]

MOST_LINES = 4000
"""At most this many lines are drawn, the strongest first: more would merge into a grey area."""

CAPTION = (
    "Lines lead from attending tokens (left) to attended tokens (right); the larger the weight, the bolder and "
    "thicker the line. Hover over a token to see only its lines."
)

_mount = frontend.register(Path(__file__).parent)


def attention_lines(
    weights: np.ndarray,
    queries: Sequence[str],
    keys: Sequence[str],
    *,
    key: str,
    version: str,
    selected_query: int | None,
    selected_key: int | None,
    label: str,
    height_px: int = 420,
    most: float | None = 1.0,
    on_select: Callable[[], None] | None = None,
) -> None:
    """Draw the lines.

    weights:        (query, key), non-negative; a weight of 0 has no line.
    queries, keys:  the tokens on the left and on the right.
    version:        identifies what is drawn; clicks on another version are ignored.
    selected_query: the marked token on the left, or None; likewise ``selected_key`` on the right.
    label:          description of the picture for screen readers.
    height_px:      the total height; more tokens scroll inside it.
    most:           upper bound of a weight; None: a measure without one.
    on_select:      called before the run that a click starts; `clicked_label` of the heatmap reads the click there.

    Raises ValueError for tokens that do not fit the weights, for an invalid selection, and what `quantised` raises.
    """
    levels, step = quantised(weights, most)
    if weights.shape != (len(queries), len(keys)):
        raise ValueError(f"{len(queries)} × {len(keys)} tokens do not fit weights of shape {weights.shape}")
    for name, index, count in (("query", selected_query, len(queries)), ("key", selected_key, len(keys))):
        if index is not None and not 0 <= index < count:
            raise ValueError(f"selected {name} {index}: there are {count}, counted from 0")
    header = {
        "version": version,
        "label": label,
        "queries": list(queries),
        "keys": list(keys),
        "selectedQuery": selected_query,
        "selectedKey": selected_key,
        "step": step,
        "height": height_px,
        "mostLines": MOST_LINES,
    }
    planes = np.stack([levels >> 8, levels & 255]).astype(np.uint8)  # packs smaller: the high bytes are nearly all 0
    _mount(key=key, data=frontend.pack(header, planes.tobytes()), on_select_change=on_select or frontend.nothing)
