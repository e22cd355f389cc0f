"""Two models on the same rows, against loops over the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, spearmanr

import glassbert as gb
from tests.glassbert.analysis.folders import write_folder


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The same 1,200 rows by two models, the second with its classes in another order."""
    folder = tmp_path_factory.mktemp("analysis")
    write_folder(folder / "a", 1200, bad_rows=(4,))
    write_folder(folder / "b", 1200, model_seed=1)
    place = folder / "b" / "manifest.json"
    place.write_text(place.read_text().replace('["NEGATIVE", "POSITIVE"]', '["POSITIVE", "NEGATIVE"]'))
    swap_classes(folder / "b")
    with gb.open_analysis(folder / "a") as first, gb.open_analysis(folder / "b") as second:
        yield first, second


def swap_classes(folder):
    import pyarrow.parquet as pq

    for place in sorted(folder.glob("predictions-*.parquet")):
        table = pq.read_table(place)
        rows = [{**row, "label": 1 - row["label"], "answer": 1 - row["answer"]} for row in table.to_pylist()]
        pq.write_table(table.from_pylist(rows, schema=table.schema), place)


def test_flips_and_the_test_of_mcnemar(pair):
    first, second = pair
    found = first.compare(second)
    tables = [one.rows(limit=2000).table.set_index("id") for one in pair]
    both = tables[0].join(tables[1], suffixes=("", "_b")).dropna(subset=["answer"])
    assert found.rows == found.labelled == len(both) == 1199
    flipped = both[both.answer != both.answer_b]
    assert list(found.flipped) == list(flipped.index)
    assert len(flipped) > 20
    frame = found.frame()
    assert list(frame["first"]) == list(flipped.answer)
    assert list(frame["second"]) == list(flipped.answer_b)
    right, right_b = both.right.astype(bool), both.right_b.astype(bool)
    cells = ((right & right_b).sum(), (right & ~right_b).sum(), (~right & right_b).sum(), (~right & ~right_b).sum())
    assert (found.both_right, found.only_first, found.only_second, found.neither) == cells
    assert found.p_value == pytest.approx(binomtest(int(cells[1]), int(cells[1] + cells[2])).pvalue)
    assert found.difference == pytest.approx(right_b.mean() - right.mean())
    draw, change = np.random.default_rng(0), right_b.to_numpy(int) - right.to_numpy(int)
    means = [draw.choice(change, len(change)).mean() for _ in range(1000)]
    assert (found.low, found.high) == pytest.approx(np.percentile(means, (2.5, 97.5)), abs=0.004)


def test_reasons_are_spearmans_of_words(pair):
    first, second = pair
    found = first.compare(second, "country:DE")
    shares = []
    for one in pair:
        parts = [pd.read_parquet(part) for part in sorted(one.folder.glob("attributions-*.parquet"))]
        own = pd.concat(parts)
        shares.append(own[own.word_index >= 0].groupby(["id", "word_index"]).share.sum())
    answers = [one.rows("country:DE", limit=2000).table.set_index("id").answer.dropna() for one in pair]
    same = [row for row in answers[0].index if answers[0][row] == answers[1].get(row)]
    expected = {row: spearmanr(shares[0][row], shares[1][row])[0] for row in same if len(shares[0][row]) >= 3}
    expected = {row: value for row, value in expected.items() if np.isfinite(value)}
    assert dict(zip(found.ids.tolist(), found.correlations.tolist(), strict=True)) == pytest.approx(expected, abs=1e-6)
    assert list(found.correlations) == sorted(found.correlations)
    assert found.mean_correlation == pytest.approx(np.mean(list(expected.values())))
    assert found.correlation_low < found.mean_correlation < found.correlation_high


def test_a_model_beside_itself_is_the_same(pair):
    found = pair[0].compare(pair[0])
    assert len(found.flipped) == 0
    assert (found.difference, found.p_value) == (0.0, 1.0)
    assert set(found.correlations.round(12)) == {1.0}


def test_other_kinds(stars, topics, tmp_path):
    write_folder(tmp_path / "stars", 700, kind="regression", labels=("stars",), model_seed=1)
    with gb.open_analysis(tmp_path / "stars") as other:
        found = stars.compare(other)
        losses = [one.rows(limit=1000).table.loss for one in (stars, other)]
        assert found.measure == "mean_loss"
        assert found.difference == pytest.approx(losses[1].mean() - losses[0].mean(), rel=1e-5)
        assert found.low < found.difference < found.high
        assert len(found.ids) == 700
    assert len(topics.compare(topics).flipped) == 0


def test_what_cannot_be_compared_says_so(pair, stars, reviews, tmp_path):
    with pytest.raises(gb.ComparisonError, match="decide different things"):
        pair[0].compare(stars)
    with pytest.raises(gb.ComparisonError, match="not of the same table"):
        pair[0].compare(reviews)
    with pytest.raises(gb.OptionError, match="method must be one of input_x_gradient; got 'lime'"):
        pair[0].compare(pair[1], method="lime")
    write_folder(tmp_path / "plain", 1200, methods=())
    with gb.open_analysis(tmp_path / "plain") as plain:
        found = pair[0].compare(plain)
        assert (found.method, len(found.ids), found.mean_correlation) == ("", 0, None)
    assert pair[0].compare(pair[1], "error").rows == 0
