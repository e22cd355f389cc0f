"""Figures carry exactly the result's numbers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import glassbert as gb
from components.shared import charts

TEXT = "The doctor washed his elephant."


@pytest.fixture(scope="module")
def pretrained() -> gb.Model:
    return gb.load("pretrained", "cpu")


@pytest.fixture(scope="module")
def sentiment() -> gb.Model:
    return gb.load("sentiment", "cpu")


def bars(figure: Any) -> tuple[list[str], list[float], list[str]]:
    """Full names, lengths and colours of a horizontal bar chart, from top to bottom."""
    (bar,) = figure.data
    assert list(bar.y) == sorted(bar.y)
    assert figure.layout.yaxis.autorange == "reversed"
    return [name for (name,) in bar.customdata], list(bar.x), list(bar.marker.color)


def test_candidates(pretrained: gb.Model) -> None:
    position = gb.encode(pretrained, TEXT).tokens.index("elephant")
    result = gb.fill_mask(pretrained, TEXT, positions=(position,), top_k=4)
    names, shares, colours = bars(charts.candidates(result, 0))
    rank = int(result.original_ranks[0])
    assert rank > 4
    assert names == [*result.candidates[0], f"elephant (rank {rank:,})"]
    assert shares == [*map(float, result.probabilities[0]), float(result.original_probabilities[0])]
    assert len(set(colours[:4])) == 1
    assert colours[4] != colours[0], "the word that stood there stands out"


def test_candidates_with_the_original_among_them(pretrained: gb.Model) -> None:
    text = "Paris is the capital of France."
    position = gb.encode(pretrained, text).tokens.index("of")
    result = gb.fill_mask(pretrained, text, positions=(position,), top_k=3)
    assert result.original_ranks[0] == 1
    names, shares, colours = bars(charts.candidates(result, 0))
    assert names == list(result.candidates[0])
    assert shares == list(map(float, result.probabilities[0]))
    assert colours[0] not in colours[1:]


def test_classes_are_sorted(sentiment: gb.Model) -> None:
    result = gb.classify(sentiment, TEXT)
    names, shares, colours = bars(charts.probabilities(result))
    assert shares == sorted(map(float, result.probabilities), reverse=True)
    assert names[0] == result.labels[result.predicted]
    assert dict(zip(names, shares, strict=True)) == {
        label: float(share) for label, share in zip(result.labels, result.probabilities, strict=True)
    }
    assert colours[0] != colours[1]


def test_only_the_most_probable_of_many_classes() -> None:
    many = SimpleNamespace(
        labels=tuple(f"label {index}" for index in range(20)),
        probabilities=np.arange(20) / 190,
        decided=lambda _: 19,
        regression=False,
    )
    names, shares, _ = bars(charts.probabilities(many, most=3))
    assert names == ["label 19", "label 18", "label 17"]
    assert shares == [19 / 190, 18 / 190, 17 / 190]


@pytest.mark.parametrize("order", [(0.9, 0.1), (0.2, 0.8)])
def test_next_sentence_marks_the_answer(order: tuple[float, float]) -> None:
    """The answer comes first, whichever it is, and is the darker one."""
    right = int(np.argmax(order))
    names, shares, colours = bars(charts.next_sentence(SimpleNamespace(probabilities=np.array(order), predicted=right)))
    assert names == [("B follows A", "B does not follow A")[one] for one in (right, 1 - right)]
    assert shares == [order[right], order[1 - right]]
    assert colours[0] != colours[1]
    other = charts.next_sentence(SimpleNamespace(probabilities=np.array(order[::-1]), predicted=1 - right))
    assert bars(other)[2] == colours


def test_scores(sentiment: gb.Model) -> None:
    result = gb.attribute(sentiment, TEXT, method="input_x_gradient")
    positions = [1, 2, 5]
    (bar,) = charts.scores(result, positions, 2).data
    assert list(bar.y) == [float(result.scores[position]) for position in positions]
    assert [piece for (piece,) in bar.customdata] == [result.encoded.pieces[position] for position in positions]
    signs = {value < 0: colour for value, colour in zip(bar.y, bar.marker.color, strict=True)}
    assert [signs[value < 0] for value in bar.y] == list(bar.marker.color)
    assert [width > 0 for width in bar.marker.line.width] == [False, True, False]


def test_a_token_that_looks_like_markup_is_a_label_like_any_other() -> None:
    result = SimpleNamespace(
        encoded=SimpleNamespace(spelling="plain"),
        candidates=(("<b>bold</b>", "a&b", "<a href='x'>"),),
        probabilities=np.array([[0.5, 0.3, 0.2]]),
        candidate_ids=np.array([[1, 2, 3]]),
        original_ids=np.array([-1]),
        original_ranks=np.array([0]),
    )
    shown = charts.candidates(result, 0).layout.yaxis.ticktext
    assert not any("<" in label for label in shown)
    assert shown[1] == "a&amp;b"
