"""The Compare page's Plotly charts. Pure functions, like `components.shared.charts`."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from components.gateway.library import gb
from components.shared.charts import cell_numbers, percent

__all__ = ["cka", "cosines", "paired", "scores"]

# The first side is blue-grey, the second orange; differences are blue below zero and orange above, as elsewhere.
_FIRST, _SECOND, _BELOW = "#8a93a6", "#e07a1f", "#3d8bd9"
# Clear enough for black numbers on a white page, and white ones on a dark page.
_CLEAR, _APART, _ALIKE = "rgba(138,147,166,0.06)", "rgba(224,122,31,0.7)", "rgba(61,139,217,0.7)"
_READABLE_COLUMNS = 40


def paired(names: Sequence[str], first: Sequence[float], second: Sequence[float]) -> go.Figure:
    """Probabilities of both sides, a pair of bars a name, with the difference in points after the name."""
    rows = list(range(len(names)))
    figure = go.Figure()
    for side, shares, colour in (("first", first, _FIRST), ("second", second, _SECOND)):
        figure.add_bar(
            name=side,
            x=list(shares),
            y=rows,
            orientation="h",
            marker={"color": colour},
            text=[percent(share) for share in shares],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"{side}: %{{x:.4f}}<extra></extra>",
        )
    labels = [
        f"{_clipped(name, 24)}<br>{_points(other - one)}" for name, one, other in zip(names, first, second, strict=True)
    ]
    figure.update_layout(
        height=52 * len(rows) + 40,
        margin={"l": 0, "r": 0, "t": 4, "b": 4},
        bargap=0.25,
        bargroupgap=0.05,
        legend={"orientation": "h", "traceorder": "normal", "y": 1.0, "yanchor": "bottom"},
        xaxis={"range": [0, max(max([*first, *second]) * 1.25, 0.02)], "visible": False, "fixedrange": True},
        yaxis={
            "tickvals": rows,
            "ticktext": labels,
            "autorange": "reversed",
            "fixedrange": True,
            "automargin": True,
            "showgrid": False,
        },
    )
    return figure


def scores(
    names: Sequence[str], first: Sequence[float], second: Sequence[float], selected: int | None, most: float
) -> go.Figure:
    """A word's scores of both sides beside each other, on one axis that reaches at least to ``most``."""
    places = list(range(len(names)))
    hovered = [[_clipped(name, 40)] for name in names]
    figure = go.Figure()
    for side, values, colour in (("first", first, _FIRST), ("second", second, _SECOND)):
        figure.add_bar(
            name=side,
            x=places,
            y=list(values),
            marker={
                "color": colour,
                "line": {"width": [2 if place == selected else 0 for place in places], "color": _BELOW},
            },
            customdata=hovered,
            hovertemplate=f"%{{customdata[0]}}, {side}: %{{y:.4f}}<extra></extra>",
        )
    lowest, highest = min([0.0, *first, *second]), max([0.0, *first, *second])
    if not lowest and not highest:
        lowest, highest = -most, most
    figure.update_layout(
        height=250,
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        bargap=0.25,
        legend={"orientation": "h", "traceorder": "normal", "y": 1.0, "yanchor": "bottom"},
        xaxis=_columns(names),
        yaxis={
            "range": [1.08 * lowest, 1.08 * highest],
            "zeroline": True,
            "nticks": 5,
            "fixedrange": True,
            "automargin": True,
        },
    )
    return figure


def cosines(result: gb.HiddenSimilarity, shown: Sequence[int], selected: int | None, *, dark: bool) -> go.Figure:
    """Words × layers: colour deepens as the cosine falls from 1, which has none; ``shown`` are places in ``rows``,
    ``dark`` is the page."""
    labels = [result.alignment.labels[result.rows[place]] for place in shown]
    values = result.cosine[:, list(shown)]
    layers = _layers(len(values))
    figure = go.Figure(
        go.Heatmap(
            z=values.tolist(),
            x=list(range(len(labels))),
            y=list(range(len(layers))),
            zmin=0,
            zmax=1,
            colorscale=[[0, _APART], [1, _CLEAR]],
            customdata=[[[_clipped(label, 40), layer] for label in labels] for layer in layers],
            hovertemplate="%{customdata[0]}, %{customdata[1]}: cosine %{z:.4f}<extra></extra>",
            xgap=1 if len(labels) <= _READABLE_COLUMNS else 0,  # hundreds of columns would be gaps only
            ygap=1,
            colorbar={"thickness": 10, "tickvals": [0, 0.5, 1], "outlinewidth": 0},
        )
    )
    figure.update_layout(
        height=110 + 28 * len(layers),
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        xaxis=_columns(labels),
        yaxis=_axis(layers),
        annotations=cell_numbers([[f"{float(value):.2f}" for value in row] for row in values], dark),
    )
    if selected is not None:
        figure.add_vrect(x0=selected - 0.5, x1=selected + 0.5, line={"color": _BELOW, "width": 2}, fillcolor=None)
    return figure


def cka(values: Sequence[Sequence[float]], first: str, second: str, *, dark: bool) -> go.Figure:
    """Layers of the first × layers of the second, 0 to 1, with their numbers; ``dark`` is the page."""
    rows, columns = len(values), len(values[0])
    figure = go.Figure(
        go.Heatmap(
            z=[list(map(float, row)) for row in values],
            x=list(range(columns)),
            y=list(range(rows)),
            zmin=0,
            zmax=1,
            colorscale=[[0, _CLEAR], [1, _ALIKE]],
            hovertemplate="layer %{y} of the first, layer %{x} of the second: CKA %{z:.4f}<extra></extra>",
            xgap=1,
            ygap=1,
            colorbar={"thickness": 10, "tickvals": [0, 0.5, 1], "outlinewidth": 0},
        )
    )
    title = {"font": {"size": 11}}
    figure.update_layout(
        height=110 + 28 * rows,
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        annotations=cell_numbers([[f"{float(value):.2f}" for value in row] for row in values], dark),
        xaxis={
            **_axis(_numbered(columns)),
            "title": {"text": f"{_clipped(second, 40)}, layer", **title},
        },
        yaxis={**_axis(_numbered(rows)), "title": {"text": f"{_clipped(first, 40)}, layer", **title}},
    )
    return figure


def _layers(count: int) -> list[str]:
    return ["embeddings", *(f"layer {layer}" for layer in range(1, count))]


def _numbered(count: int) -> list[str]:
    return [str(layer) for layer in range(count)]


def _axis(labels: Sequence[str]) -> dict[str, object]:
    return {
        "tickvals": list(range(len(labels))),
        "ticktext": list(labels),
        "fixedrange": True,
        "automargin": True,
        "showgrid": False,
        "zeroline": False,
    }


def _columns(names: Sequence[str]) -> dict[str, object]:
    few = len(names) <= _READABLE_COLUMNS
    return {
        **_axis([_clipped(name, 16) for name in names]),
        "showticklabels": few,
        "fixedrange": few,
        "tickangle": -50 if len(names) > 8 else 0,
    }


def _points(difference: float) -> str:
    size = 100 * difference
    return f"{size:+.1f} points".replace("-", "−") if abs(size) >= 0.05 else "± 0 points"


def _clipped(name: str, characters: int) -> str:
    """Plotly reads a few HTML tags in labels; a broken bracket shows them as text."""
    name = name if len(name) <= characters else name[: characters - 1] + "…"
    return name.replace("&", "&amp;").replace("<", "&lt;")
