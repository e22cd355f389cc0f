"""One attention head in full: a row for each token that looks, a column for each token looked at.

Hooks for tests: ``data-testid`` ``attention-heatmap`` (the whole), ``attention-heatmap-grid`` (role grid,
named by ``label``, focusable), ``attention-heatmap-canvas``, ``attention-heatmap-readout`` (the weight under
the pointer or the cursor, "from X → to Y: 0.1234"), ``attention-heatmap-zoom`` (button) and
``attention-heatmap-legend``. ``data-selected`` on the whole is the selected row, empty without one. Arrow
keys, Page Up and Down, Home and End move a cell cursor, Enter or Space selects its row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components import frontend

__all__ = ["CAPTION", "DESELECTED", "FINEST_STEP", "attention_heatmap", "clicked_row", "quantised"]

DESELECTED = -1
"""What a click on the selected row's label, or Enter in that row, returns: nothing is selected any more.
A click on a cell of the selected row only reads it."""

FINEST_STEP = 1e-5
"""No weight is sent more finely than this: four digits are shown, and rounder numbers pack smaller."""

CAPTION = "A row is a token that looks, a column a token looked at. Darkness grows with the square root of the weight."

_mount = frontend.register(Path(__file__).parent)


def quantised(weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Round ``weights`` (query, key) to 16 bits: levels (query, key) uint16 and the step between two levels.

    levels · step is at most step / 2 away from the weights; step is the largest weight / 65535 or
    `FINEST_STEP`, whichever is larger. Raises ValueError for another shape or for values that are no weights.
    """
    if weights.ndim != 2 or 0 in weights.shape:
        raise ValueError(f"weights have shape {weights.shape}: pass (query, key), neither of them empty")
    weights = np.asarray(weights, dtype=np.float32)
    peak, least = float(weights.max()), float(weights.min())
    if not (np.isfinite(peak) and np.isfinite(least) and least >= 0 and peak <= 1.001):
        raise ValueError("attention weights must be finite and between 0 and 1")
    step = max(peak / 65535, FINEST_STEP)
    return np.rint(weights / np.float32(step)).astype(np.uint16), step


def attention_heatmap(
    weights: np.ndarray,
    tokens: Sequence[str],
    *,
    key: str,
    version: str,
    selected: int | None,
    label: str,
    height_px: int = 320,
    on_select: Callable[[], None] | None = None,
) -> int | None:
    """Draw the head and return the query token whose row was clicked since the last run.

    weights:   (query, key), each row over key summing to 1.
    tokens:    one for each row and column, as the tokenizer writes them.
    version:   names the tokens (a hash of the text); clicks on another version are dropped.
    selected:  the token whose row and column are marked, or None.
    label:     what the map is, for screen readers.
    height_px: the height of the whole with readout and legend.
    on_select: called before the run that a click starts; `clicked_row` reads the click there.

    Returns the index, `DESELECTED` when the selected row was deselected, None without a click. Raises ValueError
    for a selection that is no token, for tokens that do not fit the weights, and what `quantised` raises.
    """
    levels, step = quantised(weights)
    count = len(tokens)
    if weights.shape != (count, count):
        raise ValueError(f"{count} tokens need weights of shape ({count}, {count}), not {weights.shape}")
    if selected is not None and not 0 <= selected < count:
        raise ValueError(f"selected token {selected}: there are {count} tokens, counted from 0")
    header = {
        "version": version,
        "label": label,
        "tokens": list(tokens),
        "selected": selected,
        "step": step,
        "height": height_px,
    }
    # High bytes first, then low bytes: most weights are small, so the first half is nearly all zeros.
    planes = np.stack([levels >> 8, levels & 255]).astype(np.uint8)
    data = frontend.pack(header, planes.tobytes())
    result = _mount(key=key, data=data, on_select_change=on_select or frontend.nothing)
    return clicked_row(result, version, count)


def clicked_row(result: Mapping[str, Any], version: str, count: int) -> int | None:
    """The click in a component's result (in a callback: ``session_state[key]``), as `attention_heatmap`
    returns it."""
    event = frontend.read_event(result, version)
    index = event.get("index") if event else None
    return index if isinstance(index, int) and DESELECTED <= index < count else None
