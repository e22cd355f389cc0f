"""Wrong labels, near duplicates, receipts, the map: what was planted is found, and counts are those of a loop."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy.stats import binomtest
from sklearn.decomposition import PCA

import glassbert as gb
from glassbert.analysis import near_duplicates
from tests.glassbert.analysis.folders import write_folder


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """1,600 rows, of which 5 % are labelled wrong and 4 % are copies of others with at most one word changed."""
    folder = tmp_path_factory.mktemp("analysis") / "planted"
    what = write_folder(folder, 1600, flipped=0.05, copies=0.04, weak=0.0, length=(6, 14), noise=0.1)
    with gb.open_analysis(folder) as data:
        yield data, what


def test_flipped_labels_are_found(planted):
    """By a model that is right of nearly all others: most of what is listed was flipped, and most of that is listed."""
    data, what = planted
    found = data.label_errors()
    listed = set(found.rows.tolist())
    precision, recall = len(listed & what.flipped) / len(listed), len(listed & what.flipped) / len(what.flipped)
    assert precision > 0.7
    assert recall > 0.7
    assert list(found.quality) == sorted(found.quality)
    assert found.looked_at == 1600
    rows = data.rows("id:" + ",".join(map(str, found.rows)), limit=1000).table.set_index("id")
    for row, given, suggested, words in zip(found.rows, found.given, found.suggested, found.words, strict=True):
        assert rows.label[row] == found.label_names[given] != found.label_names[suggested] == rows.answer[row]
        assert set(words) <= set(rows.text[row].split())
    assert any(found.words)
    assert len(data.label_errors(most=3).rows) == 3


def test_label_errors_by_states_do_not_ask_the_model(planted):
    data, what = planted
    found = data.label_errors(evidence="states")
    listed = set(found.rows.tolist())
    assert len(listed & what.flipped) / len(listed) > 3 * len(what.flipped) / 1600, "far above chance"


def test_label_errors_need_labels(planted, stars, topics):
    data, _ = planted
    assert len(data.label_errors("error").rows) == len(data.label_errors("label:POSITIVE").rows) == 0
    for other in (stars, topics):
        with pytest.raises(gb.OptionError, match="one class"):
            other.label_errors()
    for wrong in ({"most": 0}, {"evidence": "nothing"}):
        with pytest.raises(gb.OptionError, match="must be"):
            data.label_errors(**wrong)


def test_copies_are_found(planted):
    data, what = planted
    found = data.near_duplicates()
    group = dict(zip(found.ids.tolist(), found.groups.tolist(), strict=True))
    together = {pair for pair in what.copies.items() if group.get(pair[0], -1) == group.get(pair[1], -2)}
    assert len(together) / len(what.copies) > 0.9
    members = {*what.copies, *what.copies.values()}
    assert len(members & group.keys()) / len(group) > 0.9
    texts = data.rows(limit=2000).table.set_index("id").text
    for one, other in what.copies.items():
        if texts[one] == texts[other]:
            assert group[one] == group[other]
            assert found.same_text[found.ids.tolist().index(one)]
    labels = data.rows(limit=2000).table.set_index("id").label_text
    for number in set(group.values()):
        own = {labels[one] for one, of in group.items() if of == number}
        assert (number in found.unlike_labels) == (len(own) > 1)


def test_the_nearest_pairs_are_those_of_all_pairs(monkeypatch):
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(300, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = np.triu(vectors @ vectors.T, 1)
    monkeypatch.setattr(near_duplicates, "_BLOCK", 64)
    found = near_duplicates._nearest(vectors, 0.8)
    assert {(one, other) for one, other, _ in found} == set(zip(*np.nonzero(cosines >= 0.8), strict=True))
    assert [cosine for _, _, cosine in found] == pytest.approx(sorted(cosines[cosines >= 0.8], reverse=True), abs=1e-6)
    monkeypatch.setattr(near_duplicates, "_MOST_PAIRS", 20)
    assert near_duplicates._nearest(vectors, 0.8) == found[:20]


def test_whitened_components_have_no_correlation():
    draw = np.random.default_rng(0)
    states = (draw.normal(size=(3000, 8)) @ draw.normal(size=(8, 8)) + 5).astype(np.float16)
    found = near_duplicates.whitened(states)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    correlations = np.corrcoef(found.T)
    assert np.abs(correlations - np.eye(8)).max() < 0.1


def test_near_duplicates_of_few_or_strange_rows(planted, reviews):
    data, _ = planted
    assert len(data.near_duplicates("error").ids) == len(data.near_duplicates("id:5").ids) == 0
    assert data.near_duplicates("id:5").looked_at == 1
    assert data.near_duplicates("id<40").looked_at == 40
    assert 3 not in reviews.near_duplicates().ids, "a row without a text"
    for wrong in ({"threshold": 0.2}, {"overlap": 2.0}):
        with pytest.raises(gb.OptionError, match="threshold must be"):
            data.near_duplicates(**wrong)


def test_receipts_are_counted_by_part(reviews, reviews_folder, table):
    receipts = pd.concat([pd.read_parquet(part) for part in sorted(reviews_folder[0].glob("receipts-*.parquet"))])
    joined = receipts.merge(table[table.confidence > 0.8], on="id")
    for by, column in (("country", "meta_0"), ("answer", "answer")):
        found = reviews.receipts("confidence>0.8", by=by).frame()
        counted = joined.groupby(["method", "check", column]).verdict.agg(["size", lambda one: (one == "holds").sum()])
        assert len(found) == len(counted)
        for line in found.itertuples():
            part = reviews.labels.index(line[3]) if by == "answer" else line[3]
            checked, holds = counted.loc[(line.method, line.check, part)]
            assert (line.checked, line.holds) == (checked, holds)
            interval = binomtest(int(holds), int(checked)).proportion_ci(method="wilson")
            assert (line.low, line.high) == pytest.approx((interval.low, interval.high))
    assert reviews.receipts().checked.sum() == len(receipts)
    assert len(reviews.receipts("error").frame()) == 0
    with pytest.raises(gb.OptionError, match="by must be one of method, label"):
        reviews.receipts(by="nation")


def test_the_map_is_that_of_scikit_learn(reviews, reviews_folder):
    parts = [pq.read_table(part) for part in sorted(reviews_folder[0].glob("states-*.parquet"))]
    ids = np.concatenate([part["id"].to_numpy() for part in parts])
    states = np.concatenate([np.stack(part["state"].to_pylist()) for part in parts]).astype(np.float32)
    found = reviews.map()
    np.testing.assert_array_equal(found.ids, ids)
    pca = PCA(2).fit(states)
    np.testing.assert_allclose(found.explained, pca.explained_variance_ratio_, rtol=1e-3)
    assert abs(np.corrcoef(found.x, pca.transform(states)[:, 0])[0, 1]) > 0.999
    some = reviews.map("wrong", most=50, seed=1)
    assert (len(some.ids), some.total) == (50, reviews.count("wrong"))
    assert set(some.right) == {0}
    assert set(some.ids) != set(reviews.map("wrong", most=50, seed=2).ids)
    assert set(some.ids) == set(reviews.map("wrong", most=50, seed=1).ids)
    assert len(reviews.map("error").ids) == 0
    assert reviews.map("id:5").frame()["x"].tolist() == [0.0]
    with pytest.raises(gb.OptionError, match="most must be"):
        reviews.map(most=0)
