"""Results → Plotly figures. Pure functions: no Streamlit, no computation beyond layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

if TYPE_CHECKING:
    from collections.abc import Sequence

    import glassbert as gb

__all__ = [
    "CONFIG",
    "answers",
    "candidates",
    "next_sentence",
    "percent",
    "probabilities",
    "readable",
    "scores",
    "token_labels",
]

#: No mode bar over small charts; double-click still resets a zoom.
CONFIG = {"displayModeBar": False, "responsive": True}

# Mid-tones that read on white and on near-black, and that colour-blind eyes tell apart.
_NEUTRAL, _POSITIVE, _NEGATIVE = "#8a93a6", "#e07a1f", "#3d8bd9"
_ROW_PIXELS = 24


def candidates(prediction: gb.MaskPrediction, row: int) -> go.Figure:
    """The candidates at one mask, the word that stood there in orange, added below if it is not among them."""
    tokens = [readable(token) for token in prediction.candidates[row]]
    shares = [float(share) for share in prediction.probabilities[row]]
    original = int(prediction.original_ids[row])
    colours = [_POSITIVE if int(token) == original else _NEUTRAL for token in prediction.candidate_ids[row]]
    rank = int(prediction.original_ranks[row])
    if rank > len(tokens):
        tokens.append(f"{readable(prediction.original_tokens[row])} (rank {rank:,})")
        shares.append(float(prediction.original_probabilities[row]))
        colours.append(_POSITIVE)
    return _bars(tokens, shares, colours)


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


def _bars(names: Sequence[str], shares: Sequence[float], colours: Sequence[str]) -> go.Figure:
    """Horizontal probability bars with their numbers, first on top. Equal names stay separate rows."""
    rows = list(range(len(names)))
    figure = go.Figure(
        go.Bar(
            x=list(shares),
            y=rows,
            orientation="h",
            marker={"color": list(colours)},
            text=[percent(share) for share in shares],
            textposition="outside",
            cliponaxis=False,
            customdata=[[name] for name in names],
            hovertemplate="%{customdata[0]}: %{x:.4f}<extra></extra>",
        )
    )
    figure.update_layout(
        height=_ROW_PIXELS * len(rows) + 8,
        margin={"l": 0, "r": 0, "t": 4, "b": 4},
        bargap=0.3,
        showlegend=False,
        xaxis={"range": [0, max(max(shares) * 1.2, 0.02)], "visible": False, "fixedrange": True},
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


def percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else f"{share:.1e}"


def readable(token: str) -> str:
    """A vocabulary string as people read it; ``##`` stays, because it says "inside a word"."""
    return token.replace("Ġ", "").replace("▁", "") or token


def _clipped(name: str, characters: int = 12) -> str:
    """Plotly reads a few HTML tags in labels; a broken bracket shows them as text."""
    name = name if len(name) <= characters else name[: characters - 1] + "…"
    return name.replace("&", "&amp;").replace("<", "&lt;")
