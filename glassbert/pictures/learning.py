"""Charts of a training and of what came of it. Plotly is imported when one is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glassbert.pictures.markup import label
from glassbert.pictures.palette import INK, LINES, NEGATIVE, NEUTRAL, POSITIVE, translucent

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["confusion", "data_map", "head_changes", "length_histogram", "loss_curve", "metric_curves", "reliability"]

_MARGIN = {"l": 0, "r": 0, "t": 8, "b": 0}
#: Above the curves, which it must not cover; its room is added to the margin.
_LEGEND = {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0}
_UNDER_LEGEND = _MARGIN | {"t": 40}
_SMOOTHED_SHARE = 0.05
_MOST_BINS = 40
_NAMED_CLASSES, _NUMBERED_CLASSES, _NAME_CHARACTERS, _HOVER_CHARACTERS = 30, 20, 18, 60
#: Kind of training example → its colour.
_REGIONS = {"easy": LINES[2], "ambiguous": LINES[0], "hard": LINES[4]}


def smoothed(values: Sequence[float], share: float = _SMOOTHED_SHARE) -> npt.NDArray[np.float64]:
    """The mean of each value and those before it, over this share of all of them."""
    found = np.asarray(values, dtype=np.float64)
    width = max(1, round(share * len(found)))
    sums = np.concatenate([[0.0], np.cumsum(found)])
    ends = np.arange(1, len(found) + 1)
    starts = np.maximum(0, ends - width)
    mean: npt.NDArray[np.float64] = (sums[ends] - sums[starts]) / (ends - starts)
    return mean


def loss_curve(steps: Sequence[int], losses: Sequence[float], most: int | None = None) -> go.Figure:
    """The loss of each step, pale, and its mean over the last twentieth; ``most``: the step at the end of the axis."""
    import plotly.graph_objects as go

    figure = go.Figure()
    top = max((value for value in losses if value < float("inf")), default=1.0)
    for name, values, colour, width in (
        ("loss of a step", list(losses), NEUTRAL, 1.0),
        ("mean", smoothed(losses).tolist(), INK, 2.5),
    ):
        figure.add_scatter(
            x=list(steps),
            y=values,
            mode="lines" if len(steps) > 1 else "markers",
            name=name,
            line={"color": colour, "width": width},
            hovertemplate="step %{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(
        height=240,
        margin=_UNDER_LEGEND,
        legend=_LEGEND,
        xaxis={"title": "step", "range": None if most is None else [0, most], "fixedrange": True, "automargin": True},
        yaxis={"title": "loss", "range": [0, 1.08 * top], "fixedrange": True, "automargin": True},
    )
    return figure


def metric_curves(
    epochs: Sequence[int], values: Mapping[str, Sequence[float]], most: int | None = None, *, share: bool = True
) -> go.Figure:
    """One line for each metric after each epoch; ``most``: the last epoch of the axis; ``share``: from 0 to 100%."""
    import plotly.graph_objects as go

    figure = go.Figure(
        [
            go.Scatter(
                x=list(epochs),
                y=[float(value) for value in line],
                mode="lines+markers",
                name=label(name),
                line={"color": LINES[number % len(LINES)], "width": 2},
                hovertemplate=f"epoch %{{x}}: %{{y{':.1%' if share else ':.4g'}}}<extra>%{{fullData.name}}</extra>",
            )
            for number, (name, line) in enumerate(values.items())
        ]
    )
    last = max([*epochs, most or 1])
    figure.update_layout(
        height=240,
        margin=_UNDER_LEGEND,
        showlegend=True,
        legend=_LEGEND,
        xaxis={"title": "epoch", "range": [0.5, last + 0.5], "dtick": 1, "fixedrange": True, "automargin": True},
        yaxis={"tickformat": ".0%" if share else None, "fixedrange": True, "automargin": True},
    )
    if share:
        figure.update_yaxes(range=[0, 1.03])
    return figure


def confusion(
    counts: npt.NDArray[Any], names: Sequence[str], marked: tuple[int, int] | None = None, *, dark: bool = False
) -> go.Figure:
    """How often each label (row) got each answer (column), coloured by its share of the row: right answers grey, wrong
    ones orange. Each cell is a dot with its row and column in ``customdata``, so that it can be clicked; ``marked`` is
    outlined. ``dark``: whether the page is."""
    import plotly.graph_objects as go

    size = len(names)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    places = [(row, column) for row in range(size) for column in range(size)]
    cell = max(4.0, min(64.0, 420 / size))
    shown = [label(name, _NAME_CHARACTERS) for name in names]
    whole = [label(name, _HOVER_CHARACTERS) for name in names]
    figure = go.Figure(
        go.Scatter(
            x=[column for _, column in places],
            y=[row for row, _ in places],
            mode="markers+text" if size <= _NUMBERED_CLASSES else "markers",
            text=[f"{int(counts[place]):,}" if counts[place] else "" for place in places],
            textfont={"color": "#ffffff" if dark else "#000000", "size": 12 if size <= _NUMBERED_CLASSES // 2 else 9},
            marker={
                "symbol": "square",
                "size": cell,
                "opacity": 1,
                "color": [
                    translucent(NEUTRAL if row == column else POSITIVE, 0.05 + 0.75 * float(shares[row, column]))
                    for row, column in places
                ],
                "line": {
                    "width": [3 if place == marked else 0 for place in places],
                    "color": NEGATIVE,
                },
            },
            customdata=[[row, column, whole[row], whole[column], float(shares[row, column])] for row, column in places],
            # what is not chosen stays as it is: the page outlines what is
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}, "textfont": {"color": "#ffffff" if dark else "#000000"}},
            hovertemplate="label %{customdata[2]}, answer %{customdata[3]}: %{customdata[4]:.1%} of the label's texts"
            "<extra></extra>",
        )
    )
    few = size <= _NAMED_CLASSES
    axis = {
        "tickvals": list(range(size)) if few else [],
        "ticktext": shown if few else [],
        "range": [-0.5, size - 0.5],
        "fixedrange": True,
        "automargin": True,
        "showgrid": False,
        "zeroline": False,
    }
    side = round(cell * size * 1.06) + 100
    figure.update_layout(
        height=side,
        margin=_MARGIN,
        showlegend=False,
        dragmode=False,
        xaxis=axis
        | {
            "title": "answer of the model",
            "side": "top",
            "tickangle": -40 if size > 4 else 0,
            "scaleanchor": "y",
            "constrain": "domain",
        },
        yaxis=axis | {"title": "label in the table", "range": [size - 0.5, -0.5]},
    )
    return figure


def reliability(confidences: Sequence[float], accuracies: Sequence[float], counts: Sequence[int]) -> go.Figure:
    """How often answers are right, by how confident they are (Guo et al. 2017); dots as large as they stand for many
    texts. On the dotted line, confidence is what it says. Bins without a text are left out."""
    import plotly.graph_objects as go

    kept = [bin for bin, count in enumerate(counts) if count]
    most = max([counts[bin] for bin in kept], default=1)
    figure = go.Figure(
        [
            go.Scatter(
                x=[0, 1], y=[0, 1], mode="lines", line={"color": NEUTRAL, "dash": "dot"}, hoverinfo="skip",
                showlegend=False,
            ),
            go.Scatter(
                x=[float(confidences[bin]) for bin in kept],
                y=[float(accuracies[bin]) for bin in kept],
                mode="lines+markers",
                line={"color": INK, "width": 1.5},
                marker={"size": [6 + 14 * (counts[bin] / most) ** 0.5 for bin in kept], "color": INK},
                customdata=[[int(counts[bin])] for bin in kept],
                hovertemplate="confidence %{x:.1%}: %{y:.1%} right, %{customdata[0]:,} texts<extra></extra>",
                showlegend=False,
            ),
        ]
    )  # fmt: skip
    axis = {"range": [0, 1.03], "tickformat": ".0%", "fixedrange": True, "automargin": True}
    figure.update_layout(
        height=300,
        margin=_MARGIN,
        xaxis=axis | {"title": "confidence"},
        yaxis=axis | {"title": "right answers"},
    )
    return figure


def data_map(
    variability: Sequence[float],
    confidence: Sequence[float],
    regions: Sequence[str],
    texts: Sequence[str],
    marked: int | None = None,
) -> go.Figure:
    """Each training text by how sure the model was of its label over the epochs, and how much that changed
    (Swayamdipta et al. 2020). ``texts`` are shown when hovered; a dot's place is the first of its ``customdata``."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for region, colour in _REGIONS.items():
        dots = [place for place, name in enumerate(regions) if name == region]
        figure.add_trace(
            go.Scatter(
                x=[float(variability[dot]) for dot in dots],
                y=[float(confidence[dot]) for dot in dots],
                mode="markers",
                name=f"{region} ({len(dots):,})",
                marker={"size": 6, "color": colour, "opacity": 0.75},
                customdata=[[dot, label(texts[dot], _HOVER_CHARACTERS)] for dot in dots],
                selected={"marker": {"opacity": 0.75}},
                unselected={"marker": {"opacity": 0.75}},
                hovertemplate="%{customdata[1]}<br>confidence %{y:.2f}, variability %{x:.2f}<extra></extra>",
            )
        )
    if marked is not None:
        figure.add_scatter(
            x=[float(variability[marked])],
            y=[float(confidence[marked])],
            mode="markers",
            marker={"size": 16, "symbol": "circle-open", "color": POSITIVE, "line": {"width": 3}},
            hoverinfo="skip",
            showlegend=False,
        )
    figure.update_layout(
        height=430,
        margin=_UNDER_LEGEND,
        legend=_LEGEND,
        dragmode=False,
        xaxis={"title": "variability", "rangemode": "tozero", "fixedrange": True, "automargin": True},
        yaxis={"title": "confidence in the label", "range": [-0.03, 1.03], "fixedrange": True, "automargin": True},
    )
    return figure


