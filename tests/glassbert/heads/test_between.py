"""Heads ranked by the weight between two tokens, against the weights themselves."""

from __future__ import annotations

import numpy as np
import pytest

import glassbert as gb

TEXT = "The unbelievable man was good."


@pytest.fixture(scope="module", params=["bert", "roberta"])
def maps(request, tiny_model):
    return gb.attention(tiny_model(request.param, "masked_words", layers=3), TEXT)


@pytest.mark.parametrize(("query", "key"), [(1, 3), (3, 1), (0, 2), (2, 2)])
def test_both_directions_are_read_off_the_maps(maps, query, key):
    found = gb.rank_heads(maps, query, key)
    np.testing.assert_array_equal(found.weights, maps.weights[:, :, query, key])
    np.testing.assert_array_equal(found.reverse, maps.weights[:, :, key, query])
    assert found.uniform == 1 / len(maps.encoded)
    frame = found.frame()
    assert len(frame) == maps.layers * maps.heads
    assert frame["rank"].tolist() == list(range(1, len(frame) + 1))
    strongest = frame[["weight", "reverse"]].max(axis=1)
    assert (strongest.diff().dropna() <= 0).all()
    for row in frame.itertuples():
        assert row.weight == maps.weights[row.layer, row.head, query, key]
        assert row.reverse == maps.weights[row.layer, row.head, key, query]


def test_words_are_merged_as_everywhere(maps):
    """The sum over the key's pieces, the mean over the query's: what ``by_word`` gives the whole map."""
    words = maps.encoded.word_ids
    pieces = np.flatnonzero(words == 1)
    assert len(pieces) > 1
    other = int(np.flatnonzero(words == 2)[0])
    found = gb.rank_heads(maps, int(pieces[-1]), other, by_word=True)
    merged = maps.by_word().values
    np.testing.assert_allclose(found.weights, merged[:, :, 2, 3], atol=1e-6)  # [CLS] is the first word
    np.testing.assert_allclose(found.reverse, merged[:, :, 3, 2], atol=1e-6)
    assert found.queries.tolist() == pieces.tolist()
    np.testing.assert_array_equal(gb.rank_heads(maps, 0, other, by_word=True).queries, [0])


def test_a_position_outside_is_refused(maps):
    for query, key in ((-1, 0), (0, len(maps.encoded))):
        with pytest.raises(gb.OptionError, match="this text has tokens 0 to"):
            gb.rank_heads(maps, query, key)


def test_the_line_names_the_strongest_head(maps):
    found = gb.rank_heads(maps, 1, 3)
    best = found.frame().iloc[0]
    assert f"head {int(best['head'])} of layer {int(best['layer'])}" in repr(found)
