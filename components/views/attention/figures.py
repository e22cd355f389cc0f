"""The Attention page's Plotly charts. Pure functions, like `components.shared.charts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from components.gateway.library import gb
from components.shared.charts import percent

__all__ = ["before_and_after", "head_places", "ladder", "layer_changes", "ranks"]

_NEUTRAL, _MARKED, _BEFORE = "#8a93a6", "#e07a1f", "#3d8bd9"
# Tell eight lines apart also for colour-blind eyes (Okabe & Ito), mid-tones for white and near-black.
_LINES = ("#e69f00", "#56b4e9", "#009e73", "#c8b400", "#0072b2", "#d55e00", "#cc79a7", "#8a93a6")
_FEW = 8


def ranks(rows: Sequence[np.ndarray]) -> np.ndarray:
    """(measure, key): 1 for the largest number of a row; equal numbers keep their order in the text."""
    return np.stack([np.argsort(np.argsort(-row, kind="stable"), kind="stable") + 1 for row in rows])


def ladder(rows: Mapping[str, np.ndarray], labels: Sequence[str], most: int = _FEW) -> go.Figure:
    """A bump chart: name of measure → one query's numbers, (key,). The keys that are among the first anywhere."""
    names = list(rows)
    ranked = ranks(list(rows.values()))
    # by the best place anywhere, then by the first column: the same keys whatever order the measures have
    order = sorted(range(len(labels)), key=lambda key: (ranked[:, key].min(), ranked[0, key]))[:most]
    figure = go.Figure()
    for number, key in enumerate(sorted(order, key=lambda key: ranked[0, key])):
        places = ranked[:, key]
        colour = _LINES[number % len(_LINES)]
        figure.add_scatter(
            x=list(range(len(names))),
            y=places.tolist(),
            mode="lines+markers+text",
            line={"color": colour, "width": 2.5, "shape": "spline", "smoothing": 0.6},
            marker={"size": 11, "color": colour},
            text=["", *[""] * (len(names) - 2), _clipped(labels[key])] if len(names) > 1 else [_clipped(labels[key])],
            textposition="middle right",
            customdata=[[_clipped(labels[key]), name, float(row[key])] for name, row in rows.items()],
            hovertemplate="%{customdata[0]}, %{customdata[1]}: rank %{y}, %{customdata[2]:.4f}<extra></extra>",
            cliponaxis=False,
        )
        figure.add_annotation(
            x=0, y=int(places[0]), text=_clipped(labels[key]), xanchor="right", xshift=-12, showarrow=False
        )
    lowest = int(ranked[:, order].max())
    figure.update_layout(
        height=120 + 26 * min(lowest, 16),
        margin={"l": 80, "r": 90, "t": 8, "b": 8},
        showlegend=False,
        xaxis={
            "tickvals": list(range(len(names))),
            "ticktext": names,
            "side": "top",
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
        },
        yaxis={
            "range": [lowest + 0.5, 0.5],
            "title": "rank",
            "dtick": 1 if lowest <= 20 else 10,
            "tick0": 1,
            "fixedrange": True,
            "zeroline": False,
            "showticklabels": False,
        },
    )
    return figure


def head_places(distances: gb.HeadDistances, names: Sequence[str], labels: Sequence[str], opened: int) -> go.Figure:
    """One dot a head, near heads look alike; coloured by what they do, the open one outlined."""
    figure = go.Figure()
    kinds = list(dict.fromkeys(names))
    x, y = distances.positions.T
    for number, kind in enumerate(kinds):
        heads = [index for index, name in enumerate(names) if name == kind]
        figure.add_scatter(
            x=x[heads].tolist(),
            y=y[heads].tolist(),
            mode="markers",
            name=kind,
            marker={
                "size": 11,
                "color": _LINES[number % len(_LINES)],
                "line": {
                    "width": [3 if head == opened else 0 for head in heads],
                    "color": _NEUTRAL,
                },
                "symbol": ["diamond" if head == opened else "circle" for head in heads],
            },
            customdata=[[int(head), labels[head]] for head in heads],
            hovertemplate="%{customdata[1]}<extra></extra>",
        )
    figure.update_layout(
        height=420,
        margin={"l": 0, "r": 0, "t": 8, "b": 8},
        legend={"orientation": "h", "y": -0.05},
        dragmode=False,
        xaxis={"showticklabels": False, "zeroline": False, "fixedrange": True},
        yaxis={"showticklabels": False, "zeroline": False, "scaleanchor": "x", "fixedrange": True},
    )
    return figure


def before_and_after(names: Sequence[str], before: Sequence[float], after: Sequence[float]) -> go.Figure:
    """Probabilities of the untouched model and of the one without the heads, a pair of bars a name."""
    rows = list(range(len(names)))
    figure = go.Figure()
    for kind, shares, colour in (("all heads", before, _BEFORE), ("without", after, _MARKED)):
        figure.add_bar(
            name=kind,
            x=list(shares),
            y=rows,
            orientation="h",
            marker={"color": colour},
            text=[percent(share) for share in shares],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"{kind}: %{{x:.4f}}<extra></extra>",
        )
    figure.update_layout(
        height=42 * len(rows) + 40,
        margin={"l": 0, "r": 0, "t": 4, "b": 4},
        bargap=0.25,
        bargroupgap=0.05,
        legend={"orientation": "h", "traceorder": "normal", "y": 1.0, "yanchor": "bottom"},
        xaxis={"range": [0, max(max([*before, *after]) * 1.2, 0.02)], "visible": False, "fixedrange": True},
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


def layer_changes(changes: Sequence[float]) -> go.Figure:
    """How much of the weight went elsewhere in each layer, 0 to 1."""
    layers = [str(layer + 1) for layer in range(len(changes))]
    figure = go.Figure(
        go.Bar(
            x=layers,
            y=list(changes),
            marker={"color": _MARKED},
            hovertemplate="layer %{x}: %{y:.4f}<extra></extra>",
        )
    )
    figure.update_layout(
        height=150,
        margin={"l": 0, "r": 0, "t": 8, "b": 8},
        xaxis={"title": "layer", "type": "category", "fixedrange": True},
        yaxis={"tickformat": ".0%", "rangemode": "tozero", "nticks": 4, "fixedrange": True, "automargin": True},
    )
    return figure


def _clipped(name: str, characters: int = 14) -> str:
    """Plotly reads a few HTML tags in labels; a broken bracket shows them as text."""
    name = name if len(name) <= characters else name[: characters - 1] + "…"
    return name.replace("&", "&amp;").replace("<", "&lt;")