def head_changes(distances: npt.NDArray[Any]) -> go.Figure:
    """How far the attention of each head (layer, head) has moved, the first layer on top."""
    import plotly.graph_objects as go

    layers, heads = distances.shape
    most = float(distances.max(initial=0.0)) or 1.0
    figure = go.Figure(
        go.Heatmap(
            z=distances.tolist(),
            zmin=0,
            zmax=most,
            colorscale=[[0, translucent(NEUTRAL, 0.06)], [1, translucent(POSITIVE, 0.95)]],
            hovertemplate="layer %{y}, head %{x}: %{z:.3f} bits<extra></extra>",
            x=list(range(1, heads + 1)),
            y=list(range(1, layers + 1)),
            xgap=1,
            ygap=1,
            colorbar={"thickness": 10, "outlinewidth": 0, "nticks": 3},
        )
    )
    axis = {
        "fixedrange": True,
        "automargin": True,
        "showgrid": False,
        "zeroline": False,
        "dtick": 1 if heads <= 16 else 4,
    }
    figure.update_layout(
        height=110 + 24 * layers,
        margin=_MARGIN,
        xaxis=axis | {"title": "head"},
        yaxis=axis | {"title": "layer", "autorange": "reversed"},
    )
    return figure


def length_histogram(lengths: npt.NDArray[Any], unit: str, limit: int | None = None) -> go.Figure:
    """How many texts have how many ``unit``; ``limit``: a dotted line where a model stops reading."""
    import plotly.graph_objects as go

    longest = int(lengths.max(initial=1))
    width = max(1, -(-longest // _MOST_BINS))
    counts = np.bincount(lengths // width)
    starts = [bin * width for bin in range(len(counts))]
    names = [f"{start}" if width == 1 else f"{start} to {start + width - 1}" for start in starts]
    figure = go.Figure(
        go.Bar(
            x=[start + (width - 1) / 2 for start in starts],
            y=counts.tolist(),
            width=width,
            marker={"color": NEUTRAL},
            customdata=[[name] for name in names],
            hovertemplate=f"%{{customdata[0]}} {unit}: %{{y:,}} texts<extra></extra>",
        )
    )
    if limit is not None:
        figure.add_vline(x=limit, line={"color": POSITIVE, "dash": "dot"})
    figure.update_layout(
        height=220,
        margin=_MARGIN,
        bargap=0.05,
        xaxis={"title": unit, "fixedrange": True, "automargin": True},
        yaxis={"title": "texts", "fixedrange": True, "automargin": True},
    )
    return figure
