"""Every head as a thumbnail: layers down, heads across, one of them open.

Layers and heads are counted from 0 in the data and from 1 on screen ("Layer 3 · Head 5").

Hooks for tests: ``data-testid`` ``heads-map`` (the whole), ``heads-map-grid`` (role grid, named by
``label``), ``heads-map-cell`` (role gridcell, named "Layer 3, Head 5", with ``data-layer``, ``data-head``
counted from 0 and ``aria-selected``), ``heads-map-canvas`` and ``heads-map-readout``. Arrow keys, Home and
End move between heads, Enter or Space selects. A head may carry a value (a bar along its lower edge), be dimmed by
a filter, or be off (crossed out, ``data-off``); with ``switches`` the layer numbers are buttons,
``heads-map-layer``. With an order (``data-ordered`` of the whole), heads are shown in that order, as many in a row as
fit, each with its name and figure under it; heads outside the order are not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.widgets import frontend

__all__ = [
    "CAPTION",
    "WHOLE_LAYER",
    "Marks",
    "clicked_head",
    "clicked_layer",
    "heads_map",
]

CAPTION = (
    "Each thumbnail is one head: rows attend to columns. Colour follows the square root of the weight, on one "
    "scale for all heads, so that small weights are visible; in long texts a dot shows the largest "
    "weight in a block of tokens."
)

WHOLE_LAYER = -1
"""The head of a click on a layer's number."""

_mount = frontend.register(Path(__file__).parent)


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """What is drawn on top of the thumbnails; each part is given for every head or not at all.

    values: (layer, head), 0 to 1, drawn as a bar of that length and as the frame's strength.
    dimmed: (layer, head) bool, heads that a filter leaves out.
    off:    (layer, head) of the heads that are switched off.
    notes:  [layer][head], a few words for the line under the map and for screen readers.
    order:  (layer, head) of some or all heads in display order; None: layers down, heads across.
    texts:  [layer][head], the figure under a thumbnail, if there is an order.
    """

    values: np.ndarray | None = None
    dimmed: np.ndarray | None = None
    off: Collection[tuple[int, int]] = ()
    notes: tuple[tuple[str, ...], ...] = ()
    order: Sequence[tuple[int, int]] | None = None
    texts: tuple[tuple[str, ...], ...] = ()


def heads_map(
    levels: np.ndarray,
    *,
    key: str,
    version: str,
    layer: int,
    head: int,
    label: str,
    max_thumbnail_px: int = 48,
    max_height_px: int = 190,
    max_stretch: float = 1.0,
    marks: Marks | None = None,
    signed: bool = False,
    switches: bool = False,
    on_select: Callable[[], None] | None = None,
) -> tuple[int, int] | None:
    """Draw the map and return the (layer, head) clicked since the last run, counted from 0, or None.

    levels:           (layer, head, row, column) uint8: the pixels of every thumbnail, from `weight_levels` or
                      `difference_levels` of `glassbert.pictures.thumbnails`.
    version:          identifies the weights (a hash of text and model); clicks on another version are ignored.
    layer, head:      the open head, framed.
    label:            description of the map for screen readers.
    max_thumbnail_px: the largest side of a thumbnail on screen.
    max_height_px:    the total height with its caption line; a map with more layers scrolls inside it.
    max_stretch:      how many times wider than high a thumbnail may become to fill the width.
    marks:            values, filters and names on top of the thumbnails.
    signed:           the levels are those of differences.
    switches:         a click switches a head, or on a layer's number the whole layer, on or off; no head is framed.
    on_select:        called before the run that a click starts; `clicked_head` reads the click there, `clicked_layer`
                      the click on a layer's number.

    Raises ValueError for a layer or head that does not exist, and for what are no levels.
    """
    if levels.ndim != 4 or levels.dtype != np.uint8:
        raise ValueError(f"levels are {levels.dtype} of shape {levels.shape}: pass (layer, head, row, column) of uint8")
    layers, heads, rows, columns = levels.shape
    if not (0 <= layer < layers and 0 <= head < heads):
        raise ValueError(f"layer {layer}, head {head}: there are layers 0 to {layers - 1} and heads 0 to {heads - 1}")
    header = {
        "version": version,
        "label": label,
        "layers": layers,
        "heads": heads,
        "rows": rows,
        "columns": columns,
        "layer": layer,
        "head": head,
        "maxThumbnail": max_thumbnail_px,
        "maxHeight": max_height_px,
        "maxStretch": max_stretch,
        "switches": switches,
        "signed": signed,
        **_wire(marks or Marks(), (layers, heads)),
    }
    data = frontend.pack(header, levels.tobytes())
    result = _mount(key=key, data=data, on_select_change=on_select or frontend.nothing)
    return clicked_head(result, version, layers, heads)


def clicked_head(result: Mapping[str, Any], version: str, layers: int, heads: int) -> tuple[int, int] | None:
    """The click in a component's result (in a callback: ``session_state[key]``), as `heads_map` returns it."""
    event = frontend.read_event(result, version)
    layer, head = (event.get("layer"), event.get("head")) if event else (None, None)
    if not (isinstance(layer, int) and isinstance(head, int)):
        return None
    return (layer, head) if 0 <= layer < layers and 0 <= head < heads else None


def clicked_layer(result: Mapping[str, Any], version: str, layers: int) -> int | None:
    """The layer whose number was clicked, or None; only with ``switches``."""
    event = frontend.read_event(result, version)
    layer = event.get("layer") if event and event.get("head") == WHOLE_LAYER else None
    return layer if isinstance(layer, int) and 0 <= layer < layers else None


def _wire(marks: Marks, shape: tuple[int, int]) -> dict[str, Any]:
    """The marks as flat lists, head by head; None for those not given."""
    for name, found in (("values", marks.values), ("dimmed", marks.dimmed)):
        if found is not None and found.shape != shape:
            raise ValueError(f"{name} have shape {found.shape}: pass one for each head, {shape}")
    values = None
    if marks.values is not None:
        if not (np.isfinite(marks.values).all() and marks.values.min() >= 0 and marks.values.max() <= 1):
            raise ValueError("the values of heads must be between 0 and 1")
        values = [round(float(value), 3) for value in marks.values.ravel()]
    order = None
    if marks.order is not None:
        order = [layer * shape[1] + head for layer, head in marks.order]
        if not order or len(set(order)) < len(order) or not 0 <= min(order) <= max(order) < shape[0] * shape[1]:
            raise ValueError(f"an order names at least one of the heads, {shape}, and none of them twice")
    return {
        "values": values,
        "dimmed": None if marks.dimmed is None else [int(dim) for dim in marks.dimmed.ravel()],
        "off": sorted(layer * shape[1] + head for layer, head in marks.off),
        "notes": [note for row in marks.notes for note in row],
        "order": order,
        "texts": [text for row in marks.texts for text in row],
    }
