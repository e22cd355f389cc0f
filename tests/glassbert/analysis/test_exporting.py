"""Files of rows and answers: the same content in both forms, and nothing that a spreadsheet would run."""

from __future__ import annotations

import io

import pandas as pd
import pyarrow.parquet as pq
import pytest

import glassbert as gb
from glassbert.analysis import exporting
from glassbert.analysis.folder import schemas
from tests.glassbert.analysis.folders import META, WIDTH, write_folder

KINDS = (
    *("rows", "attributions", "receipts", "metrics", "classes", "confusion", "calibration", "slices", "words"),
    *("shortcuts", "label_errors", "near_duplicates", "receipt_shares", "map"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_both_forms_have_the_same_rows(reviews, kind):
    where = "country:DE tokens<9"
    csv = pd.read_csv(io.BytesIO(reviews.export(kind, where)))
    parquet = pd.read_parquet(io.BytesIO(reviews.export(kind, where, form="parquet")))
    assert list(csv) == list(parquet)
    assert len(csv) == len(parquet)
    for name in parquet:
        if parquet[name].dtype.kind == "f":
            assert list(csv[name].fillna(0)) == pytest.approx(list(parquet[name].fillna(0)), rel=1e-5)


def test_rows_are_those_of_the_filter(reviews):
    found = pd.read_csv(io.BytesIO(reviews.export("rows", "wrong or error")))
    expected = reviews.rows("wrong or error", limit=5000).table
    assert list(found.id) == list(expected.id)
    assert list(found.text.fillna("")) == list(expected.text.fillna(""))
    assert found.answer.isna().sum() == 2, "a missing cell is empty"
    shares = pd.read_parquet(io.BytesIO(reviews.export("attributions", "id:17,18", form="parquet")))
    assert set(shares.id) == {17, 18}


def test_no_cell_is_a_formula(tmp_path):
    write_folder(tmp_path, 3)
    place = tmp_path / "predictions-00000.parquet"
    rows = [row | {"text": "=cmd|' /C calc'!A0", "meta_0": "@SUM(A1)"} for row in pq.read_table(place).to_pylist()]
    pq.write_table(pq.read_table(place).from_pylist(rows, schema=schemas(len(META), WIDTH)["predictions"]), place)
    with gb.open_analysis(tmp_path) as data:
        csv = pd.read_csv(io.BytesIO(data.export("rows")))
        assert set(csv.text) == {"'=cmd|' /C calc'!A0"}
        assert set(csv.country) == {"'@SUM(A1)"}
        assert set(pd.read_parquet(io.BytesIO(data.export("rows", form="parquet"))).country) == {"@SUM(A1)"}


def test_what_cannot_be_exported_says_so(reviews, stars, monkeypatch):
    with pytest.raises(gb.OptionError, match="kind must be one of rows, attributions"):
        reviews.export("everything")
    with pytest.raises(gb.OptionError, match="form must be"):
        reviews.export("rows", form="xlsx")
    with pytest.raises(gb.OptionError, match="no confusion matrix"):
        stars.export("confusion")
    monkeypatch.setattr(exporting, "MOST_ROWS", 100)
    for kind in ("rows", "attributions"):
        with pytest.raises(gb.OptionError, match="100 rows and more is not made"):
            reviews.export(kind)
