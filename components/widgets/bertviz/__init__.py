"""BertViz's own views (Vig 2019), as one HTML page each that needs no network.

BertViz fetches require.js, d3 and jQuery from a CDN and writes tokens into its scripts unescaped. Here its scripts are
read from the installed package, the libraries from `vendor/`, and every ``<`` of the data is written as an escape, so
that no token can end the script that contains it. Layers and heads are numbered from 1, as everywhere here.
Weights are rounded to four digits: the page is three times smaller and looks the same.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "MOST_TOKENS",
    "MOST_WEIGHTS",
    "View",
    "head_view",
    "layers_that_fit",
    "model_view",
    "neuron_view",
    "script_hashes",
]

View = Literal["head", "model", "neuron"]

#: Beyond this, a view takes more than a few seconds to draw and to respond.
MOST_TOKENS: dict[View, int] = {"head": 64, "model": 64, "neuron": 48}
#: layers × heads × tokens² in one page; the model view draws a line for each, the head view those of one layer.
MOST_WEIGHTS: dict[View, int] = {"head": 600_000, "model": 150_000, "neuron": 300_000}

#: BertViz numbers layers and heads from 0, everything else here from 1: what its scripts write, and what they shall.
_RENUMBERED: dict[str, tuple[tuple[str, str], ...]] = {
    "head_view": ((".val(layer).text(layer)", ".val(layer).text(layer + 1)"),),
    "model_view": (
        (".text(config.heads[i])", ".text(config.heads[i] + 1)"),
        (".text(config.layers[i])", ".text(config.layers[i] + 1)"),
        (
            "'Layer ' + config.layers[layerIndex] + \", Head \" + config.heads[headIndex]",
            "'Layer ' + (config.layers[layerIndex] + 1) + \", Head \" + (config.heads[headIndex] + 1)",
        ),
    ),
    "neuron_view": (
        (
            'layerSelect.append($("<option />").val(i).text(i)',
            'layerSelect.append($("<option />").val(i).text(params["layer_names"][i])',
        ),
        ('headSelect.append($("<option />").val(i).text(i)', 'headSelect.append($("<option />").val(i).text(i + 1)'),
    ),
}

#: The width of BertViz's model view with the page's margins.
_MODEL_VIEW_PX = 990

_FOLDER = Path(__file__).parent
_ROOT_ID, _DATA_ID = "bertviz", "bertviz-data"


def layers_that_fit(view: View, heads: int, tokens: int) -> int:
    """How many layers of a text of this length one page may show; 0 if the text is too long."""
    return 0 if tokens > MOST_TOKENS[view] else MOST_WEIGHTS[view] // (heads * tokens * tokens)


def head_view(
    weights: np.ndarray,
    tokens: Sequence[str],
    layers: Sequence[int],
    *,
    layer: int,
    head: int,
    second: int | None,
    dark: bool,
) -> str:
    """BertViz's head view: ``weights`` (layer, head, query, key) of the model's ``layers``, with a head open.

    ``second``: where the second text begins, None for a single text. Raises ValueError for shapes that do not fit.
    """
    _check(weights, tokens, layers)
    parameters = {
        "attention": _blocks(weights, tokens, second),
        "default_filter": "0",
        "root_div_id": _ROOT_ID,
        "layer": layer if layer in layers else layers[0],
        "heads": [head],
        "include_layers": list(layers),
    }
    controls = f'Layer: <select id="layer"></select> {_filter(second)}'
    return _page("head_view", parameters, controls, dark=dark)


def model_view(
    weights: np.ndarray, tokens: Sequence[str], layers: Sequence[int], *, second: int | None, dark: bool
) -> str:
    """BertViz's model view of ``weights`` (layer, head, query, key), the model's ``layers``."""
    _check(weights, tokens, layers)
    heads = weights.shape[1]
    parameters = {
        "attention": _blocks(weights, tokens, second),
        "default_filter": "0",
        "display_mode": "dark" if dark else "light",
        "root_div_id": _ROOT_ID,
        "include_layers": list(layers),
        "include_heads": list(range(heads)),
        "total_heads": heads,
    }
    return _page("model_view", parameters, _filter(second), dark=dark)


def neuron_view(
    weights: np.ndarray,
    queries: np.ndarray,
    keys: np.ndarray,
    tokens: Sequence[str],
    layers: Sequence[int],
    *,
    layer: int,
    head: int,
    dark: bool,
) -> str:
    """BertViz's neuron view: ``weights`` (layer, head, query, key), ``queries``, ``keys`` (layer, head, token, neuron).

    All of the model's ``layers``. Raises ValueError for shapes that do not fit.
    """
    _check(weights, tokens, layers)
    if queries.shape != keys.shape or queries.shape[:3] != weights.shape[:3]:
        raise ValueError(f"queries {queries.shape} and keys {keys.shape} do not fit weights {weights.shape}")
    parameters = {
        "attention": {
            "all": {
                "attn": _rounded(weights),
                "queries": _rounded(queries),
                "keys": _rounded(keys),
                "left_text": list(tokens),
                "right_text": list(tokens),
            }
        },
        "default_filter": "all",
        "root_div_id": _ROOT_ID,
        "bidirectional": True,
        "display_mode": "dark" if dark else "light",
        "layer": layers.index(layer) if layer in layers else 0,
        "layer_names": [one + 1 for one in layers],
        "head": head,
    }
    label = '<span class="dropdown-label">{}: </span><select id="{}"></select> '
    controls = label.format("Layer", "layer") + label.format("Head", "att_head")
    return _page("neuron_view", parameters, controls, dark=dark)


def _check(weights: np.ndarray, tokens: Sequence[str], layers: Sequence[int]) -> None:
    count = len(tokens)
    if weights.ndim != 4 or weights.shape[0] != len(layers) or weights.shape[2:] != (count, count):
        raise ValueError(f"{len(layers)} layers of {count} tokens do not fit weights of shape {weights.shape}")


def _rounded(values: np.ndarray) -> Any:
    return values.astype("float64").round(4).tolist()


def _blocks(weights: np.ndarray, tokens: Sequence[str], second: int | None) -> list[dict[str, Any]]:
    """The weights as BertViz reads them: everything and, for two texts, each text with each."""
    every = slice(0, len(tokens))
    parts = {"All": (every, every)}
    if second is not None:
        a, b = slice(0, second), slice(second, len(tokens))
        parts |= {"A → A": (a, a), "B → B": (b, b), "A → B": (a, b), "B → A": (b, a)}
    return [
        {
            "name": name,
            "attn": _rounded(weights[:, :, left, right]),
            "left_text": list(tokens[left]),
            "right_text": list(tokens[right]),
        }
        for name, (left, right) in parts.items()
    ]


def _filter(second: int | None) -> str:
    if second is None:
        return ""
    names = ("All", "A → A", "B → B", "A → B", "B → A")
    options = "".join(f'<option value="{value}">{name}</option>' for value, name in enumerate(names))
    return f'Attention: <select id="filter">{options}</select>'


def _page(script: str, parameters: Mapping[str, Any], controls: str, *, dark: bool) -> str:
    """The whole page; ``controls`` is our own markup, all user data is inside ``parameters``."""
    data = f'<script type="application/json" id="{_DATA_ID}">{_in_script(parameters)}</script>\n'
    ink, paper = ("#ccc", "#000") if dark else ("#000", "#fff")
    # the model view is always as wide; in a narrow frame it is drawn smaller, and scrolls where it would get tiny
    shrunk = "".join(
        f"@media (max-width: {_MODEL_VIEW_PX * share / 100:.0f}px) {{ body {{ zoom: {share - 5}% }} }} "
        for share in range(100, 60, -5)
        if script == "model_view"
    )
    # the head view has no dark mode
    words = "text:not([fill]) { fill: #ccc } rect.background { fill: #444 }" if dark and script == "head_view" else ""
    scripts = "".join(f"<script>{text}</script>\n" for text in (*_libraries(), _scripted(script)))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>BertViz</title>\n'
        f"<style>body {{ margin: 8px; background: {paper}; color: {ink}; font-family: Helvetica, Arial, sans-serif }}\n"
        # the names of its axes, black in its dark mode too
        f'text[fill="black"] {{ fill: {ink} }} {words}{shrunk}</style></head>\n'
        f'<body><div id="{_ROOT_ID}"><span style="user-select: none">{controls}</span><div id="vis"></div></div>\n'
        f"{data}{scripts}</body></html>"
    )


def _in_script(data: Mapping[str, Any]) -> str:
    """JSON that is safe inside a script: without ``<``, nothing in it closes the script or opens a comment."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def script_hashes() -> list[str]:
    """The SHA-256 hashes of every script that a page runs, as a content-security policy names them.

    Data is in an element that does not run, so that these are few and always the same.
    """
    texts = [*_libraries(), *(_scripted(f"{view}_view") for view in MOST_TOKENS)]
    return [f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in texts]


def _scripted(name: str) -> str:
    """A view's script, which reads its data from the page."""
    data = f'JSON.parse(document.getElementById("{_DATA_ID}").textContent)'
    source = _script(name)
    if "PYTHON_PARAMS" in source:  # once more in a comment behind it
        return source.replace("PYTHON_PARAMS", data, 1)
    return f"window.bertviz_params = {data};\n{source}"


@cache
def _libraries() -> tuple[str, ...]:
    files = ("vendor/jquery-3.7.1.min.js", "vendor/d3-5.7.0.min.js", "require.js")
    return tuple((_FOLDER / file).read_text(encoding="utf-8") for file in files)


@cache
def _script(name: str) -> str:
    """A script of the installed BertViz, found without importing it: that would bring IPython and torch."""
    found = find_spec("bertviz")
    assert found is not None
    assert found.submodule_search_locations
    text = (Path(found.submodule_search_locations[0]) / f"{name}.js").read_text(encoding="utf-8")
    for old, new in _RENUMBERED[name]:
        if text.count(old) != 1:
            raise RuntimeError(f"this version of BertViz does not write {old!r} once in {name}.js")
        text = text.replace(old, new)
    return text
