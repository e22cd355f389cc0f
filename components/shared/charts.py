"""Results → Plotly figures. Pure functions: no Streamlit, no computation beyond layout."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from components.gateway.library import gb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


__all__ = [
    "CONFIG",
    "agreement",
    "answers",
    "candidates",
    "cell_numbers",
    "consensus",
    "faithfulness_curve",
    "next_sentence",
    "over_layers",
    "percent",
    "probabilities",
    "ranking",
    "readable",
    "score_bars",
    "scores",
    "template",
    "token_labels",
    "words",
]

#: No mode bar over small charts; double-click still resets a zoom.
CONFIG = {"displayModeBar": False, "responsive": True}

# Mid-tones that read on white and on near-black, and that colour-blind eyes tell apart.
_NEUTRAL, _POSITIVE, _NEGATIVE = "#8a93a6", "#e07a1f", "#3d8bd9"
_ROW_PIXELS = 24
_NUMBERED_COLUMNS = 20


def candidates(
    prediction: gb.MaskPrediction, row: int, shown: Sequence[int] | None = None, *, log: bool = False
) -> go.Figure:
    """The candidates at one mask, the word that stood there in orange, added below if it is not among them.

    ``shown`` picks some of them by their place in the list.
    """
    places = range(len(prediction.candidates[row])) if shown is None else shown
    original = int(prediction.original_ids[row])
    tokens = [readable(prediction.candidates[row][place]) for place in places]
    shares = [float(prediction.probabilities[row, place]) for place in places]
    ids = [int(prediction.candidate_ids[row, place]) for place in places]
    colours = [_POSITIVE if token == original else _NEUTRAL for token in ids]
    if original >= 0 and original not in ids:
        tokens.append(f"{readable(prediction.original_tokens[row])} (rank {int(prediction.original_ranks[row]):,})")
        shares.append(float(prediction.original_probabilities[row]))
        colours.append(_POSITIVE)
    return _bars(tokens, shares, colours, log=log)


def words(result: gb.WordScores, *, log: bool = False) -> go.Figure:
    """Words somebody asked about, the likeliest first, with their rank or their pieces."""
    order = result.probabilities.argsort()[::-1]
    names = [
        f"{result.words[index]} ({result.ranks[index]:,}.)"
        if result.ranks[index]
        else f"{result.words[index]} ({len(result.pieces[index])} pieces)"
        for index in order
    ]
    shares = [float(result.probabilities[index]) for index in order]
    return _bars(names, shares, [_POSITIVE, *[_NEUTRAL] * (len(shares) - 1)], log=log)


def over_layers(
    values: Mapping[str, Sequence[float]], *, title: str, log: bool = False, reversed_axis: bool = False
) -> go.Figure:
    """One line a word (or quantity) over the layers, layer 0 being the embeddings."""
    figure = go.Figure(
        [
            go.Scatter(
                x=list(range(len(line))),
                y=[float(value) for value in line],
                mode="lines+markers",
                name=_escaped(name),
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
            "fixedrange": True,
            "autorange": "reversed" if reversed_axis else True,
            "rangemode": "normal" if log or reversed_axis else "tozero",
            "automargin": True,
        },
    )
    return figure


def template(result: gb.TemplateProbe, *, dark: bool = False) -> go.Figure:
    """Probability of each word for each filler, one scale for all, the numbers in the cells."""
    figure = go.Figure(
        go.Heatmap(
            z=result.probabilities,
            x=list(range(len(result.words))),
            y=list(range(len(result.combinations))),
            zmin=0,
            colorscale=[[0, "rgba(61,139,217,0.06)"], [1, "rgba(61,139,217,0.95)"]],
            customdata=[
                [f"{_clipped(label, 40)}, {_escaped(word)}" for word in result.words] for label in result.labels()
            ],
            hovertemplate="%{customdata}: %{z:.4f}<extra></extra>",
            showscale=False,
            xgap=2,
            ygap=2,
        )
    )
    shares = [[percent(float(share)) for share in row] for row in result.probabilities]
    figure.update_layout(
        annotations=cell_numbers(shares, dark),
        height=60 + 30 * len(result.combinations),
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        xaxis={
            "tickvals": list(range(len(result.words))),
            "ticktext": [_escaped(word) for word in result.words],
            "side": "top",
            "fixedrange": True,
            "showgrid": False,
        },
        yaxis={
            "tickvals": list(range(len(result.combinations))),
            "ticktext": [_clipped(label, 40) for label in result.labels()],
            "autorange": "reversed",
            "fixedrange": True,
            "automargin": True,
            "showgrid": False,
        },
    )
    return figure


def ranking(result: gb.ContinuationRanking) -> go.Figure:
    """Continuations, the likeliest first."""
    order = result.order
    shares = [float(result.is_next[index]) for index in order]
    return _bars(
        [result.candidates[index] for index in order],
        shares,
        [_POSITIVE if share >= 0.5 else _NEUTRAL for share in shares],
        characters=60,
    )


def probabilities(classification: gb.Classification, most: int = 6) -> go.Figure:
    """A classifier's labels, the most probable first."""
    order = classification.probabilities.argsort()[::-1][:most]
    return _bars(
        [classification.labels[index] for index in order],
        [float(classification.probabilities[index]) for index in order],
        [_POSITIVE if index == classification.predicted else _NEUTRAL for index in order],
    )


