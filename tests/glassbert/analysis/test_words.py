"""Global words against loops over the rows of the files; shortcuts that were planted, and none where none was."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest

import glassbert as gb
from tests.glassbert.analysis.folders import SHORTCUT, write_folder


def plain_shares(folder, method, ids):
    """(class, word) → the share in each text, as a loop finds it."""
    found = defaultdict(lambda: defaultdict(float))
    for part in sorted(folder.glob("attributions-*.parquet")):
        for one in pd.read_parquet(part).itertuples():
            if one.method == method and one.word_index >= 0 and one.id in ids:
                found[one.target, one.word.lower()][one.id] += one.share
    return found


@pytest.mark.parametrize("method", ["input_x_gradient", "saliency"])
def test_words_are_what_a_loop_finds(reviews, reviews_folder, table, method):
    ids = set(table.id[table.meta_0 == "DE"])
    expected = plain_shares(reviews_folder[0], method, ids)
    found = reviews.words("country:DE", method=method, least=8, top=1000)
    often = {key: shares for key, shares in expected.items() if len(shares) >= 8}
    assert len(found.words) == len(often) == found.tried > 50
    for place, (own, word) in enumerate(zip(found.classes, found.words, strict=True)):
        shares = np.array(list(often[own, word].values()))
        assert found.texts[place] == len(shares)
        assert found.mean[place] == pytest.approx(shares.mean(), abs=1e-6)
        draw = np.random.default_rng(0)
        means = shares[draw.integers(len(shares), size=(2000, len(shares)))].mean(axis=1)
        low, high = np.percentile(means, (2.5, 97.5))
        assert (found.low[place], found.high[place]) == pytest.approx((low, high), abs=0.002 + 0.2 * (high - low))
    answers = table[table.meta_0 == "DE"].answer.value_counts()
    assert list(found.class_texts) == [answers[0], answers[1]]


def test_the_surest_words_of_each_class_come_first(reviews):
    everything, few = reviews.words(top=1000), reviews.words(top=5)
    for own in (0, 1):
        words = [word for word, one in zip(everything.words, everything.classes, strict=True) if one == own]
        assert [word for word, one in zip(few.words, few.classes, strict=True) if one == own] == words[:5]
        at = everything.classes == own
        assert np.all(np.abs(everything.mean[at][:10]).min() >= np.abs(everything.mean[at][-10:]).max())
    frame = few.frame()
    assert list(frame["class"]) == ["NEGATIVE"] * 5 + ["POSITIVE"] * 5
    assert frame.of_texts.between(0, 1).all()


def test_intervals_of_words_cover(tmp_path):
    """Over 200 words of known mean, the interval holds it for 95 %, and 88 to 98 % by chance and few texts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from glassbert.analysis.folder import schemas
    from tests.glassbert.analysis.folders import META, WIDTH

    write_folder(tmp_path, 40)
    schema = schemas(len(META), WIDTH)["attributions"]
    draw = np.random.default_rng(0)
    rows = [
        {"id": text, "method": "input_x_gradient", "position": 1, "token": f"v{word}", "word": f"v{word}",
         "word_index": word, "segment": 0, "score": 1.0, "share": float(draw.beta(2, 6)), "target": 0}
        for text in range(40) for word in range(200)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), tmp_path / "attributions-00000.parquet")
    with gb.open_analysis(tmp_path) as data:
        found = data.words(top=1000)
    assert len(found.words) == 200
    held = np.mean((found.low <= 0.25) & (found.high >= 0.25))
    assert 0.88 <= held <= 0.98


def test_words_of_other_kinds_and_wrong_options(stars, topics, reviews, tmp_path):
    assert set(stars.words(top=5).frame()["class"]) == {"score"}
    assert set(topics.words(top=5).frame()["class"]) == {"SPORT", "MONEY", "ART"}
    assert len(reviews.words("error").words) == 0
    for wrong in ({"least": 1}, {"top": 0}, {"method": "lime"}):
        with pytest.raises(gb.OptionError, match=r"must be"):
            reviews.words(**wrong)
    write_folder(tmp_path, 20, methods=())
    with gb.open_analysis(tmp_path) as data, pytest.raises(gb.OptionError, match="were not explained"):
        data.words()


def test_a_planted_shortcut_is_found(reviews, reviews_folder):
    found = reviews.shortcuts()
    assert found.words[0] == SHORTCUT
    assert found.kinds[0] == "beyond_evidence"
    assert found.label_names[found.classes[0]] == "POSITIVE"
    assert "beyond_evidence" not in found.kinds[1:]
    assert found.mean[0] > 5 * abs(found.expected[0])
    planted = reviews.rows("id:" + ",".join(map(str, reviews_folder[1].shortcut)), limit=500).table
    assert (planted[planted.answer == "POSITIVE"].shape[0], (planted.label == "NEGATIVE").sum()) == (
        found.texts[0],
        found.others[0],
    )
    wrong = planted[(planted.label == "NEGATIVE") & (planted.answer == "POSITIVE")]
    assert found.followed[0] == len(wrong)


def test_evidence_is_the_log_odds_of_labels(reviews, table):
    found = reviews.shortcuts()
    has = table.text.str.contains(rf"\b{SHORTCUT}\b", na=False)
    known = table.label.notna()
    a, b = (has & table.label.eq(1)).sum(), (has & table.label.eq(0)).sum()
    rest_a, rest_b = (known & ~has & table.label.eq(1)).sum(), (known & ~has & table.label.eq(0)).sum()
    odds = np.log((a + 0.5) / (b + 0.5)) - np.log((rest_a + 0.5) / (rest_b + 0.5))
    assert found.evidence[0] == pytest.approx(odds)


def test_a_word_that_the_model_does_not_lean_on_is_no_shortcut(tmp_path):
    write_folder(tmp_path, 2000, shortcut=0.05, shortcut_weight=0.0)
    with gb.open_analysis(tmp_path) as data:
        assert "beyond_evidence" not in data.shortcuts().kinds
        assert len(data.shortcuts("confidence<0").words) == 0


def test_a_shortcut_that_is_in_the_labels_too_gives_the_class_away(tmp_path):
    """The labels follow the word here, so they do not contradict it; the rest of its texts does."""
    import pyarrow.parquet as pq

    planted = write_folder(tmp_path, 2000, shortcut=0.05, shortcut_weight=8.0)
    for place in sorted(tmp_path.glob("predictions-*.parquet")):
        table = pq.read_table(place)
        rows = [row | ({"label": 1} if row["id"] in planted.shortcut else {}) for row in table.to_pylist()]
        pq.write_table(table.from_pylist(rows, schema=table.schema), place)
    with gb.open_analysis(tmp_path) as data:
        found = data.shortcuts()
    assert SHORTCUT in found.words
    assert found.others[found.words.index(SHORTCUT)] == 0


def test_shortcuts_of_other_kinds(topics, stars):
    assert topics.shortcuts().tried > 100
    with pytest.raises(gb.OptionError, match="predicts a number"):
        stars.shortcuts()
