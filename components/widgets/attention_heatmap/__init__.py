"""One attention head in full: one row per attending token, one column per attended token.

Hooks for tests: ``data-testid`` ``attention-heatmap`` (the whole), ``attention-heatmap-grid`` (role grid,
named by ``label``, focusable), ``attention-heatmap-canvas``, ``attention-heatmap-readout`` (the weight under
the pointer or the cursor, "from X → to Y: 0.1234"), ``attention-heatmap-zoom`` (button) and
``attention-heatmap-legend``. ``data-selected`` on the whole is the selected row, or empty. Arrow keys, Page Up
and Down, Home and End move a cell cursor, Enter or Space selects its row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from components.widgets import frontend

__all__ = [
    "CAPTION",
    "DESELECTED",
    "FINEST_STEP",
    "SIGNED_ZERO",
    "attention_heatmap",
    "clicked_label",
    "clicked_row",
    "clicked_second",
    "quantised",
    "quantised_differences",
]

DESELECTED = -1
"""What a click on the selected row's label, or Enter in that row, returns: nothing is selected any more.
A click on a cell of the selected row only reads it."""

FINEST_STEP = 1e-5
"""No weight is sent with a finer step than this: four digits are shown, and rounder numbers compress better."""

SIGNED_ZERO = 32768
"""The level of no difference."""

CAPTION = "Rows are the attending tokens, columns the attended ones. Colour follows the square root of the weight."

_mount = frontend.register(Path(__file__).parent)


def quantised(weights: np.ndarray, most: float | None = 1.0) -> tuple[np.ndarray, float]:
    """Round ``weights`` (query, key) to 16 bits: levels (query, key) uint16 and the step between two levels.

    levels · step differs from the weights by at most step / 2; step is the largest weight / 65535 or
    `FINEST_STEP`, whichever is larger. ``most`` is the upper bound of a weight; None: a measure without one.
    Raises ValueError for a wrong shape or for values that are not weights.
    """
    if weights.ndim != 2 or 0 in weights.shape:
        raise ValueError(f"weights have shape {weights.shape}: pass (query, key), neither of them empty")
    weights = np.asarray(weights, dtype=np.float32)
    peak, least = float(weights.max()), float(weights.min())
    limit = np.inf if most is None else most + 0.001
    if not (np.isfinite(peak) and np.isfinite(least) and least >= 0 and peak <= limit):
        raise ValueError(
            "attention weights must be finite and " + ("not negative" if most is None else "between 0 and 1")
        )
    step = max(peak / 65535, FINEST_STEP)
    return np.rint(weights / np.float32(step)).astype(np.uint16), step


def quantised_differences(differences: np.ndarray) -> tuple[np.ndarray, float]:
    """As :func:`quantised` for differences of either sign: (levels − `SIGNED_ZERO`) · step, zero exact."""
    if differences.ndim != 2 or 0 in differences.shape:
        raise ValueError(f"differences have shape {differences.shape}: pass (query, key), neither of them empty")
    differences = np.asarray(differences, dtype=np.float32)
    if not np.isfinite(differences).all():
        raise ValueError("differences of attention weights must be finite")
    step = max(float(np.abs(differences).max()) / (65535 - SIGNED_ZERO), FINEST_STEP)
    return (np.rint(differences / np.float32(step)).astype(np.int32) + SIGNED_ZERO).astype(np.uint16), step


def attention_heatmap(
    weights: np.ndarray,
    tokens: Sequence[str],
    *,
    key: str,
    version: str,
    selected: int | None,
    label: str,
    height_px: int = 320,
    keys: Sequence[str] | None = None,
    selected_key: int | None = None,
    pairs: bool = False,
    second: int | None = None,
    most: float | None = 1.0,
    signed: bool = False,
    scale: float | None = None,
    inside: np.ndarray | None = None,
    on_select: Callable[[], None] | None = None,
) -> int | None:
    """Draw the head and return the query token whose row was clicked since the last run.

    weights:      (query, key), non-negative; with ``signed``, differences of either sign, zero in the middle.
    tokens:       one for each row, as the tokenizer writes them; and for each column, unless ``keys`` are given.
    version:      identifies the tokens (a hash of the text); clicks on another version are ignored.
    selected:     the token whose row (and column, without ``keys``) is marked, or None.
    label:        description of the map for screen readers.
    height_px:    the total height, including readout and legend.
    keys:         one for each column, if the columns are other tokens than the rows.
    selected_key: the marked column, with ``keys``.
    pairs:        a click on a cell, or Shift and Enter, chooses two tokens: that of its row, and that of its column as
                  the second. Without ``keys`` only.
    second:       the second token of the chosen pair, or None.
    most:         upper bound of a weight; None: a measure without one.
    scale:        the weight drawn in full colour, for maps side by side; None, or too small: the largest of this map.
    inside:       (query, 2), the columns of each row that can have a weight, [start, stop): the others are hatched.
    on_select:    called before the run that a click starts; `clicked_row` reads the click there, with ``keys``
                  `clicked_label`.

    Returns the index, `DESELECTED` when the selected row was deselected, None without a click. Raises ValueError
    for a selection that is not a token, for tokens that do not fit the weights, and what `quantised` raises.
    """
    levels, step = quantised_differences(weights) if signed else quantised(weights, most)
    if scale is not None and not (np.isfinite(scale) and scale > 0):
        raise ValueError(f"scale {scale}: pass a positive number, or None for the largest weight")
    count, columns = len(tokens), len(tokens if keys is None else keys)
    if weights.shape != (count, columns):
        raise ValueError(f"{count} tokens need weights of shape ({count}, {columns}), not {weights.shape}")
    if inside is not None and inside.shape != (count, 2):
        raise ValueError(f"inside has shape {inside.shape}: {count} rows need ({count}, 2)")
    if selected_key is not None and (keys is None or not 0 <= selected_key < columns):
        raise ValueError(f"selected key {selected_key}: pass keys, and the index of one of them")
    if selected is not None and not 0 <= selected < count:
        raise ValueError(f"selected token {selected}: there are {count} tokens, counted from 0")
    if second is not None and not 0 <= second < count:
        raise ValueError(f"second token {second}: there are {count} tokens, counted from 0")
    header = {
        "version": version,
        "label": label,
        "tokens": list(tokens),
        "keys": None if keys is None else list(keys),
        "selected": selected,
        "selectedKey": selected_key,
        "pairs": pairs and keys is None,
        "second": second if pairs and keys is None else None,
        "step": step,
        "height": height_px,
        "zero": SIGNED_ZERO if signed else 0,
        "full": None if scale is None else float(scale),
        "inside": None if inside is None else inside.tolist(),
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


def clicked_second(result: Mapping[str, Any], version: str, count: int) -> int | None:
    """The second token of a click that chose a pair; None for any other click."""
    event = frontend.read_event(result, version)
    index = event.get("second") if event else None
    return index if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < count else None


def clicked_label(
    result: Mapping[str, Any], version: str, rows: int, columns: int
) -> tuple[Literal["query", "key"], int] | None:
    """The click in the result of a map with ``keys``: whether it chose a row or a column, and which."""
    event = frontend.read_event(result, version)
    axis, index = (event.get("axis"), event.get("index")) if event else (None, None)
    if axis not in ("query", "key") or not isinstance(index, int):
        return None
    return (axis, index) if DESELECTED <= index < (rows if axis == "query" else columns) else None