def next_sentence(prediction: gb.PairPrediction) -> go.Figure:
    """Whether text B follows text A."""
    follows, elsewhere = (float(share) for share in prediction.probabilities)
    colours = [_POSITIVE, _NEUTRAL] if follows >= elsewhere else [_NEUTRAL, _POSITIVE]
    return _bars(["B follows A", "B is from elsewhere"], [follows, elsewhere], colours)


def answers(prediction: gb.AnswerPrediction) -> go.Figure:
    """The best spans of the context."""
    shares = [float(share) for share in prediction.span_probabilities]
    names = [text if len(text) <= 40 else text[:39] + "…" for text in prediction.answers]
    return _bars(names, shares, [_POSITIVE, *[_NEUTRAL] * (len(shares) - 1)])


def token_labels(prediction: gb.TokenLabels, position: int, most: int = 6) -> go.Figure:
    """The labels of one token."""
    shares = prediction.probabilities[position]
    order = shares.argsort()[::-1][:most]
    return _bars(
        [prediction.labels[index] for index in order],
        [float(shares[index]) for index in order],
        [_POSITIVE, *[_NEUTRAL] * (len(order) - 1)],
    )


def scores(result: gb.TokenScores, positions: Sequence[int], selected: int | None) -> go.Figure:
    """One bar a token, for reading exact scores; the selected one is outlined."""
    values = [float(result.scores[position]) for position in positions]
    figure = go.Figure(
        go.Bar(
            x=list(range(len(values))),
            y=values,
            marker={
                "color": [_NEGATIVE if value < 0 else _POSITIVE for value in values],
                "line": {
                    "width": [2.5 if position == selected else 0 for position in positions],
                    "color": _NEUTRAL,
                },
            },
            customdata=[[result.encoded.pieces[position]] for position in positions],
            hovertemplate="%{customdata[0]}: %{y:.4f}<extra></extra>",
        )
    )
    few = len(values) <= 40
    figure.update_layout(
        height=190,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        bargap=0.25,
        showlegend=False,
        xaxis={
            "tickvals": list(range(len(values))) if few else None,
            "ticktext": [_clipped(result.encoded.pieces[position]) for position in positions] if few else None,
            "tickangle": -60,
            "showticklabels": few,
            "automargin": True,
            "fixedrange": few,
        },
        yaxis={"zeroline": True, "nticks": 5, "fixedrange": True, "automargin": True},
    )
    return figure


