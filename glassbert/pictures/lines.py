"""Line charts: values over layers, ranks over measures, a curve over a band. Plotly is imported when one is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glassbert.pictures.markup import label
from glassbert.pictures.palette import INK, LINES, NEUTRAL, translucent

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["curve_over_band", "ends_of_answers", "over_layers", "over_removals", "rank_ladder", "ranks"]

_SMALL = {"size": 11}
_NAME_CHARACTERS = 14
_FEW_TOKENS = 60


def over_layers(
    values: Mapping[str, Sequence[float]], *, title: str, log: bool = False, reversed_axis: bool = False
) -> go.Figure:
    """One line per word (or quantity) over the layers, layer 0 being the embeddings."""
    import plotly.graph_objects as go

    figure = go.Figure(
        [
            go.Scatter(
                x=list(range(len(line))),
                y=[float(value) for value in line],
                mode="lines+markers",
                name=label(name),
                hovertemplate="layer %{x}: %{y:.4g}<extra>%{fullData.name}</extra>",
            )
            for name, line in values.items()
        ]
    )
    figure.update_layout(
        height=250,
        margin={"l": 0, "r": 0, "t": 28, "b": 0},
        title={"text": title, "font": {"size": 13}, "x": 0, "y": 0.98},
        showlegend=len(values) > 1,
        legend={"orientation": "h", "y": -0.18},
        xaxis={"title": None, "dtick": 1, "fixedrange": True},
        yaxis={
            "type": "log" if log else "linear",
            "dtick": 1 if log else None,  # powers of ten: digits between them would be read as ranks
            "fixedrange": True,
            "autorange": "reversed" if reversed_axis else True,
            "rangemode": "normal" if log or reversed_axis else "tozero",
            "automargin": True,
        },
    )
    return figure


def ends_of_answers(
    tokens: Sequence[str], start: Sequence[float], end: Sequence[float], best: tuple[int, int] | None = None
) -> go.Figure:
    """Where an answer starts and where it ends, probabilities over the tokens as two thin lines; ``best`` is the span
    between them, shaded."""
    import plotly.graph_objects as go

    places = list(range(len(tokens)))
    names = [label(token, 20) for token in tokens]
    figure = go.Figure(
        [
            go.Scatter(
                x=places,
                y=[float(share) for share in shares],
                mode="lines+markers",
                name=name,
                line={"width": 1.5, "color": colour, "dash": dash},
                marker={"size": 5, "symbol": symbol},
                customdata=names,
                hovertemplate="%{customdata}: %{y:.1%}<extra>%{fullData.name}</extra>",
            )
            for name, shares, colour, dash, symbol in (
                ("the answer starts here", start, LINES[0], "solid", "triangle-right"),
                ("the answer ends here", end, LINES[1], "dot", "triangle-left"),
            )
        ]
    )
    if best is not None:
        figure.add_vrect(
            x0=best[0] - 0.5, x1=best[1] + 0.5, fillcolor=translucent(NEUTRAL, 0.18), line_width=0, layer="below"
        )
    few = len(tokens) <= _FEW_TOKENS
    figure.update_layout(
        height=260,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "y": 1.12, "x": 0},
        hovermode="x",
        xaxis={
            "tickvals": places if few else [],
            "ticktext": [label(token, 16) for token in tokens] if few else [],
            "tickangle": -50,
            "tickfont": _SMALL,
            "fixedrange": few,
            "automargin": True,
        },
        yaxis={"range": [0, 1.02], "tickformat": ".0%", "fixedrange": True, "automargin": True},
    )
    return figure


def curve_over_band(
    percents: Sequence[float],
    curve: Sequence[float],
    band: tuple[Sequence[float], Sequence[float], Sequence[float]],
    *,
    xaxis: str = "% of tokens",
    yaxis: str = "drop in p",
) -> go.Figure:
    """A curve over the lowest, middle and highest of many random ones, a grey band with a dotted median."""
    import plotly.graph_objects as go

    low, middle, high = map(list, band)
    hover = "%{x:g}% of tokens: %{y:.3f}<extra>%{fullData.name}</extra>"
    edge: dict[str, Any] = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    figure = go.Figure(
        [
            go.Scatter(x=list(percents), y=high, **edge),
            go.Scatter(x=list(percents), y=low, fill="tonexty", fillcolor=translucent(NEUTRAL, 0.25), **edge),
            go.Scatter(
                x=list(percents),
                y=middle,
                mode="lines",
                line={"color": NEUTRAL, "dash": "dot"},
                name="random, median",
                hovertemplate=hover,
            ),
            go.Scatter(
                x=list(percents),
                y=list(curve),
                mode="lines+markers",
                line={"color": INK, "width": 2.5},
                name="this explanation",
                hovertemplate=hover,
            ),
        ]
    )
    figure.update_layout(
        height=200,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        showlegend=False,
        xaxis={"title": {"text": xaxis, "font": _SMALL}, "tickvals": list(percents), "fixedrange": True},
        yaxis={"fixedrange": True, "automargin": True, "nticks": 5, "title": {"text": yaxis, "font": _SMALL}},
    )
    return figure


def over_removals(removed: Sequence[str], probabilities: Sequence[float]) -> go.Figure:
    """The probability after each removed word, starting with the whole text: one value more than words."""
    import plotly.graph_objects as go

    words = ["the whole text", *(f"without “{label(word, 24)}”" for word in removed)]
    figure = go.Figure(
        go.Scatter(
            x=list(range(len(words))),
            y=[float(share) for share in probabilities],
            mode="lines+markers",
            line={"color": INK, "width": 2.5},
            customdata=[[word] for word in words],
            hovertemplate="%{x} words removed, %{customdata[0]}: %{y:.4f}<extra></extra>",
        )
    )
    figure.update_layout(
        height=230,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        showlegend=False,
        xaxis={"title": {"text": "words removed", "font": _SMALL}, "fixedrange": True, "rangemode": "tozero"},
        yaxis={"range": [0, 1.05], "tickformat": ".0%", "nticks": 6, "fixedrange": True, "automargin": True},
    )
    return figure


def ranks(rows: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.intp]:
    """(measure, key): 1 for the largest number of a row; equal numbers keep their order in the text."""
    return np.stack([np.argsort(np.argsort(-row, kind="stable"), kind="stable") + 1 for row in rows])


def rank_ladder(rows: Mapping[str, npt.NDArray[Any]], labels: Sequence[str], most: int = 8) -> go.Figure:
    """A bump chart: name of measure → one query's numbers, (key,). The keys that are among the first anywhere."""
    import plotly.graph_objects as go

    names = list(rows)
    ranked = ranks(list(rows.values()))
    # by the best place anywhere, then by the first column: the same keys whatever order the measures have
    order = sorted(range(len(labels)), key=lambda key: (ranked[:, key].min(), ranked[0, key]))[:most]
    figure = go.Figure()
    for number, key in enumerate(sorted(order, key=lambda key: ranked[0, key])):
        places = ranked[:, key]
        colour = LINES[number % len(LINES)]
        shown = label(labels[key], _NAME_CHARACTERS)
        figure.add_scatter(
            x=list(range(len(names))),
            y=places.tolist(),
            mode="lines+markers+text",
            line={"color": colour, "width": 2.5, "shape": "spline", "smoothing": 0.6},
            marker={"size": 11, "color": colour},
            text=[*[""] * (len(names) - 1), shown],
            textposition="middle right",
            customdata=[[shown, name, float(row[key])] for name, row in rows.items()],
            hovertemplate="%{customdata[0]}, %{customdata[1]}: rank %{y}, %{customdata[2]:.4f}<extra></extra>",
            cliponaxis=False,
        )
        figure.add_annotation(x=0, y=int(places[0]), text=shown, xanchor="right", xshift=-12, showarrow=False)
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
