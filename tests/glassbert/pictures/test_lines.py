"""Line charts carry exactly the numbers they are given."""

from __future__ import annotations

import numpy as np

from glassbert.pictures.lines import curve_over_band, over_layers, over_removals, rank_ladder, ranks


def test_ranks() -> None:
    assert ranks([np.array([0.1, 0.7, 0.2]), np.array([0.5, 0.5, 0.0])]).tolist() == [[3, 1, 2], [1, 2, 3]]


def test_the_ladder_keeps_whoever_is_among_the_first_anywhere() -> None:
    rows = {"one": np.array([0.5, 0.3, 0.2, 0.0]), "two": np.array([0.0, 0.2, 0.3, 0.5])}
    figure = rank_ladder(rows, ["a", "b", "c", "<d>"], most=2)
    lines = {line.customdata[0][0]: list(line.y) for line in figure.data}
    assert lines == {"a": [1, 4], "&lt;d>": [4, 1]}


def test_a_line_a_word_over_the_layers() -> None:
    figure = over_layers({"<a>": [0.1, 0.2, 0.4], "b": [1, 2, 3]}, title="Rank", log=True, reversed_axis=True)
    assert [(line.name, list(line.x), list(line.y)) for line in figure.data] == [
        ("&lt;a>", [0, 1, 2], [0.1, 0.2, 0.4]),
        ("b", [0, 1, 2], [1, 2, 3]),
    ]
    assert (figure.layout.yaxis.type, figure.layout.yaxis.autorange) == ("log", "reversed")


def test_a_curve_over_a_band() -> None:
    high, low, middle, curve = curve_over_band([1, 5], [0.5, 0.6], ([0.0, 0.1], [0.1, 0.2], [0.2, 0.3])).data
    assert [list(line.y) for line in (low, middle, high, curve)] == [[0.0, 0.1], [0.1, 0.2], [0.2, 0.3], [0.5, 0.6]]
    assert low.fill == "tonexty", "the band reaches from the lowest to the line before it, the highest"


def test_words_taken_away() -> None:
    (line,) = over_removals(["a", "<b>"], [0.9, 0.5, 0.4]).data
    assert (list(line.x), list(line.y)) == ([0, 1, 2], [0.9, 0.5, 0.4])
    assert [word for (word,) in line.customdata] == ["the whole text", "without “a”", "without “&lt;b>”"]
