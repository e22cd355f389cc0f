"""Bar charts carry exactly the numbers they are given, and names as text."""

from __future__ import annotations

import pytest

from glassbert.pictures import palette
from glassbert.pictures.bars import layer_bars, paired_bars, paired_scores, score_bars, share_bars

NAMES, SCORES = ["a", "<b>", "c"], [0.5, -2.0, 0.0]


def test_shares_and_the_marked_one() -> None:
    figure = share_bars(["<i>yes", "no" * 20], [0.75, 0.0004], [1])
    (bar,) = figure.data
    assert (list(bar.x), list(bar.y)) == ([0.75, 0.0004], [0, 1])
    assert list(bar.text) == ["75.0%", "0.04%"]
    assert list(bar.marker.color) == [palette.PALE, palette.NEUTRAL]
    assert list(figure.layout.yaxis.ticktext) == ["&lt;i>yes", ("no" * 20)[:27] + "…"]
    assert bar.customdata[1][0] == "no" * 20
    assert figure.layout.xaxis.range == (0, 1.2)  # 100% and room for the numbers


def test_long_names_that_begin_alike_show_how_they_end() -> None:
    names = ["the committee that met in Paris in 1994", "the committee that met in Paris in 1995", "elsewhere, in " * 3]
    shown = list(share_bars(names, [0.5, 0.3, 0.2]).layout.yaxis.ticktext)
    assert shown == ["the committee… Paris in 1994", "the committee… Paris in 1995", ("elsewhere, in " * 3)[:27] + "…"]
    assert max(map(len, shown)) == 28


def test_a_logarithmic_axis_holds_every_bar_and_its_number() -> None:
    figure = share_bars(["a", "b"], [0.1, 0.001], log=True)
    low, high = figure.layout.xaxis.range
    assert figure.layout.xaxis.type == "log"
    assert low < -3
    assert high > -1


def test_before_and_after() -> None:
    figure = paired_bars(["yes", "<b>no"], [0.75, 0.25], [0.5, 0.5])
    assert [list(bar.x) for bar in figure.data] == [[0.75, 0.25], [0.5, 0.5]]
    assert list(figure.layout.yaxis.ticktext) == ["yes", "&lt;b>no"]


def test_pairs_of_bars_keep_their_names_as_text() -> None:
    figure = paired_bars(["yes", "<b>no"], [0.75, 0.25], [0.5, 0.5], sides=("A", "B"))
    assert [(bar.name, list(bar.x)) for bar in figure.data] == [("A", [0.75, 0.25]), ("B", [0.5, 0.5])]
    assert list(figure.layout.yaxis.ticktext) == ["yes", "&lt;b>no"]


def test_differences_in_points_stand_under_the_names() -> None:
    figure = paired_bars(["yes", "no"], [0.75, 0.25], [0.5, 0.5], differences=True)
    assert list(figure.layout.yaxis.ticktext) == ["yes<br>−25.0 points", "no<br>+25.0 points"]


@pytest.mark.parametrize("named", [True, False])
def test_scores_are_coloured_by_sign_and_the_selected_one_is_outlined(named: bool) -> None:
    figure = score_bars(NAMES, SCORES, 1, named=named)
    (bar,) = figure.data
    assert list(bar.y) == SCORES
    assert list(bar.marker.color) == [palette.POSITIVE, palette.NEGATIVE, palette.POSITIVE]
    assert [width > 0 for width in bar.marker.line.width] == [False, True, False]
    assert [name for (name,) in bar.customdata] == ["a", "&lt;b>", "c"]
    assert figure.layout.xaxis.showticklabels is named


def test_the_first_word_of_an_arabic_text_is_on_the_right() -> None:
    assert score_bars(["رائع", "جدا", "ok"], SCORES, named=True).layout.xaxis.autorange == "reversed"
    assert score_bars(["ok", "film", "رائع"], SCORES, named=True).layout.xaxis.autorange is None
    assert score_bars([".", "1", "!"], SCORES, named=True).layout.xaxis.autorange is None


def test_bars_beyond_the_most_end_at_the_edge() -> None:
    assert score_bars(NAMES, SCORES, most=5.0).layout.yaxis.range is None
    low, high = score_bars(NAMES, SCORES, most=1.0).layout.yaxis.range
    assert -1.1 < low < -1
    assert high == pytest.approx(0.54)


def test_spreads_are_error_bars() -> None:
    (bar,) = score_bars(NAMES, SCORES, spreads=[0.1, 0.2, 0.3]).data
    assert list(bar.error_y.array) == [0.1, 0.2, 0.3]


def test_names_go_when_there_is_no_room() -> None:
    many = score_bars(["name"] * 41, [1.0] * 41, named=True)
    assert many.layout.xaxis.showticklabels is False
    assert not many.layout.xaxis.fixedrange


def test_paired_scores() -> None:
    figure = paired_scores(NAMES, SCORES, [1.0, 0.0, 0.0], 0, 0.1)
    assert [list(bar.y) for bar in figure.data] == [SCORES, [1.0, 0.0, 0.0]]
    low, high = figure.layout.yaxis.range
    assert low < -2
    assert high > 1
    zeros = paired_scores(NAMES, [0.0] * 3, [0.0] * 3, None, 0.1)
    assert tuple(zeros.layout.yaxis.range) == pytest.approx((-0.108, 0.108))


def test_layers_are_counted_from_one() -> None:
    (bar,) = layer_bars([0.5, 0.25]).data
    assert (list(bar.x), list(bar.y)) == (["1", "2"], [0.5, 0.25])
