"""Dots stand where they are told."""

from __future__ import annotations

import numpy as np

import glassbert as gb
from glassbert.pictures.dots import grouped_dots


def test_every_head_has_its_place(pretrained: gb.Model) -> None:
    distances = gb.head_distances(gb.attention(pretrained, "The old man went to the river."))
    kinds = ["even" if index % 2 == 0 else "odd" for index in range(72)]
    figure = grouped_dots(distances.positions, kinds, [str(index) for index in range(72)], marked=5)
    placed = {
        int(point[0]): (x, y)
        for dots in figure.data
        for point, x, y in zip(dots.customdata, dots.x, dots.y, strict=True)
    }
    assert [dots.name for dots in figure.data] == ["even", "odd"]
    assert np.allclose([placed[index] for index in range(72)], distances.positions)
    assert list(figure.data[1].marker.symbol).index("diamond") == 2  # head 5 is the third odd one
