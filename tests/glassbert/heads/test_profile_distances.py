"""Head profiles and distances: hand-made heads, scipy, and the rules that name them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

import glassbert as gb
from glassbert.heads import distances
from glassbert.heads.profile import BROAD_ENTROPY, DOMINANT_SHARE, TARGETS

TEXT = "The man, the doctor, was unbelievable."


@pytest.fixture(scope="module")
def encoded(tiny_model):
    encoded = gb.encode(tiny_model("bert", "encoder"), TEXT)
    assert encoded.pieces[:4] == ("[CLS]", "the", "man", ",")
    assert list(encoded.pieces).count("the") == 2
    return encoded


def rows(encoded, choose):
    """One-hot rows: each query looks at ``choose(query)``."""
    matrix = np.zeros((len(encoded), len(encoded)))
    matrix[np.arange(len(encoded)), [choose(query) % len(encoded) for query in range(len(encoded))]] = 1
    return matrix


def profile(encoded, *heads):
    return gb.head_profile(gb.AttentionMaps(encoded=encoded, weights=np.asarray([heads])))


def other_same_word(encoded):
    """For each query another piece or occurrence of its word; itself where there is none."""
    words = {"the": [1, 4]}
    pieces = [token for token, word in enumerate(encoded.word_ids) if word == encoded.word_ids[-3]]
    assert len(pieces) > 2
    groups = [*words.values(), pieces]
    return lambda query: next((group[group.index(query) - 1] for group in groups if query in group), query)


def test_each_hand_made_head_gets_its_name_and_its_share(encoded):
    tokens = len(encoded)
    comma = encoded.pieces.index(",")
    heads = {
        "previous_token": rows(encoded, lambda query: query - 1),
        "next_token": rows(encoded, lambda query: query + 1),
        "self": np.eye(tokens),
        "delimiter": rows(encoded, lambda query: 0 if query % 2 else tokens - 1),
        "punctuation": rows(encoded, lambda query: comma if query > 5 else tokens - 2),
        "broad": np.full((tokens, tokens), 1 / tokens),
    }
    result = profile(encoded, *heads.values())
    assert result.labels == (tuple(heads),)
    for index, target in enumerate(["previous", "next", "self"]):
        assert result.share(target)[0, index] == pytest.approx(1)
        assert "100% of its weight" in result.evidence(0, index)
    assert result.share("cls")[0, 3] + result.share("sep")[0, 3] == pytest.approx(1)
    assert result.share("punctuation")[0, 4] == pytest.approx(1)
    np.testing.assert_allclose(result.shares[0, 5], result.chance, atol=1e-6)


def test_the_same_word_counts_words_that_have_another_piece_or_occurrence(encoded):
    result = profile(encoded, rows(encoded, other_same_word(encoded)))
    assert result.share("same_word")[0, 0] == pytest.approx(1)
    assert result.labels == (("same_word",),)


def test_entropy_and_distance_are_means_over_ordinary_tokens(encoded):
    tokens = len(encoded)
    ordinary = np.arange(1, tokens - 1)
    uniform, previous = np.full((tokens, tokens), 1 / tokens), rows(encoded, lambda query: query - 1)
    result = profile(encoded, uniform, previous)
    assert result.entropy[0] == pytest.approx([np.log2(tokens), 0], abs=1e-5)
    assert result.max_entropy == pytest.approx(np.log2(tokens))
    mean_gap = np.mean([[abs(query - key) for key in range(tokens)] for query in ordinary])
    assert result.distance[0] == pytest.approx([mean_gap, 1], rel=1e-5)


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
def test_shares_of_a_model_are_what_counting_gives(tiny_model, family):
    maps = gb.attention(tiny_model(family, "masked_words"), "The man went home.", "The man was tired, he slept.")
    result = gb.head_profile(maps)
    encoded = maps.encoded
    words = [
        "" if word < 0 else "".join(encoded.pieces[other] for other in np.flatnonzero(encoded.word_ids == word)).lower()
        for word in encoded.word_ids
    ]
    special = encoded.special_tokens_mask.astype(bool)
    tests = {
        "cls": lambda query, key: key == 0,
        "sep": lambda query, key: special[key] and key > 0,
        "punctuation": lambda query, key: words[key] in (".", ","),
        "self": lambda query, key: key == query,
        "previous": lambda query, key: key == query - 1,
        "next": lambda query, key: key == query + 1,
        "same_word": lambda query, key: key != query and words[key] == words[query] and words[key].isalpha(),
    }
    assert tuple(tests) == result.targets == TARGETS
    for name, is_target in tests.items():
        shares, chances = [], []
        for query in np.flatnonzero(~special):
            keys = [key for key in range(len(encoded)) if is_target(query, key)]
            if keys:
                shares.append(maps.weights[:, :, query, keys].sum(axis=-1, dtype=np.float64))
                chances.append(len(keys) / len(encoded))
        np.testing.assert_allclose(result.share(name), np.mean(shares, axis=0), atol=1e-5)
        assert result.chance[TARGETS.index(name)] == pytest.approx(np.mean(chances), rel=1e-5)


def test_names_follow_their_rules_on_a_model(tiny_model):
    """Recomputed from the table: the largest share that dominates, else broad by entropy, else mixed."""
    result = gb.head_profile(gb.attention(tiny_model("bert", "masked_words"), TEXT))
    assert {label for row in result.labels for label in row} <= set(gb.heads.HEAD_LABELS)
    chance = dict(zip(result.targets, result.chance, strict=True))
    for row in result.frame().to_dict("records"):
        totals = {
            id: (sum(row[target] for target in label.targets), sum(chance[target] for target in label.targets))
            for id, label in gb.heads.HEAD_LABELS.items()
            if label.targets
        }
        named = {id: share for id, (share, by_chance) in totals.items() if share >= max(DOMINANT_SHARE, 2 * by_chance)}
        rest = "broad" if row["entropy"] >= BROAD_ENTROPY * result.max_entropy else "mixed"
        assert row["label"] == (max(named, key=named.__getitem__) if named else rest)
        assert row["evidence"] == result.evidence(row["layer"], row["head"])


def test_in_a_short_text_chance_is_not_evidence(tiny_model):
    """Of three tokens [SEP] and [CLS] are two: two thirds of the weight there say nothing."""
    encoded = gb.encode(tiny_model("bert", "encoder"), "man")
    assert profile(encoded, np.full((3, 3), 1 / 3)).labels == (("broad",),)


def test_evidence_for_a_head_that_is_not_there(encoded):
    with pytest.raises(gb.LayerError, match="heads 0 to 0"):
        profile(encoded, np.eye(len(encoded))).evidence(0, 1)


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
def test_distances_equal_scipy(tiny_model, family):
    maps = gb.attention(tiny_model(family, "masked_words"), TEXT)
    result = gb.head_distances(maps)
    heads = maps.weights.reshape(8, *maps.weights.shape[2:]).astype(np.float64)
    for one in range(8):
        for other in range(8):
            divergences = [jensenshannon(p, q, base=2) ** 2 for p, q in zip(heads[one], heads[other], strict=True)]
            assert result.distances[one, other] == pytest.approx(np.sqrt(np.mean(divergences)), abs=1e-5)
    assert result.layers.tolist() == [0] * 4 + [1] * 4
    assert result.heads.tolist() == [0, 1, 2, 3] * 2


def test_distances_as_long_texts_are_computed_equal_scipy(encoded, monkeypatch):
    """In float32 and in blocks, the last of them shorter; heads that are equal, or nearly, stay near zero."""
    monkeypatch.setattr(distances, "_EXACT", 0)
    monkeypatch.setattr(distances, "_BLOCK", 17)
    random = np.random.default_rng(0)
    heads = random.dirichlet(np.full(len(encoded), 0.1), size=(5, len(encoded)))
    heads[1] = heads[0]
    heads[2] = heads[0] * (1 + 1e-3 * random.standard_normal(heads[0].shape))
    heads[3, :, ::2] = 0
    heads = (heads / heads.sum(-1, keepdims=True)).astype(np.float32)
    result = gb.head_distances(gb.AttentionMaps(encoded=encoded, weights=heads[None]))
    for one in range(5):
        for other in range(5):
            found = np.nan_to_num(jensenshannon(heads[one].astype(float), heads[other].astype(float), axis=1, base=2))
            expected = np.sqrt(np.mean(found**2))
            assert result.distances[one, other] == pytest.approx(expected, abs=1e-5 if expected > 0.01 else 1e-3)
    assert 0 < result.distances[0, 2] < 1e-3


def test_distances_of_equal_and_of_disjoint_heads(encoded):
    tokens = len(encoded)
    one, other = np.eye(tokens), rows(encoded, lambda query: query + 1)
    result = gb.head_distances(gb.AttentionMaps(encoded=encoded, weights=np.asarray([[one, other, one]])))
    np.testing.assert_allclose(result.distances, [[0, 1, 0], [1, 0, 1], [0, 1, 0]], atol=1e-7)


def test_the_picture_keeps_distances_that_fit_in_two_dimensions(encoded):
    """Three heads span a plane: their places are exactly as far apart as the heads, and two dimensions hold it all."""
    tokens = len(encoded)
    heads = [np.eye(tokens), np.full((tokens, tokens), 1 / tokens), rows(encoded, lambda query: query - 1)]
    result = gb.head_distances(gb.AttentionMaps(encoded=encoded, weights=np.asarray([heads])))
    apart = np.linalg.norm(result.positions[:, None] - result.positions[None], axis=-1)
    np.testing.assert_allclose(apart, result.distances, atol=1e-5)
    assert result.explained == pytest.approx(1)
    np.testing.assert_allclose(result.positions.mean(axis=0), 0, atol=1e-6)


def test_the_picture_is_the_same_each_time_and_turned_one_way(tiny_model):
    maps = gb.attention(tiny_model("bert", "masked_words"), TEXT)
    one, again = gb.head_distances(maps), gb.head_distances(maps)
    np.testing.assert_array_equal(one.positions, again.positions)
    for axis in one.positions.T:
        assert axis[np.abs(axis).argmax()] > 0
    spread = (one.positions**2).sum(axis=0)
    assert spread[0] >= spread[1]
    assert 0 < one.explained <= 1


def test_one_head_alone_is_at_the_origin(encoded):
    result = gb.head_distances(gb.AttentionMaps(encoded=encoded, weights=np.eye(len(encoded))[None, None]))
    assert result.positions.tolist() == [[0, 0]]


def test_the_nearest_head_in_the_table_is_another_one(tiny_model):
    result = gb.head_distances(gb.attention(tiny_model("bert", "masked_words"), TEXT))
    for index, row in enumerate(result.frame().to_dict("records")):
        others = np.delete(result.distances[index], index)
        assert row["nearest_distance"] == pytest.approx(others.min())
        assert (row["nearest_layer"], row["nearest_head"]) != (row["layer"], row["head"])


def test_long_texts_use_evenly_spaced_rows(tiny_model):
    maps = gb.attention(tiny_model("bert", "encoder"), " ".join(["a man was tired"] * 20))
    result = gb.head_distances(maps)
    assert result.rows_used == 64
    chosen = np.unique(np.linspace(0, len(maps.encoded) - 1, 64).round().astype(int))
    one, other = maps.weights[0, 0, chosen].astype(np.float64), maps.weights[1, 3, chosen].astype(np.float64)
    expected = np.sqrt(np.mean(jensenshannon(one, other, base=2, axis=1) ** 2))
    assert result.distances[0, 7] == pytest.approx(expected, abs=1e-5)
