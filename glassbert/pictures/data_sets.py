"""Charts of whole data sets: words with their intervals, and texts as points of a plane. Plotly is imported when one is
drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from glassbert.pictures.markup import label
from glassbert.pictures.palette import LINES, NEGATIVE, NEUTRAL, POSITIVE

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["plane_of_texts", "shares_of_words"]

_MARGIN = {"l": 0, "r": 0, "t": 8, "b": 0}
_WORD_CHARACTERS, _NAME_CHARACTERS = 24, 24
_ROW_PIXELS, _AXIS_PIXELS = 24, 60
#: More classes have no colours of their own.
_MOST_COLOURS = len(LINES)


def shares_of_words(
    words: Sequence[str], means: Sequence[float], lows: Sequence[float], highs: Sequence[float], texts: Sequence[int]
) -> go.Figure:
    """The mean share of each word with its interval, from top to bottom; for the answer orange, against it blue. A
    dot's place is the first of its ``customdata``."""
    import plotly.graph_objects as go

    places = list(range(len(words)))
    figure = go.Figure(
        go.Scatter(
            x=list(means),
            y=places,
            mode="markers",
            marker={"size": 9, "color": [POSITIVE if mean > 0 else NEGATIVE for mean in means], "opacity": 1},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - mean for mean, high in zip(means, highs, strict=True)],
                "arrayminus": [mean - low for mean, low in zip(means, lows, strict=True)],
                "color": NEUTRAL,
                "thickness": 1.5,
                "width": 3,
            },
            customdata=[
                [place, label(word, _WORD_CHARACTERS), count]
                for place, word, count in zip(places, words, texts, strict=True)
            ],
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
            hovertemplate="%{customdata[1]}: %{x:.1%} of the explanation, in %{customdata[2]:,} texts<extra></extra>",
        )
    )
    figure.add_vline(x=0, line={"color": NEUTRAL, "width": 1})
    figure.update_layout(
        height=_AXIS_PIXELS + _ROW_PIXELS * len(words),
        margin=_MARGIN,
        showlegend=False,
        dragmode=False,
        xaxis={"tickformat": ".0%", "fixedrange": True, "automargin": True, "title": "share of the explanation"},
        yaxis={
            "tickvals": places,
            "ticktext": [label(word, _WORD_CHARACTERS) for word in words],
            "range": [len(words) - 0.5, -0.5],
            "fixedrange": True,
            "automargin": True,
            "showgrid": False,
        },
    )
    return figure


def plane_of_texts(
    x: Sequence[float],
    y: Sequence[float],
    ids: Sequence[int],
    answers: Sequence[int],
    right: Sequence[int],
    names: Sequence[str],
) -> go.Figure:
    """Each text at its place, coloured by its answer; a cross where that is wrong (``right`` 0; −1: not known). A
    point's id is the first of its ``customdata``. Without WebGL, which not every machine with a projector has."""
    import plotly.graph_objects as go

    figure = go.Figure()
    counts = {one: sum(answer == one for answer in answers) for one in set(answers)}
    shown = sorted(counts, key=lambda one: -counts[one])
    for number, answer in enumerate(shown):
        places = [place for place, one in enumerate(answers) if one == answer]
        name = label(names[answer], _NAME_CHARACTERS) if 0 <= answer < len(names) else "texts"
        figure.add_trace(
            go.Scatter(
                x=[x[place] for place in places],
                y=[y[place] for place in places],
                mode="markers",
                name=f"{name} ({len(places):,})",
                marker={
                    "size": [8 if right[place] == 0 else 5 for place in places],
                    "symbol": ["x" if right[place] == 0 else "circle" for place in places],
                    "color": LINES[number] if number < _MOST_COLOURS else NEUTRAL,
                    "opacity": 0.75,
                },
                customdata=[[ids[place]] for place in places],
                selected={"marker": {"opacity": 0.75}},
                unselected={"marker": {"opacity": 0.75}},
                legendgroup=name,
                showlegend=False,
                hovertemplate=f"{name}<extra></extra>",
            )
        )
        if number < _MOST_COLOURS:  # of many signs, the legend would show the first text's
            sign = {"size": 8, "symbol": "circle", "color": LINES[number]}
            named = f"{name} ({len(places):,})"
            figure.add_trace(go.Scatter(x=[None], y=[None], mode="markers", name=named, legendgroup=name, marker=sign))
    axis = {"showticklabels": False, "zeroline": False, "automargin": True}
    figure.update_layout(
        height=460,
        margin=_MARGIN | {"t": 40},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        dragmode="pan",
        xaxis=axis,
        yaxis=axis,
    )
    return figure
