"""The What if page's Plotly charts. Pure functions, like `components.shared.charts`."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from components.gateway.library import gb
from components.shared.charts import percent

__all__ = ["paired", "steps", "trace_map"]

_NEUTRAL, _MORE, _LESS = "#8a93a6", "#e07a1f", "#3d8bd9"
# two stops in the middle: halfway between orange and blue there would be brown
_DIVERGING = [
    [0, "rgba(61,139,217,0.97)"],
    [0.5, "rgba(61,139,217,0.04)"],
    [0.5, "rgba(224,122,31,0.04)"],
    [1, "rgba(224,122,31,0.97)"],
]
_READABLE_COLUMNS = 48


def paired(names: Sequence[str], first: Sequence[float], second: Sequence[float]) -> go.Figure:
    """Probabilities in A and in B, a pair of bars a name."""
    rows = list(range(len(names)))
    figure = go.Figure()
    for pin, shares, colour in (("A", first, _NEUTRAL), ("B", second, _MORE)):
        figure.add_bar(
            name=pin,
            x=list(shares),
            y=rows,
            orientation="h",
            marker={"color": colour},
            text=[percent(share) for share in shares],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"{pin}: %{{x:.4f}}<extra></extra>",
        )
    figure.update_layout(
        height=42 * len(rows) + 40,
        margin={"l": 0, "r": 0, "t": 4, "b": 4},
        bargap=0.25,
        bargroupgap=0.05,
        legend={"orientation": "h", "traceorder": "normal", "y": 1.0, "yanchor": "bottom"},
        xaxis={"range": [0, max(max([*first, *second]) * 1.2, 0.02)], "visible": False, "fixedrange": True},
        yaxis={
            "tickvals": rows,
            "ticktext": [_clipped(name, 28) for name in names],
            "autorange": "reversed",
            "fixedrange": True,
            "automargin": True,
            "showgrid": False,
        },
    )
    return figure


def steps(result: gb.InputReduction) -> go.Figure:
    """The probability of the decision after each word that was taken away."""
    words = ["the whole text", *(f"without “{_clipped(word, 24)}”" for word in result.removed_words)]
    figure = go.Figure(
        go.Scatter(
            x=list(range(len(words))),
            y=result.probabilities.tolist(),
            mode="lines+markers",
            line={"color": _MORE, "width": 2.5},
            customdata=[[word] for word in words],
            hovertemplate="%{x} words gone, %{customdata[0]}: %{y:.4f}<extra></extra>",
        )
    )
    figure.update_layout(
        height=230,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        showlegend=False,
        xaxis={"title": {"text": "words taken away", "font": {"size": 11}}, "fixedrange": True, "rangemode": "tozero"},
        yaxis={"range": [0, 1.05], "tickformat": ".0%", "nticks": 6, "fixedrange": True, "automargin": True},
    )
    return figure


def trace_map(result: gb.Trace) -> go.Figure:
    """Restored share by layer and token, or layer and head; the output on top, zero without colour."""
    hidden, heads = result.kind == "hidden", result.kind == "head"
    shares = result.restored[..., 0] if heads else result.restored
    values = result.values[..., 0] if heads else result.values
    layers = ["embeddings" if hidden and layer == 0 else f"layer {layer + (not hidden)}" for layer in result.layers]
    if heads:
        columns = hovered = [f"head {head + 1}" for head in range(shares.shape[1])]
    else:
        pairs = [(result.clean.pieces[start], result.corrupted.pieces[start]) for start in result.spans[:, 0]]
        columns = [_clipped(a) if a == b else f"<b>{_clipped(a)}</b><br>{_clipped(b)}" for a, b in pairs]
        hovered = [_clipped(a, 40) if a == b else f"{_clipped(a, 40)} for {_clipped(b, 40)}" for a, b in pairs]
    few = len(columns) <= _READABLE_COLUMNS
    figure = go.Figure(
        go.Heatmap(
            z=shares.tolist(),
            x=list(range(len(columns))),
            y=list(range(len(layers))),
            zmin=-1,
            zmax=1,
            colorscale=_DIVERGING,
            customdata=[
                [[name, layer, float(value)] for name, value in zip(hovered, row, strict=True)]
                for layer, row in zip(layers, values, strict=True)
            ],
            hovertemplate="%{customdata[1]}, %{customdata[0]}<br>"
            "restored %{z:.1%}, F = %{customdata[2]:.3f}<extra></extra>",
            xgap=1,
            ygap=1,
            colorbar={"thickness": 10, "tickvals": [-1, 0, 1], "ticktext": ["−1", "0", "1"], "outlinewidth": 0},
        )
    )
    figure.update_layout(
        height=120 + 28 * len(layers),
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        xaxis={
            "tickvals": list(range(len(columns))) if few else None,
            "ticktext": columns if few else None,
            "showticklabels": few,
            "tickangle": -50 if len(columns) > 12 else 0,
            "automargin": True,
            "fixedrange": few,
            "showgrid": False,
            "zeroline": False,
        },
        yaxis={
            "tickvals": list(range(len(layers))),
            "ticktext": layers,
            "fixedrange": True,
            "automargin": True,
            "showgrid": False,
            "zeroline": False,
        },
    )
    return figure


def _clipped(name: str, characters: int = 14) -> str:
    """Plotly reads a few HTML tags in labels; a broken bracket shows them as text."""
    name = name if len(name) <= characters else name[: characters - 1] + "…"
    return name.replace("&", "&amp;").replace("<", "&lt;")
