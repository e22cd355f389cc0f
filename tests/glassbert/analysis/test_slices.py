"""Weak slices against loops and scipy; a planted one is found, and where there is none, few are."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.stats import false_discovery_control, fisher_exact, ttest_ind

import glassbert as gb
from tests.glassbert.analysis.folders import write_folder


@pytest.fixture(scope="module")
def found(reviews):
    return reviews.slices(top=10_000)


def test_every_slice_is_what_its_filter_says(reviews, found, table):
    """Rows, errors and p-values of each single part, by the filter and by a loop over pandas."""
    known = table[table.label.notna()]
    words = known.text.map(lambda text: set(re.findall(r"\w+", text)))
    wrong = known.right.eq(False)
    looked_at = 0
    for place, name in enumerate(found.terms):
        if not (match := re.fullmatch(r'word:"(\w+)"|"(country)":"([^"]+)"|(label|answer):"(\w+)"', name)):
            continue
        word, _, country, field, label = match.groups()
        if word:
            inside = words.map(lambda own, word=word: word in own)
        elif country:
            inside = known.meta_0.eq(country)
        else:
            inside = known[field].eq(reviews.labels.index(label))
        n, k = int(inside.sum()), int((inside & wrong).sum())
        assert (found.count[place], found.value[place]) == (n, pytest.approx(k / n)), name
        cells = [[k, n - k], [int(wrong.sum()) - k, int((~wrong).sum()) - (n - k)]]
        assert found.p_value[place] == pytest.approx(fisher_exact(cells, "greater").pvalue, rel=1e-6, abs=1e-300), name
        looked_at += 1
    assert looked_at > 150


def test_a_slice_opens_its_rows(reviews, found):
    for place in [*range(12), *range(100, 103)]:
        name = found.terms[place]
        assert reviews.count(f"labelled {name}") == found.count[place], name
        assert reviews.count(f"wrong {name}") == round(found.value[place] * found.count[place]), name


def test_corrections_are_of_all_that_were_tried(found, reviews):
    assert found.tried == len(found.terms)
    np.testing.assert_allclose(found.corrected, false_discovery_control(found.p_value))
    assert list(found.p_value) == sorted(found.p_value)
    assert found.count.min() >= 20
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()
    few = reviews.slices(top=3)
    assert few.terms == found.terms[:3]
    assert few.tried == found.tried, "those that are not shown were tried all the same"


def test_the_planted_weakness_is_found(reviews, found):
    """Where country is FR and the text has "refund", 45 % of the answers were made wrong."""
    pair = {'"country":"FR" word:"refund"', 'word:"refund" "country":"FR"'}
    assert pair & set(found.terms[:3])
    assert set(reviews.slices(by="country").terms[:1]) == {'"country":"FR"'}
    within = reviews.slices('"country":FR', by="word")
    assert within.terms[0] == 'word:"refund"'
    assert within.rows == reviews.count("country:FR labelled")


def test_where_nothing_is_planted_hardly_anything_is_found(tmp_path):
    """Answers that are wrong at random in 15 % of 1,500 rows: no slice of some hundred is weak."""
    import pyarrow.parquet as pq

    write_folder(tmp_path, 1500)
    draw = np.random.default_rng(1)
    for place in sorted(tmp_path.glob("predictions-*.parquet")):
        table = pq.read_table(place)
        rows = [row | {"right": bool(draw.random() > 0.15)} for row in table.to_pylist()]
        pq.write_table(table.from_pylist(rows, schema=table.schema), place)
    with gb.open_analysis(tmp_path) as data:
        found = data.slices()
    assert found.tried > 200
    assert (found.corrected < 0.05).sum() <= 1


def test_bands_of_numbers_divide_the_rows(reviews):
    for by in ("length", "age"):
        bands = reviews.slices(by=by)
        assert len(bands.terms) == 5
        assert bands.count.sum() == bands.rows == 2298
        assert bands.count.min() > 250


def test_slices_of_a_regression_have_larger_errors(stars):
    import pandas as pd

    table = pd.read_parquet(stars.folder / "predictions-00000.parquet")
    found = stars.slices(by="country")
    assert found.measure == "mean_loss"
    assert found.overall == pytest.approx(table.loss.mean())
    for place, name in enumerate(found.terms):
        inside = table.meta_0 == re.fullmatch(r'"country":"(.+)"', name)[1]
        assert found.value[place] == pytest.approx(table.loss[inside].mean())
        test = ttest_ind(table.loss[inside], table.loss[~inside], equal_var=False, alternative="greater")
        assert found.p_value[place] == pytest.approx(test.pvalue)
    assert stars.slices().tried > found.tried


def test_slices_of_several_classes(topics):
    found = topics.slices(by="label")
    assert set(found.terms) == {'label:"SPORT"', 'label:"MONEY"', 'label:"ART"'}
    for place, name in enumerate(found.terms):
        assert topics.count(name) == found.count[place]
    assert topics.slices().tried > 100


def test_options_and_empty_choices(reviews):
    assert reviews.slices("error").tried == 0
    assert len(reviews.slices("id:1,2,3").frame()) == 0
    with pytest.raises(gb.OptionError, match=r'one of length, label, answer, word, "country", "age"; got \'nation\''):
        reviews.slices(by="nation")
    with pytest.raises(gb.OptionError, match="top must be"):
        reviews.slices(top=0)
