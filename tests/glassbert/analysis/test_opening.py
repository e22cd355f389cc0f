"""Open a folder: whole, unfinished, damaged, of another version, or none at all; then its rows."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import glassbert as gb
from tests.glassbert.analysis.folders import write_folder


@pytest.fixture
def small(tmp_path):
    """A folder of 1,100 rows in two parts, to be damaged."""
    folder = tmp_path / "small"
    write_folder(folder, 1100)
    return folder


def test_what_is_open_says_what_it_is(reviews, small):
    assert repr(reviews) == "<Analysis of 'made.csv' by 'made-0'>"
    assert (reviews.complete, reviews.kind, reviews.labels) == (True, "classification", ("NEGATIVE", "POSITIVE"))
    assert (reviews.columns, reviews.methods) == (("country", "age"), ("input_x_gradient", "saliency"))
    with gb.open_analysis(str(small)) as data:
        assert data.count() == 1100


def test_an_unfinished_folder_has_the_rows_that_are_there(small):
    manifest = json.loads((small / "manifest.json").read_text())
    (small / "manifest.json").write_text(json.dumps({**manifest, "complete": False, "rows": 0}))
    (small / "predictions-00001.parquet").unlink()  # the other files of the part stand there already
    with gb.open_analysis(small) as data:
        assert (data.complete, data.count()) == (False, 1000)
        assert repr(data).endswith(", unfinished>")
    (small / "predictions-00000.parquet").unlink()
    with gb.open_analysis(small) as data:
        assert data.count() == 0
        assert data.rows().total == 0
        assert dict(data.metrics().metrics) == {}
        assert data.confusion().counts.sum() == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 0}, "written by an older version of GlassBERT .*analyse the table again"),
        ({"format": 2}, "written by a newer version of GlassBERT .*update GlassBERT"),
        ({"format": "1"}, "damaged"),
        ({"methods": None}, "damaged"),
        ({"model": {"kind": "tokens", "labels": []}}, "damaged: there is no kind 'tokens'"),
    ],
)
def test_a_folder_of_another_version_says_so(small, change, says):
    manifest = json.loads((small / "manifest.json").read_text())
    (small / "manifest.json").write_text(json.dumps({**manifest, **change}))
    with pytest.raises(gb.SavedResultError, match=says):
        gb.open_analysis(small)


def test_a_folder_that_is_none_says_so(tmp_path):
    with pytest.raises(gb.SavedResultError, match=r"is not there; gb\.analyse"):
        gb.open_analysis(tmp_path / "nowhere")
    with pytest.raises(gb.SavedResultError, match=r"it has no manifest\.json"):
        gb.open_analysis(tmp_path)
    with pytest.raises(gb.OptionTypeError, match="folder must be"):
        gb.open_analysis(3)


def test_damage_is_told(small):
    whole = small.with_name("whole")
    shutil.copytree(small, whole)
    broken = small / "attributions-00001.parquet"

    def reopened(content=None):
        broken.unlink()
        if content is not None:
            broken.write_bytes(content)
        with pytest.raises(gb.SavedResultError) as raised:
            gb.open_analysis(small)
        return str(raised.value)

    content = (whole / broken.name).read_bytes()
    assert "attributions-00001.parquet is damaged" in reopened(content[: len(content) // 2])
    assert "attributions-00001.parquet is damaged" in reopened(b"")
    assert "is missing, while its part has predictions" in reopened()
    pq.write_table(pa.table({"id": [1]}), broken)
    with pytest.raises(gb.SavedResultError, match="lacks the column method"):
        gb.open_analysis(small)


def test_damage_inside_a_file_is_told_when_it_is_read(small):
    place = small / "predictions-00000.parquet"
    content = bytearray(place.read_bytes())
    content[8:5000] = b"\x00" * 4992
    place.write_bytes(bytes(content))
    with gb.open_analysis(small) as data, pytest.raises(gb.SavedResultError, match="damaged or gone"):
        data.rows()
    with gb.open_analysis(small.with_name("small")) as data:
        place.unlink()
        with pytest.raises(gb.SavedResultError, match="damaged or gone"):
            data.count("wrong")


def test_the_connection_reads_nothing_else_and_stays_so(reviews, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for sql in (f"SELECT * FROM read_csv('{secret}')", "SET enable_external_access = true", "SET threads = 8"):
        with pytest.raises(gb.SavedResultError, match=r"disabled by configuration|locked"):
            reviews._store.rows(sql)


def test_rows_come_in_order_and_by_pages(reviews, table):
    known = table[table.confidence.notna()].sort_values(["confidence", "id"], ascending=[False, True])
    found, total = reviews.rows(order="confidence", descending=True, limit=20, offset=30)
    assert list(found.id) == list(known.id[30:50])
    assert total == 2300
    assert list(reviews.rows(order="confidence", limit=3, offset=2298).table.id) == [3, 1500], "missing values last"
    by_country = reviews.rows(order="country", limit=2000).table.country.dropna()
    assert list(by_country) == sorted(by_country)
    first = reviews.rows("id:7").table.iloc[0]
    row = table[table.id == 7].iloc[0]
    assert (first.label, first.answer) == (reviews.labels[int(row.label)], reviews.labels[int(row.answer)])
    assert (first.country, first.age, first.row) == (row.meta_0, row.meta_1, 9)
    assert len(reviews.rows(limit=0).table) == 0
    assert len(reviews.rows(limit=1500).table) == 1500
    for wrong in ({"order": "text; DROP"}, {"limit": -1}, {"offset": -1}):
        with pytest.raises(gb.OptionError, match=r"must be"):
            reviews.rows(**wrong)


def test_errors_are_wrong_answers_with_the_surest_first(reviews, stars, table):
    found, total = reviews.errors("tokens<12 or tokens>13", limit=10)
    wrong = table[table.right.eq(False) & ((table.tokens < 12) | (table.tokens > 13))]
    assert total == len(wrong)
    assert list(found.id) == list(wrong.sort_values(["confidence", "id"], ascending=[False, True]).id[:10])
    largest = stars.errors(limit=700).table
    assert list(largest.loss) == sorted(largest.loss, reverse=True)


def test_a_row_has_its_reasons(reviews, table):
    row = reviews.row(17)
    assert row["text"] == table.text[17]
    assert sum(row["probabilities"].values()) == pytest.approx(1)
    reasons = row["attributions"]
    own = reasons[(reasons.method == "input_x_gradient") & (reasons.word_index >= 0)]
    assert " ".join(own.word) == row["text"]
    assert own.share.abs().sum() == pytest.approx(1)
    assert [row["text"][start:stop] for start, stop in zip(own.start, own.stop, strict=True)] == list(own.word)
    checked = int(reviews.rows("receipt:fails", limit=1).table.id[0])
    assert set(reviews.row(checked)["receipts"].method) == {"input_x_gradient", "saliency"}
    assert reviews.row(3)["error"] == "the text is empty"
    assert reviews.row(3)["probabilities"] == {}
    with pytest.raises(gb.OptionError, match="no row with the id 2300"):
        reviews.row(2300)


def test_threads_may_ask_at_once(reviews):
    filters = [f"confidence>0.{place}" for place in range(50, 90)] * 2
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(reviews.count, filters))
    assert found == [reviews.count(one) for one in filters]
    assert found[0] > found[39]


@pytest.mark.parametrize("kind", ["classification", "multi_label", "regression"])
def test_rows_with_an_error_stand_among_the_others(kind, tmp_path):
    write_folder(tmp_path / "made", 40, kind=kind, labels=("A", "B", "C"), bad_rows=(3, 20))
    with gb.open_analysis(tmp_path / "made") as data:
        frame = data.rows(limit=40)[0].set_index("id")
        bad = frame["error"].notna()
        assert list(frame.index[bad]) == [3, 20]
        for name in {"label", "answer", "labels", "answers", "predicted"} & set(frame):
            assert frame[name][bad].isna().all()
            assert frame[name][~bad].notna().all()
        assert data.row(3)["error"] == frame["error"][3]
        assert data.metrics().labelled == 38
