"""One head's attention as a walk along the sentence: about once a second the next token shows where it attends.

Arcs lead from the token to those it attends to, as thick as the weight; their tokens are tinted and say it in percent.
It pauses by its button, on a token that is clicked, and while one is pointed at; a visitor who wants less motion gets
it paused. Where the tokens do not fit into one line, they stand below each other.

Hooks for tests: ``data-testid`` ``attention-walk`` (the whole, with ``data-query``, the index of the token that
attends, and ``data-playing``), ``attention-walk-token`` (role option, with ``data-index`` and ``data-percent``),
``attention-walk-arc`` (with ``data-key``), ``attention-walk-play`` (button) and ``attention-walk-readout``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from components.widgets import frontend
from components.widgets.attention_heatmap import quantised

__all__ = ["attention_walk"]

_mount = frontend.register(Path(__file__).parent)


def attention_walk(
    weights: np.ndarray, tokens: Sequence[str], *, path: Sequence[int], key: str, version: str, label: str
) -> None:
    """Draw the walk.

    weights: (query, key) of one head, each row summing to 1.
    path:    the tokens to walk along, by their index, the first one first.
    version: identifies what is drawn: the walk begins anew with another.
    label:   description of the picture for screen readers.

    Raises ValueError for tokens that do not fit the weights, for an empty path or one that leaves the tokens, and what
    `quantised` raises.
    """
    levels, step = quantised(weights)
    count = len(tokens)
    if weights.shape != (count, count):
        raise ValueError(f"{count} tokens need weights of shape ({count}, {count}), not {weights.shape}")
    if not path or not all(0 <= index < count for index in path):
        raise ValueError(f"path {tuple(path)}: pass at least one of the {count} tokens, counted from 0")
    header = {
        "version": version,
        "label": label,
        "tokens": list(tokens),
        "path": [int(index) for index in path],
        "step": step,
    }
    planes = np.stack([levels >> 8, levels & 255]).astype(np.uint8)
    _mount(key=key, data=frontend.pack(header, planes.tobytes()), on_select_change=frontend.nothing)
