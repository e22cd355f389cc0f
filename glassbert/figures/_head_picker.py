"""All heads in a notebook's cell, with a script that draws the chosen one large, inside a frame without rights."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from glassbert.maps.results import TokenMaps
from glassbert.pictures import palette
from glassbert.pictures.drawing import FONT, Drawing, document, paragraph, stacked
from glassbert.pictures.maps import colour_scale, heads_drawing, levels, map_drawing
from glassbert.pictures.markup import element, escaped
from glassbert.pictures.palette import Theme

__all__ = ["HeadPicker", "head_picker"]

#: More weights are too much for a notebook's file; the map of one head shows more tokens.
MOST_WEIGHTS = 3_000_000
_SCRIPT = Path(__file__).with_name("head_picker.js")
_ABOUT = (
    "Rows attend, columns are attended to. Colour follows the square root of the number, on one scale for all heads. "
    "Layers are rows of small maps, heads columns: click one, or use the arrow keys."
)
_STYLE = """
body { margin: 0; padding: 12px; background: %(background)s; color: %(text)s; font: 13px %(font)s; }
svg { display: block; }
#heads g[role] { cursor: pointer; outline: none; }
#heads g[aria-current] > rect { stroke: %(primary)s; stroke-width: 3; stroke-opacity: 1; }
#heads g[role]:focus-visible > rect { stroke: %(text)s; stroke-width: 3; stroke-opacity: 1; }
#heading { font-weight: 600; margin: 14px 0 2px; }
#readout { min-height: 1.5em; white-space: pre; }
"""


@dataclass(frozen=True, slots=True, repr=False)
class HeadPicker:
    """What a notebook shows: an HTML page in a frame in which its script may run and nothing else."""

    page: str = field(repr=False)
    height: int
    title: str

    def __repr__(self) -> str:
        return f"<HeadPicker {self.title!r}>"

    def _repr_html_(self) -> str:
        return element(
            "iframe",
            srcdoc=self.page,
            sandbox="allow-scripts",
            title=self.title,
            width="100%",
            height=self.height,
            style="border:0",
        )


def head_picker(result: TokenMaps, on: Theme, *, title: str, caption: str) -> HeadPicker:
    """Thumbnails of every head of ``result``, (layer, head, query, key), and below them the chosen one.

    All heads have one scale. Weights are sent as 8 bits, so that a notebook stays small; the readout says "about".
    """
    values = result.values.astype(np.float64)
    layers, heads = values.shape[:2]
    signed = bool((values < 0).any())
    full = float(np.abs(values).max()) or 1.0
    shown, _ = levels(values, full, signed=signed, rooted=True)
    ramp = palette.differences_ramp(on) if signed else palette.weights_ramp(on)
    thumbnails = heads_drawing(
        values / full,
        on=on,
        rows=[str(layer + 1) for layer in result.layers],
        columns=[str(head + 1) for head in result.heads],
        signed=signed,
        thumbnail_px=44 if layers <= 12 else 30,
    )
    large = map_drawing(
        values[0, 0],
        result.query_labels,
        result.key_labels,
        on=on,
        signed=signed,
        rooted=True,
        most=full,
        scale=False,
        vector=False,
        width_px=min(900, max(480, 120 + 14 * len(result.keys))),
    )
    scale = colour_scale(full, on=on, signed=signed, rooted=True)
    told = f"{caption} {_ABOUT}".strip()
    below = stacked([large, scale, paragraph(told, 720, on, font_px=11)], gap=10)
    names = [f"Layer {layer + 1}, head {head + 1}" for layer in result.layers for head in result.heads]
    data = {
        "levels": base64.b64encode(shown.tobytes()).decode("ascii"),
        "ramp": base64.b64encode(ramp.tobytes()).decode("ascii"),
        "rows": list(result.query_labels),
        "columns": list(result.key_labels),
        "names": names,
        "across": heads,
        "most": full,
        "zero": palette.SIGNED_ZERO if signed else 0,
    }
    head = paragraph(title, 720, on, font_px=15, bold=True)
    texts = [paragraph(text, 720, on, most_lines=2) for text in result.encoded.texts]
    overview = stacked([head, *texts, thumbnails], gap=8)
    page = "".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            # the frame is sandboxed; this also keeps it from fetching anything
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
            "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">",
            element("style", _STYLE % {**_colours(on), "font": FONT}),
            "</head><body>",
            element("div", _svg(overview, on), id="heads"),
            element("div", escaped(names[0]), id="heading", aria_live="polite"),
            element("div", "", id="readout"),
            element("div", _svg(below, on), id="map"),
            element("script", _in_script(data), type="application/json", id="data"),
            element("script", _SCRIPT.read_text(encoding="utf-8")),
            "</body></html>",
        ]
    )
    return HeadPicker(page, math.ceil(overview.height + below.height + 100), title)


def _svg(drawing: Drawing, on: Theme) -> str:
    return document(drawing, on, margin=2)


def _colours(on: Theme) -> dict[str, str]:
    return {"background": on.background, "text": on.text, "primary": on.primary}


def _in_script(data: object) -> str:
    """JSON in which nothing ends the script: text is data there, escaped in JSON's own way."""
    return json.dumps(data, ensure_ascii=True).replace("<", "\\u003c")
