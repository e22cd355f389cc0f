"""Charts of a training: the numbers in them, and what a click on them says."""

from __future__ import annotations

import numpy as np

from glassbert.pictures.learning import (
    confusion,
    data_map,
    head_changes,
    length_histogram,
    loss_curve,
    metric_curves,
    reliability,
    smoothed,
)


def test_a_smoothed_loss_is_the_mean_of_the_last_few() -> None:
    assert smoothed([4.0, 2.0, 6.0, 0.0], share=0.5).tolist() == [4.0, 3.0, 4.0, 3.0]
    assert smoothed([], share=0.5).tolist() == []
    figure = loss_curve([1, 2], [4.0, 2.0], most=10)
    assert [list(line.y) for line in figure.data] == [[4.0, 2.0], [4.0, 2.0]]
    assert tuple(figure.layout.xaxis.range) == (0, 10)


def test_metrics_stand_at_their_epochs_in_front_of_those_to_come() -> None:
    figure = metric_curves([1, 2], {"accuracy <b>": [0.5, 0.75]}, most=5)
    assert (list(figure.data[0].x), list(figure.data[0].y)) == ([1, 2], [0.5, 0.75])
    assert "<b>" not in figure.data[0].name
    assert tuple(figure.layout.xaxis.range) == (0.5, 5.5)


def test_a_cell_of_a_confusion_matrix_knows_its_row_column_and_share() -> None:
    figure = confusion(np.array([[3, 1], [0, 0]]), ["a<script>", "b"], marked=(0, 1))
    (cells,) = figure.data
    assert [tuple(cell[:2]) for cell in cells.customdata] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [cell[4] for cell in cells.customdata] == [0.75, 0.25, 0.0, 0.0]
    assert list(cells.text) == ["3", "1", "", ""]
    assert list(cells.marker.line.width) == [0, 3, 0, 0]
    assert (list(cells.x), list(cells.y)) == ([0, 1, 0, 1], [0, 0, 1, 1])
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # the first label on top
    assert not any("<script>" in text for text in [*figure.layout.xaxis.ticktext, *map(str, cells.customdata)])


def test_bins_without_a_text_are_no_dots() -> None:
    line = reliability([0.1, 0.5, 0.9], [0.0, 0.4, 1.0], [5, 0, 20]).data[1]
    assert (list(line.x), list(line.y)) == ([0.1, 0.9], [0.0, 1.0])
    assert [point[0] for point in line.customdata] == [5, 20]
    assert len(reliability([0.1], [0.0], [0]).data[1].x) == 0


def test_a_dot_of_the_data_map_knows_its_place() -> None:
    figure = data_map([0.1, 0.2, 0.3], [0.9, 0.2, 0.5], ["easy", "hard", "easy"], ["one", "<b>two", "three"], marked=1)
    placed = {int(point[0]): (x, y) for dots in figure.data[:3] for point, x, y in zip(
        dots.customdata or (), dots.x, dots.y, strict=True)}  # fmt: skip
    assert placed == {0: (0.1, 0.9), 1: (0.2, 0.2), 2: (0.3, 0.5)}
    assert [dots.name for dots in figure.data[:3]] == ["easy (2)", "ambiguous (0)", "hard (1)"]
    assert (list(figure.data[3].x), list(figure.data[3].y)) == ([0.2], [0.2])


def test_every_length_is_counted_once() -> None:
    figure = length_histogram(np.array([1, 1, 3]), "words")
    assert (list(figure.data[0].x), list(figure.data[0].y)) == ([0, 1, 2, 3], [0, 2, 0, 1])
    wide = length_histogram(np.array([5, 81, 119]), "tokens", limit=100).data[0]
    assert [name[0] for name, count in zip(wide.customdata, wide.y, strict=True) if count] == [
        "3 to 5", "81 to 83", "117 to 119"]  # fmt: skip


def test_heads_are_rows_of_layers() -> None:
    figure = head_changes(np.array([[0.0, 0.5], [0.25, 0.0]]))
    assert np.array_equal(np.asarray(figure.data[0].z), [[0.0, 0.5], [0.25, 0.0]])
    assert (list(figure.data[0].x), list(figure.data[0].y)) == ([1, 2], [1, 2])
    assert figure.data[0].zmax == 0.5
    assert head_changes(np.zeros((2, 2))).data[0].zmax == 1.0
