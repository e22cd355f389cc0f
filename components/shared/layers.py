"""The name of a layer, and the window of a local one, in words."""

from __future__ import annotations

from components.gateway.library import gb

__all__ = ["layer_name", "window_told"]


def layer_name(model: gb.Model, layer: int) -> str:
    """``"layer 2"``; in networks with layers of both kinds "layer 2 (local)" or "layer 3 (global)"."""
    kind = "" if not model.reach else " (local)" if model.reach[layer] else " (global)"
    return f"layer {layer + 1}{kind}"


def window_told(maps: gb.TokenMaps) -> str:
    """A sentence on the window of a local layer, for the caption of its map; else ""."""
    reach = int(maps.reach[0]) if len(maps.reach) else 0
    return f"Local layer: window of {2 * reach} tokens; hatched cells are outside it." if reach else ""