def score_bars(
    names: Sequence[str],
    values: Sequence[float],
    selected: int | None,
    *,
    share: bool = False,
    most: float | None = None,
) -> go.Figure:
    """One explanation's scores in the order of the strip beside it, small; the selected one is outlined.

    Bars beyond ``most`` end at the edge: hovering tells their number.
    """
    figure = go.Figure(
        go.Bar(
            x=list(range(len(values))),
            y=list(values),
            marker={
                "color": [_NEGATIVE if value < 0 else _POSITIVE for value in values],
                "line": {"width": [2.5 if index == selected else 0 for index in range(len(values))], "color": _NEUTRAL},
            },
            customdata=[[_clipped(name, 40)] for name in names],
            hovertemplate="%{customdata[0]}: %{y:.1%}<extra></extra>"
            if share
            else "%{customdata[0]}: %{y:.4f}<extra></extra>",
        )
    )
    figure.update_layout(
        height=112,
        margin={"l": 0, "r": 0, "t": 4, "b": 4},
        bargap=0.2,
        showlegend=False,
        xaxis={"showticklabels": False, "fixedrange": True, "showgrid": False},
        yaxis={
            "zeroline": True,
            "nticks": 4,
            "fixedrange": True,
            "automargin": True,
            "tickformat": ".0%" if share else None,
        },
    )
    if most and max(map(abs, values), default=0.0) > most:
        lowest = min(0.0, *(max(value, -most) for value in values))
        highest = max(0.0, *(min(value, most) for value in values))
        figure.update_yaxes(range=[1.08 * lowest, 1.08 * highest])
    return figure


def faithfulness_curve(details: Mapping[str, Any]) -> go.Figure:
    """p(x) − p(part) over the share of tokens, this explanation over the band of random orderings."""
    shares = [100 * float(share) for share in details["shares"]]
    bands = dict(zip(details["percentiles"], details["random_curves"], strict=True))
    low, middle, high = (bands[wanted] for wanted in (5, 50, 95))
    hover = "%{x:g} %% of tokens: %{y:.3f}<extra>%{fullData.name}</extra>".replace("%%", "%")
    figure = go.Figure(
        [
            go.Scatter(x=shares, y=high, mode="lines", line={"width": 0}, hoverinfo="skip", showlegend=False),
            go.Scatter(
                x=shares,
                y=low,
                mode="lines",
                line={"width": 0},
                fill="tonexty",
                fillcolor="rgba(138,147,166,0.25)",
                hoverinfo="skip",
                showlegend=False,
            ),
            go.Scatter(
                x=shares,
                y=middle,
                mode="lines",
                line={"color": _NEUTRAL, "dash": "dot"},
                name="random, median",
                hovertemplate=hover,
            ),
            go.Scatter(
                x=shares,
                y=list(details["curve"]),
                mode="lines+markers",
                line={"color": _POSITIVE, "width": 2.5},
                name="this explanation",
                hovertemplate=hover,
            ),
        ]
    )
    figure.update_layout(
        height=200,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        showlegend=False,
        xaxis={"title": {"text": "% of tokens", "font": {"size": 11}}, "tickvals": shares, "fixedrange": True},
        yaxis={
            "fixedrange": True,
            "automargin": True,
            "nticks": 5,
            "title": {"text": "fall of p", "font": {"size": 11}},
        },
    )
    return figure


def agreement(
    values: Sequence[Sequence[float]], names: Sequence[str], *, signed: bool, dark: bool = False
) -> go.Figure:
    """Methods × methods with their numbers; zero in the middle of the scale where it is signed.

    ``dark`` is the page: a heatmap colours its own numbers as if every page were white.
    """
    blue, orange, clear = "rgba(61,139,217,0.95)", "rgba(224,122,31,0.95)", "rgba(138,147,166,0.06)"
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=list(range(len(names))),
            y=list(range(len(names))),
            zmin=-1 if signed else 0,
            zmax=1,
            colorscale=[[0, blue], [0.5, clear], [1, orange]] if signed else [[0, clear], [1, orange]],
            customdata=[[f"{_clipped(one, 40)}, {_clipped(other, 40)}" for other in names] for one in names],
            hovertemplate="%{customdata}: %{z:.3f}<extra></extra>",
            showscale=False,
            xgap=2,
            ygap=2,
        )
    )
    labels = {"tickvals": list(range(len(names))), "ticktext": [_clipped(name, 24) for name in names]}
    figure.update_layout(
        height=110 + 34 * len(names),
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        annotations=cell_numbers([[f"{float(value):.2f}" for value in row] for row in values], dark),
        xaxis={**labels, "tickangle": -35, "fixedrange": True, "automargin": True, "showgrid": False},
        yaxis={**labels, "autorange": "reversed", "fixedrange": True, "automargin": True, "showgrid": False},
    )
    return figure


