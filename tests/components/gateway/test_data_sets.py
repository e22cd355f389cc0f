"""Filters as clicks write them: of the rows that are shown, those of the cell, slice or word, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

import glassbert as gb
from components.gateway.data_sets import narrowed, term
from tests.glassbert.analysis.folders import write_folder


@pytest.mark.parametrize(
    "where",
    [
        "",
        "wrong",
        "word:w1 or word:w2",
        "(word:w1)or(word:w2)",
        'not label:"POSITIVE"',
        '-label:"POSITIVE"',
        'wrong or label:"POSITIVE"',
        'wrong label:"POSITIVE"',
    ],
)
def test_a_click_leaves_the_rows_of_both_filters(where: str, tmp_path: Path) -> None:
    write_folder(tmp_path / "made", 200)
    more = term("label", "POSITIVE")
    with gb.open_analysis(tmp_path / "made") as analysis:

        def ids(chosen: str) -> set[int]:
            return set(analysis.rows(chosen, limit=200).table["id"])

        assert 0 < len(ids(more)) < 200
        once = narrowed(where, more)
        assert ids(once) == ids(where) & ids(more)
        assert ids(narrowed(once, more)) == ids(once)
    if "or" not in where and "not" not in where and "-" not in where:
        assert narrowed(once, more) == once


def test_any_name_can_be_clicked(tmp_path: Path) -> None:
    names = ('say "no" or \\', "<b>) or (right")
    write_folder(tmp_path / "made", 200, labels=names)
    with gb.open_analysis(tmp_path / "made") as analysis:
        counts = analysis.confusion().counts
        for row, label in enumerate(names):
            for column, answer in enumerate(names):
                where = narrowed("", term("label", label), term("answer", answer))
                assert analysis.count(where) == counts[row][column]
