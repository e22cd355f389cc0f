"""Recipes of compression beside each other: size against accuracy, and against the drift of the reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from glassbert.pictures.markup import label
from glassbert.pictures.palette import LINES, NEUTRAL

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["size_against"]

_NAME_CHARACTERS = 40


def size_against(
    megabytes: Sequence[float],
    values: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    names: Sequence[str],
    *,
    axis: str,
    original: tuple[float, float] | None = None,
    line: tuple[float, str] | None = None,
    marked: int | None = None,
    share: bool = False,
) -> go.Figure:
    """A point for each recipe, with its interval: its size, from 0, and a value. Its place is the first of its
    ``customdata``. ``original``: size and value of the model before; ``line``: a level to compare with, and what it is.
    """
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Scatter(
            x=list(megabytes),
            y=list(values),
            mode="markers",
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [top - value for top, value in zip(high, values, strict=True)],
                "arrayminus": [value - bottom for bottom, value in zip(low, values, strict=True)],
                "thickness": 1,
                "width": 3,
                "color": NEUTRAL,
            },
            marker={
                "size": [13 if place == marked else 9 for place in range(len(names))],
                "color": [LINES[place % len(LINES)] for place in range(len(names))],
            },
            customdata=[[place, label(name, _NAME_CHARACTERS)] for place, name in enumerate(names)],
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
            hovertemplate=f"%{{customdata[1]}}: %{{x:.1f}} MB, {'%{y:.1%}' if share else '%{y:.2f}'}<extra></extra>",
        )
    )
    if original is not None:
        figure.add_trace(
            go.Scatter(
                x=[original[0]],
                y=[original[1]],
                mode="markers",
                marker={"size": 10, "symbol": "diamond-open", "color": NEUTRAL, "line": {"width": 2}},
                customdata=[[-1, "the original model"]],
                hovertemplate="%{customdata[1]}: %{x:.1f} MB<extra></extra>",
            )
        )
    if line is not None:
        figure.add_hline(
            y=line[0],
            line={"color": NEUTRAL, "width": 1, "dash": "dash"},
            annotation={"text": line[1], "xanchor": "right", "yanchor": "bottom"},
        )
    figure.update_layout(
        height=300,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        showlegend=False,
        dragmode=False,
        xaxis={"title": {"text": "MB on disk"}, "rangemode": "tozero", "fixedrange": True, "automargin": True},
        yaxis={
            "title": {"text": axis},
            "tickformat": ".0%" if share else None,
            "fixedrange": True,
            "automargin": True,
        },
    )
    return figure