def cell_numbers(texts: Sequence[Sequence[str]], dark: bool) -> list[dict[str, Any]]:
    """Numbers in the cells of a heatmap, in the page's own ink; nothing where they would not fit."""
    if len(texts[0]) > _NUMBERED_COLUMNS:
        return []
    font = {"size": 11, "color": "#f5f5f7" if dark else "#1d1f27"}
    return [
        {"x": column, "y": row, "text": text, "showarrow": False, "font": font}
        for row, line in enumerate(texts)
        for column, text in enumerate(line)
    ]


def consensus(
    names: Sequence[str], means: Sequence[float], spreads: Sequence[float], selected: int | None
) -> go.Figure:
    """The mean of several methods, with its spread."""
    figure = score_bars(names, means, selected, share=True)
    figure.update_traces(
        error_y={"type": "data", "array": list(spreads), "thickness": 1.2, "width": 2, "color": _NEUTRAL}
    )
    few = len(names) <= 40
    figure.update_layout(
        height=230,
        xaxis={
            "showticklabels": few,
            "tickvals": list(range(len(names))),
            "ticktext": [_clipped(name) for name in names],
            "tickangle": -60,
            "automargin": True,
        },
    )
    return figure


def _bars(
    names: Sequence[str], shares: Sequence[float], colours: Sequence[str], *, log: bool = False, characters: int = 28
) -> go.Figure:
    """Horizontal probability bars with their numbers, first on top. Equal names stay separate rows."""
    rows = list(range(len(names)))
    most = max(shares)
    if log:  # decades from just under the smallest bar; the numbers need about a third of the width
        low = math.floor(math.log10(max(min(shares), 1e-12))) - 0.2
        span = [low, low + (math.log10(max(most, 1e-12)) - low) * 1.35]
    else:
        span = [0, max(most * 1.2, 0.02)]
    figure = go.Figure(
        go.Bar(
            x=list(shares),
            y=rows,
            orientation="h",
            marker={"color": list(colours)},
            text=[percent(share) for share in shares],
            textposition="outside",
            cliponaxis=False,
            customdata=[[_escaped(name)] for name in names],
            hovertemplate="%{customdata[0]}: %{x:.4g}<extra></extra>",
        )
    )
    figure.update_layout(
        height=_ROW_PIXELS * len(rows) + 8,
        margin={"l": 0, "r": 0, "t": 4, "b": 4},
        bargap=0.3,
        showlegend=False,
        xaxis={"type": "log" if log else "linear", "range": span, "visible": False, "fixedrange": True},
        yaxis={
            "tickvals": rows,
            "ticktext": [_clipped(name, characters) for name in names],
            "autorange": "reversed",
            "fixedrange": True,
            "automargin": True,
            "showgrid": False,
        },
    )
    return figure


def percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else f"{share:.1e}"


def readable(token: str) -> str:
    """A vocabulary string as people read it; ``##`` stays, because it says "inside a word"."""
    return token.replace("Ġ", "").replace("▁", "") or token


def _clipped(name: str, characters: int = 12) -> str:
    """Plotly reads a few HTML tags in labels; a broken bracket shows them as text."""
    return _escaped(name if len(name) <= characters else name[: characters - 1] + "…")


def _escaped(name: str) -> str:
    return name.replace("&", "&amp;").replace("<", "&lt;")
