"""Heat maps carry exactly the numbers they are given, in cells, colours and names."""

from __future__ import annotations

import numpy as np
import pytest

from glassbert.pictures.matrices import (
    agreement,
    layer_similarity,
    probability_table,
    restored_shares,
    word_cosines,
)

VALUES = np.array([[0.25, -0.5], [1.0, 0.125]])


@pytest.mark.parametrize(("dark", "ink"), [(False, "#1d1f27"), (True, "#f5f5f7")])
def test_agreement_has_its_numbers_in_the_cells_in_the_ink_of_the_page(dark: bool, ink: str) -> None:
    figure = agreement(VALUES.tolist(), ["one", "<b>two"], signed=True, dark=dark)
    (cells,) = figure.data
    assert np.array_equal(cells.z, VALUES)
    assert (cells.zmin, cells.zmax) == (-1, 1)
    assert figure.layout.yaxis.autorange == "reversed"
    written = {(note.x, note.y): note.text for note in figure.layout.annotations}
    assert written == {(0, 0): "0.25", (1, 0): "−0.50", (0, 1): "1.00", (1, 1): "0.12"}
    assert {note.font.color for note in figure.layout.annotations} == {ink}
    assert list(figure.layout.xaxis.ticktext) == ["one", "&lt;b>two"]
    assert cells.customdata[0][1] == "one, &lt;b>two"


def test_agreement_without_a_sign_begins_at_zero() -> None:
    (cells,) = agreement(np.abs(VALUES).tolist(), ["one", "two"], signed=False).data
    assert (cells.zmin, len(cells.colorscale)) == (0, 2)


def test_probabilities_are_written_in_percent() -> None:
    figure = probability_table(np.array([[0.5, 0.25], [0.0005, 0.1]]), ["row", "<row>"], ["she", "he"])
    assert [note.text for note in figure.layout.annotations] == ["50.0%", "25.0%", "0.05%", "10.0%"]
    assert list(figure.layout.yaxis.ticktext) == ["row", "&lt;row>"]
    assert figure.layout.yaxis.autorange == "reversed"


def test_no_numbers_where_they_would_not_fit() -> None:
    assert not word_cosines(np.ones((2, 14)), ["word"] * 14).layout.annotations
    assert len(word_cosines(np.ones((2, 13)), ["word"] * 13).layout.annotations) == 26


def test_cosines_by_layer_with_the_selected_word_framed() -> None:
    figure = word_cosines(VALUES, ["a", "b"], selected=1)
    assert np.array_equal(figure.data[0].z, VALUES)
    assert list(figure.layout.yaxis.ticktext) == ["embeddings", "layer 1"]
    assert figure.layout.yaxis.autorange == "reversed"  # the first on top
    (frame,) = figure.layout.shapes
    assert (frame.x0, frame.x1) == (0.5, 1.5)
    assert not word_cosines(VALUES, ["a", "b"]).layout.shapes


def test_layers_of_two_models() -> None:
    figure = layer_similarity(np.abs(VALUES).tolist(), "<one>", "two")
    assert np.array_equal(figure.data[0].z, np.abs(VALUES))
    assert figure.layout.yaxis.title.text == "&lt;one>, layer"
    assert figure.layout.xaxis.title.text == "two, layer"
    assert figure.layout.yaxis.autorange == "reversed"


def test_restored_shares_name_both_tokens_where_they_differ() -> None:
    figure = restored_shares(VALUES, 10 * VALUES, ["embeddings", "layer 1"], [("<good>", "bad"), ("it", "it")])
    (cells,) = figure.data
    assert np.array_equal(cells.z, VALUES)
    assert list(figure.layout.xaxis.ticktext) == ["<b>&lt;good></b><br>bad", "it"]
    assert list(cells.customdata[1][0]) == ["&lt;good> for bad", "layer 1", 10.0]
    assert (cells.zmin, cells.zmax) == (-1, 1)
    assert figure.layout.yaxis.autorange == "reversed"
