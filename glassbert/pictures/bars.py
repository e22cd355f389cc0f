"""Bar charts: probabilities, scores of tokens, and two of either side by side. Plotly is imported when one is drawn."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from glassbert.pictures.formats import percent, points
from glassbert.pictures.markup import label, right_to_left
from glassbert.pictures.palette import NEGATIVE, NEUTRAL, PALE, POSITIVE

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["layer_bars", "paired_bars", "paired_scores", "score_bars", "share_bars"]

_ROW_PIXELS, _PAIR_PIXELS, _NOTED_PAIR_PIXELS = 24, 42, 52
#: More columns than this have no room for names.
_READABLE_COLUMNS = 40
_FEW_COLUMNS = 8
_TICK_ANGLE, _NAME_CHARACTERS, _HOVER_CHARACTERS = -60, 12, 40
_LEGEND = {"orientation": "h", "traceorder": "normal", "y": 1.0, "yanchor": "bottom"}


def share_bars(
    names: Sequence[str],
    shares: Sequence[float],
    marked: Collection[int] = (),
    *,
    log: bool = False,
    characters: int = 28,
) -> go.Figure:
    """Horizontal bars of probabilities with their numbers, from 0 to 100%, the first on top, ``marked`` ones darker.

    Equal names stay separate rows; names longer than ``characters`` are cut in the label, in the middle
    where they begin alike, and whole when hovered.
    """
    import plotly.graph_objects as go

    rows = list(range(len(names)))
    most = max(shares)
    if log:  # decades from just under the smallest bar; the numbers need about a third of the width
        low = math.floor(math.log10(max(min(shares), 1e-12))) - 0.2
        span = [low, low + (math.log10(max(most, 1e-12)) - low) * 1.35]
    else:
        span = [0, 1.2]  # the numbers need the room beyond 100%
    figure = go.Figure(
        go.Bar(
            x=list(shares),
            y=rows,
            marker={"color": [NEUTRAL if row in marked else PALE for row in rows]},
            customdata=[[label(name)] for name in names],
            hovertemplate="%{customdata[0]}: %{x:.4g}<extra></extra>",
            **_written(shares),
        )
    )
    figure.update_layout(
        height=_ROW_PIXELS * len(rows) + 8,
        margin={"l": 0, "r": 0, "t": 4, "b": 4},
        bargap=0.3,
        showlegend=False,
        xaxis={"type": "log" if log else "linear", "range": span, "visible": False, "fixedrange": True},
        yaxis=_named_rows(_told_apart(names, characters)),
    )
    return figure


def _told_apart(names: Sequence[str], characters: int) -> list[str]:
    """Labels of at most so many characters; long names that begin alike show their ends too."""
    cut = [label(name, characters) for name in names]
    start = (characters - 1) // 2
    return [
        label(f"{name[:start]}…{name[start + 1 - characters :]}")
        if len(name) > characters and cut.count(own) > 1
        else own
        for name, own in zip(names, cut, strict=True)
    ]


def paired_bars(
    names: Sequence[str],
    first: Sequence[float],
    second: Sequence[float],
    *,
    sides: tuple[str, str] = ("first", "second"),
    differences: bool = False,
) -> go.Figure:
    """Two probabilities for each name as a pair of bars from 0 to 100%, the first pale, the second darker.

    sides:       what the two are called in the legend; ours, not a user's.
    differences: whether the second minus the first, in points, is written under each name.
    """
    import plotly.graph_objects as go

    rows = list(range(len(names)))
    labels = [label(name, 28) for name in names]
    if differences:
        told = [points(one, other) for one, other in zip(first, second, strict=True)]
        labels = [f"{name}<br>{difference}" for name, difference in zip(labels, told, strict=True)]
    figure = go.Figure()
    for side, shares, colour in zip(sides, (first, second), (PALE, NEUTRAL), strict=True):
        figure.add_bar(
            name=side,
            x=list(shares),
            y=rows,
            marker={"color": colour},
            hovertemplate=f"{side}: %{{x:.4f}}<extra></extra>",
            **_written(shares),
        )
    figure.update_layout(
        height=(_NOTED_PAIR_PIXELS if differences else _PAIR_PIXELS) * len(rows) + 40,
        margin={"l": 0, "r": 0, "t": 4, "b": 4},
        bargap=0.25,
        bargroupgap=0.05,
        legend=_LEGEND,
        xaxis={"range": [0, 1.25], "visible": False, "fixedrange": True},
        yaxis=_named_rows(labels),
    )
    return figure


def score_bars(
    names: Sequence[str],
    values: Sequence[float],
    selected: int | None = None,
    *,
    named: bool = False,
    spreads: Sequence[float] | None = None,
    share: bool = False,
    most: float | None = None,
    height_px: int = 112,
) -> go.Figure:
    """One bar per token in text order, orange above zero and blue below; the one at ``selected`` is outlined. A text
    that is written from the right to the left has its first word on the right, as it has where it is read.

    named:   whether names are written under the bars if there is room; hovering always shows them.
    spreads: half the length of an error bar on each.
    share:   whether the numbers are read in percent.
    most:    bars of a larger magnitude end at the edge; hovering shows their value.
    """
    import plotly.graph_objects as go

    columns = range(len(values))
    number = "%{y:.1%}" if share else "%{y:.4f}"
    figure = go.Figure(
        go.Bar(
            x=list(columns),
            y=list(values),
            marker={
                "color": [NEGATIVE if value < 0 else POSITIVE for value in values],
                "line": {"width": [2.5 if column == selected else 0 for column in columns], "color": NEUTRAL},
            },
            customdata=[[label(name, _HOVER_CHARACTERS)] for name in names],
            hovertemplate=f"%{{customdata[0]}}: {number}<extra></extra>",
            error_y=None
            if spreads is None
            else {"type": "data", "array": list(spreads), "thickness": 1.2, "width": 2, "color": NEUTRAL},
        )
    )
    figure.update_layout(
        height=height_px,
        margin={"l": 0, "r": 0, "t": 4, "b": 4},
        bargap=0.2,
        showlegend=False,
        xaxis=_named_columns(names, _TICK_ANGLE, _NAME_CHARACTERS)
        if named
        else {"showticklabels": False, "fixedrange": True, "showgrid": False},
        yaxis=_score_axis(5 if named else 4) | {"tickformat": ".0%" if share else None},
    )
    if right_to_left(names):
        figure.update_xaxes(autorange="reversed")
    if most and max(map(abs, values), default=0.0) > most:
        lowest = min(0.0, *(max(value, -most) for value in values))
        highest = max(0.0, *(min(value, most) for value in values))
        figure.update_yaxes(range=[1.08 * lowest, 1.08 * highest])
    return figure


def paired_scores(
    names: Sequence[str], first: Sequence[float], second: Sequence[float], selected: int | None, most: float
) -> go.Figure:
    """Two scores for each word side by side, the first pale, the second darker.

    If all are zero, the axis extends from −``most`` to ``most``.
    """
    import plotly.graph_objects as go

    places = list(range(len(names)))
    hovered = [[label(name, _HOVER_CHARACTERS)] for name in names]
    figure = go.Figure()
    for side, values, colour in (("first", first, PALE), ("second", second, NEUTRAL)):
        figure.add_bar(
            name=side,
            x=places,
            y=list(values),
            marker={
                "color": colour,
                "line": {"width": [2 if place == selected else 0 for place in places], "color": NEUTRAL},
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
        legend=_LEGEND,
        xaxis=_named_columns(names, -50 if len(names) > _FEW_COLUMNS else 0, 16),
        yaxis=_score_axis(5) | {"range": [1.08 * lowest, 1.08 * highest]},
    )
    return figure


def layer_bars(shares: Sequence[float]) -> go.Figure:
    """One share, 0 to 1, for each layer, counted from 1."""
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Bar(
            x=[str(layer + 1) for layer in range(len(shares))],
            y=list(shares),
            marker={"color": NEUTRAL},
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


def _written(shares: Sequence[float]) -> dict[str, Any]:
    """Horizontal bars with their probability at the end."""
    return {
        "orientation": "h",
        "text": [percent(share) for share in shares],
        "textposition": "outside",
        "cliponaxis": False,
    }


def _named_rows(labels: Sequence[str]) -> dict[str, Any]:
    """An axis of names, the first on top."""
    return {
        "tickvals": list(range(len(labels))),
        "ticktext": list(labels),
        "autorange": "reversed",
        "fixedrange": True,
        "automargin": True,
        "showgrid": False,
    }


def _named_columns(names: Sequence[str], angle: int, characters: int) -> dict[str, Any]:
    """An axis of names; hundreds of them are not written, but appear when zoomed in."""
    few = len(names) <= _READABLE_COLUMNS
    return {
        "tickvals": list(range(len(names))) if few else None,
        "ticktext": [label(name, characters) for name in names] if few else None,
        "showticklabels": few,
        "tickangle": angle,
        "automargin": True,
        "fixedrange": few,
        "showgrid": False,
        "zeroline": False,
    }


def _score_axis(ticks: int) -> dict[str, Any]:
    return {"zeroline": True, "nticks": ticks, "fixedrange": True, "automargin": True}
