"""Dots on a plane. Plotly is imported when they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from glassbert.pictures.palette import LINES, NEUTRAL

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["grouped_dots"]


def grouped_dots(
    positions: npt.NDArray[Any], groups: Sequence[str], labels: Sequence[str], marked: int | None = None
) -> go.Figure:
    """One dot for each row of ``positions`` (dot, 2), coloured by its group; the marked one is an outlined diamond.

    Groups and labels are Plotly's own markup, ours and not a user's. The first number of a dot's ``customdata`` is
    its row.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    x, y = positions.T
    for number, group in enumerate(dict.fromkeys(groups)):
        dots = [index for index, name in enumerate(groups) if name == group]
        figure.add_scatter(
            x=x[dots].tolist(),
            y=y[dots].tolist(),
            mode="markers",
            name=group,
            marker={
                "size": 11,
                "color": LINES[number % len(LINES)],
                "line": {"width": [3 if dot == marked else 0 for dot in dots], "color": NEUTRAL},
                "symbol": ["diamond" if dot == marked else "circle" for dot in dots],
            },
            customdata=[[dot, labels[dot]] for dot in dots],
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
