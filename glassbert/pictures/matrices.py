"""Heat maps of a few hundred cells with names on both sides, as Plotly figures, imported when one is drawn.

For attention weights, thousands of cells, there is `maps`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glassbert.pictures import palette
from glassbert.pictures.formats import percent, short, two_decimals
from glassbert.pictures.markup import label

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = [
    "agreement",
    "label_shares",
    "layer_similarity",
    "probability_table",
    "restored_shares",
    "token_pairs",
    "word_cosines",
]

_NUMBERED_COLUMNS = 20
_NUMBERED_IN_HALF_A_PAGE = 13  # beside another chart, numbers of two decimals would touch in more columns
_READABLE_COLUMNS, _READABLE_TOKENS = 40, 48
_HOVER_CHARACTERS = 40
_CLEAR = palette.translucent(palette.NEUTRAL, 0.06)
# Clear enough for black numbers on a white page, and white ones on a dark page.
_ORANGE, _BLUE = palette.translucent(palette.POSITIVE, 0.7), palette.translucent(palette.NEGATIVE, 0.7)
_STRONG_ORANGE, _STRONG_BLUE = palette.translucent(palette.POSITIVE, 0.95), palette.translucent(palette.NEGATIVE, 0.95)
# two stops in the middle: halfway between orange and blue would be brown
_DIVERGING = [
    [0, palette.translucent(palette.NEGATIVE, 0.97)],
    [0.5, palette.translucent(palette.NEGATIVE, 0.04)],
    [0.5, palette.translucent(palette.POSITIVE, 0.04)],
    [1, palette.translucent(palette.POSITIVE, 0.97)],
]
_BAR = {"thickness": 10, "outlinewidth": 0}
_AXIS = {"fixedrange": True, "automargin": True, "showgrid": False, "zeroline": False}


def probability_table(
    values: npt.NDArray[Any], rows: Sequence[str], columns: Sequence[str], *, dark: bool = False
) -> go.Figure:
    """Probabilities (row, column), one scale for all, with the numbers in the cells; ``dark``: whether the page is."""
    figure = _heat_map(
        values.tolist(),
        limits=(0, None),
        colours=[[0, palette.translucent(palette.NEGATIVE, 0.06)], [1, _STRONG_BLUE]],
        hovered=[[f"{label(row, _HOVER_CHARACTERS)}, {label(column)}" for column in columns] for row in rows],
        hover="%{customdata}: %{z:.4f}",
        gap=2,
    )
    figure.update_layout(
        annotations=_cell_numbers([[percent(float(share)) for share in row] for row in values], dark),
        height=60 + 30 * len(rows),
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        xaxis=_axis([label(column) for column in columns]) | {"side": "top"},
        yaxis=_axis([label(row, _HOVER_CHARACTERS) for row in rows]) | {"autorange": "reversed"},
    )
    return figure


def label_shares(values: npt.NDArray[Any], tokens: Sequence[str], labels: Sequence[str]) -> go.Figure:
    """Probabilities (token, label), tokens from left to right, one scale from 0 to 1."""
    few = len(tokens) <= _READABLE_TOKENS
    figure = _heat_map(
        values.T.tolist(),
        limits=(0, 1),
        colours=[[0, palette.translucent(palette.NEGATIVE, 0.04)], [1, _STRONG_BLUE]],
        hovered=[[f"{label(token, _HOVER_CHARACTERS)}, {label(name)}" for token in tokens] for name in labels],
        hover="%{customdata}: %{z:.3f}",
        gap=1,
        colorbar=_BAR | {"tickvals": [0, 0.5, 1], "ticktext": ["0%", "50%", "100%"]},
    )
    figure.update_traces(xgap=1 if few else 0)
    figure.update_layout(
        height=80 + 24 * len(labels),
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        xaxis=_axis([label(token, 16) for token in tokens])
        | {"showticklabels": few, "fixedrange": few, "tickangle": -50 if len(tokens) > 8 else 0},
        yaxis=_axis([label(name, 20) for name in labels]) | {"autorange": "reversed"},
    )
    return figure


def agreement(
    values: Sequence[Sequence[float]], names: Sequence[str], *, signed: bool, dark: bool = False
) -> go.Figure:
    """Methods × methods with their numbers, from −1 where ``signed``, else from 0, to 1; ``dark`` is the page."""
    figure = _heat_map(
        [list(map(float, row)) for row in values],
        limits=(-1 if signed else 0, 1),
        colours=[[0, _STRONG_BLUE], [0.5, _CLEAR], [1, _STRONG_ORANGE]]
        if signed
        else [[0, _CLEAR], [1, _STRONG_ORANGE]],
        hovered=[
            [f"{label(one, _HOVER_CHARACTERS)}, {label(other, _HOVER_CHARACTERS)}" for other in names] for one in names
        ],
        hover="%{customdata}: %{z:.3f}",
        gap=2,
    )
    axis = _axis([label(name, 24) for name in names])
    figure.update_layout(
        height=110 + 34 * len(names),
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        annotations=_cell_numbers(_two_decimals(values), dark, _NUMBERED_IN_HALF_A_PAGE),
        xaxis=axis | {"tickangle": -35},
        yaxis=axis | {"autorange": "reversed"},
    )
    return figure


def word_cosines(
    values: npt.NDArray[Any], words: Sequence[str], *, selected: int | None = None, dark: bool = False
) -> go.Figure:
    """Cosines (layer, word), layer 0 being the embeddings: colour deepens as the cosine falls from 1, which has none.

    selected: the column that is framed. dark: whether the page is.
    """
    layers = ["embeddings", *(f"layer {layer}" for layer in range(1, len(values)))]
    few = len(words) <= _READABLE_COLUMNS
    least = min(0.0, float(np.floor(10 * values.min() + 1e-6)) / 10)
    figure = _heat_map(
        values.tolist(),
        limits=(least, 1),
        colours=[[0, _ORANGE], [1, _CLEAR]],
        hovered=[[[label(word, _HOVER_CHARACTERS), layer] for word in words] for layer in layers],
        hover="%{customdata[0]}, %{customdata[1]}: cosine %{z:.4f}",
        gap=1,
        colorbar=_BAR | {"tickvals": [least, 0.5, 1], "ticktext": [short(least), "0.5", "1"]},
    )
    figure.update_traces(xgap=1 if few else 0)  # hundreds of columns would be nothing but gaps
    figure.update_layout(
        height=110 + 28 * len(layers),
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        xaxis=_axis([label(word, 16) for word in words])
        | {"showticklabels": few, "fixedrange": few, "tickangle": -50 if len(words) > 8 else 0},
        yaxis=_axis(layers) | {"autorange": "reversed"},
        annotations=_cell_numbers(_two_decimals(values), dark, _NUMBERED_IN_HALF_A_PAGE),
    )
    if selected is not None:
        frame = {"color": palette.NEGATIVE, "width": 2}
        figure.add_vrect(x0=selected - 0.5, x1=selected + 0.5, line=frame, fillcolor=None)
    return figure


def layer_similarity(values: Sequence[Sequence[float]], first: str, second: str, *, dark: bool = False) -> go.Figure:
    """Layers of the first × layers of the second (CKA), 0 to 1, with their numbers; ``dark`` is the page."""
    rows, columns = len(values), len(values[0])
    figure = _heat_map(
        [list(map(float, row)) for row in values],
        limits=(0, 1),
        colours=[[0, _CLEAR], [1, _BLUE]],
        hover="layer %{y} of the first, layer %{x} of the second: CKA %{z:.4f}",
        gap=1,
        colorbar=_BAR | {"tickvals": [0, 0.5, 1]},
    )
    titles = [{"text": f"{label(name, 40)}, layer", "font": {"size": 11}} for name in (first, second)]
    figure.update_layout(
        height=110 + 28 * rows,
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        annotations=_cell_numbers(_two_decimals(values), dark, _NUMBERED_IN_HALF_A_PAGE),
        xaxis=_axis(list(map(str, range(columns)))) | {"title": titles[1]},
        yaxis=_axis(list(map(str, range(rows)))) | {"title": titles[0], "autorange": "reversed"},
    )
    return figure


def restored_shares(
    shares: npt.NDArray[Any],
    values: npt.NDArray[Any],
    layers: Sequence[str],
    columns: Sequence[str | tuple[str, str]],
) -> go.Figure:
    """Restored share (layer, column), zero without colour, the first layer on top; hovering also shows ``values``.

    columns: one name each, or two: that of the clean run and that of the corrupted one.
    """
    pairs = [(name, name) if isinstance(name, str) else name for name in columns]
    shown = [label(a, 14) if a == b else f"<b>{label(a, 14)}</b><br>{label(b, 14)}" for a, b in pairs]
    hovered = [
        label(a, _HOVER_CHARACTERS) if a == b else f"{label(a, _HOVER_CHARACTERS)} for {label(b, _HOVER_CHARACTERS)}"
        for a, b in pairs
    ]
    few = len(shown) <= _READABLE_TOKENS
    figure = _heat_map(
        shares.tolist(),
        limits=(-1, 1),
        colours=_DIVERGING,
        hovered=[
            [[name, layer, float(value)] for name, value in zip(hovered, row, strict=True)]
            for layer, row in zip(layers, values, strict=True)
        ],
        hover="%{customdata[1]}, %{customdata[0]}<br>restored %{z:.1%}, F = %{customdata[2]:.3f}",
        gap=1,
        colorbar=_BAR | {"tickvals": [-1, 0, 1], "ticktext": ["−1", "0", "1"]},
    )
    figure.update_layout(
        height=120 + 28 * len(layers),
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        xaxis=(_axis(shown) if few else _AXIS)
        | {"showticklabels": few, "fixedrange": few, "tickangle": -50 if len(shown) > 12 else 0},
        yaxis=_axis(layers) | {"autorange": "reversed"},
    )
    return figure


def token_pairs(
    values: npt.NDArray[Any], rows: Sequence[str], columns: Sequence[str], *, most: float | None = None
) -> go.Figure:
    """Signed numbers (row token, column token), zero without colour; ``most``: the number in full colour, None: the
    largest magnitude."""
    full = most or float(np.abs(values).max(initial=0.0)) or 1.0
    few = len(columns) <= _READABLE_TOKENS, len(rows) <= _READABLE_TOKENS
    figure = _heat_map(
        values.tolist(),
        limits=(-full, full),
        colours=_DIVERGING,
        hovered=[
            [[label(row, _HOVER_CHARACTERS), label(column, _HOVER_CHARACTERS)] for column in columns] for row in rows
        ],
        hover="%{customdata[0]} with %{customdata[1]}: %{z:+.3f}",
        gap=1 if all(few) else 0,
        colorbar=_BAR | {"tickvals": [-full, 0, full], "ticktext": [f"−{full:.2f}", "0", f"{full:.2f}"]},
    )
    figure.update_layout(
        height=90 + min(24 * len(rows), 620),
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        xaxis=_axis([label(name, 16) for name in columns])
        | {"showticklabels": few[0], "side": "top", "tickangle": -45 if len(columns) > 8 else 0},
        yaxis=_axis([label(name, 16) for name in rows]) | {"showticklabels": few[1], "autorange": "reversed"},
    )
    return figure


def _heat_map(
    values: list[list[float]],
    *,
    limits: tuple[float, float | None],
    colours: list[list[Any]],
    hover: str,
    gap: int,
    hovered: list[list[Any]] | None = None,
    colorbar: dict[str, Any] | None = None,
) -> go.Figure:
    import plotly.graph_objects as go

    return go.Figure(
        go.Heatmap(
            z=values,
            x=list(range(len(values[0]))),
            y=list(range(len(values))),
            zmin=limits[0],
            zmax=limits[1],
            colorscale=colours,
            customdata=hovered,
            hovertemplate=f"{hover}<extra></extra>",
            showscale=colorbar is not None,
            colorbar=colorbar,
            xgap=gap,
            ygap=gap,
        )
    )


def _axis(labels: Sequence[str]) -> dict[str, Any]:
    return _AXIS | {"tickvals": list(range(len(labels))), "ticktext": list(labels)}


def _two_decimals(values: npt.NDArray[Any] | Sequence[Sequence[float]]) -> list[list[str]]:
    return [[two_decimals(float(value)) for value in row] for row in np.asarray(values)]


def _cell_numbers(texts: Sequence[Sequence[str]], dark: bool, most: int = _NUMBERED_COLUMNS) -> list[dict[str, Any]]:
    """Numbers in the cells, in the page's text colour: Plotly's own would be coloured as if every page were white.

    Nothing where they would not fit: in more than ``most`` columns.
    """
    if len(texts[0]) > most:
        return []
    font = {"size": 11, "color": palette.theme(dark).ink}
    return [
        {"x": column, "y": row, "text": text, "showarrow": False, "font": font}
        for row, line in enumerate(texts)
        for column, text in enumerate(line)
    ]
