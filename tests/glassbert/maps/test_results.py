"""Maps of token pairs: what each transformation keeps, and what it says about itself."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

import glassbert as gb

TEXT = "The unbelievable film was heartwarming."
PAIR = ("The man went to the store.", "He bought a gallon of milk.")


@pytest.fixture(scope="module")
def maps(tiny_model):
    return gb.attention(tiny_model("bert", "masked_words"), TEXT)


@pytest.fixture(scope="module")
def pair_maps(tiny_model):
    return gb.attention(tiny_model("bert", "masked_words"), *PAIR)


def sums(result):
    return result.values.sum(axis=-1, dtype=np.float64)


def test_the_maps_of_attention_are_its_weights(maps):
    result = maps.maps()
    assert result.values is maps.weights
    assert result.query_labels == result.key_labels == maps.encoded.pieces
    np.testing.assert_array_equal(result.queries, [[token, token + 1] for token in range(len(maps.encoded))])
    np.testing.assert_array_equal(result.layers, [0, 1])
    np.testing.assert_array_equal(result.heads, [0, 1, 2, 3])
    assert result.rows_sum_to_one
    assert result.caption == ""


def test_words_sum_over_keys_and_average_over_queries(maps):
    result = maps.by_word()
    encoded = maps.encoded
    assert result.query_labels == ("[CLS]", "the", "unbelievable", "film", "was", "heartwarming", ".", "[SEP]")
    words: list[list[int]] = []
    for token, word in enumerate(encoded.word_ids):
        if word >= 0 and words and encoded.word_ids[words[-1][0]] == word:
            words[-1].append(token)
        else:
            words.append([token])
    assert max(map(len, words)) > 2
    for row, pieces in enumerate(words):
        assert result.queries[row].tolist() == result.keys[row].tolist() == [pieces[0], pieces[-1] + 1]
        for column, others in enumerate(words):
            block = maps.weights[:, :, pieces][:, :, :, others].astype(np.float64)
            expected = block.sum(axis=-1).mean(axis=-1)
            np.testing.assert_allclose(result.values[:, :, row, column], expected, atol=1e-6)
    np.testing.assert_allclose(sums(result), 1, atol=1e-5)
    assert result.rows_sum_to_one


def test_words_of_words_are_the_same_words(maps):
    once = maps.by_word()
    twice = once.by_word()
    np.testing.assert_array_equal(once.values, twice.values)
    np.testing.assert_array_equal(once.queries, twice.queries)


def test_words_and_hidden_special_tokens_commute(pair_maps):
    one, other = pair_maps.by_word().without_special(), pair_maps.without_special().by_word()
    np.testing.assert_allclose(one.values, other.values, atol=1e-7)
    assert one.query_labels == other.query_labels
    np.testing.assert_array_equal(one.keys, other.keys)


@pytest.mark.parametrize(("block", "rows", "columns"), [("A→A", 0, 0), ("A→B", 0, 1), ("B→A", 1, 0), ("B→B", 1, 1)])
def test_a_block_is_one_text_looking_at_another(pair_maps, block, rows, columns):
    result = pair_maps.block(block)
    encoded = pair_maps.encoded
    looking = np.flatnonzero(encoded.sequence_ids == rows)
    looked_at = np.flatnonzero(encoded.sequence_ids == columns)
    np.testing.assert_array_equal(result.values, pair_maps.weights[:, :, looking][:, :, :, looked_at])
    np.testing.assert_array_equal(result.queries[:, 0], looking)
    np.testing.assert_array_equal(result.keys[:, 0], looked_at)
    assert result.key_labels == tuple(encoded.pieces[token] for token in looked_at)
    assert not result.rows_sum_to_one
    assert not result.renormalised
    assert block in result.caption
    assert sums(result).max() < 1


def test_the_blocks_and_the_special_tokens_are_the_whole_row(pair_maps):
    special = np.flatnonzero(pair_maps.encoded.special_tokens_mask)
    rest = pair_maps.weights[..., special].sum(axis=-1)
    rows = np.flatnonzero(pair_maps.encoded.sequence_ids == 0)
    total = sums(pair_maps.block("A→A")) + sums(pair_maps.block("A→B")) + rest[:, :, rows]
    np.testing.assert_allclose(total, 1, atol=1e-5)


@pytest.mark.parametrize(
    "part", [lambda maps, again: maps.block("B→A", renormalise=again), lambda maps, again: maps.without_special(again)]
)
def test_renormalised_rows_sum_to_one_and_keep_their_proportions(pair_maps, part):
    plain, result = part(pair_maps, False), part(pair_maps, True)
    assert (plain.renormalised, result.renormalised) == (False, True)
    assert (plain.rows_sum_to_one, result.rows_sum_to_one) == (False, True)
    np.testing.assert_allclose(sums(result), 1, atol=1e-5)
    np.testing.assert_allclose(result.values * sums(plain)[..., None], plain.values, atol=1e-6)
    assert "rescaled" in result.caption
    assert "rescaled" not in plain.caption


def test_without_special_tokens_only_ordinary_ones_are_left(maps):
    result = maps.without_special(renormalise=False)
    ordinary = np.flatnonzero(maps.encoded.special_tokens_mask == 0)
    np.testing.assert_array_equal(result.values, maps.weights[:, :, ordinary][..., ordinary])
    assert "[CLS]" not in result.query_labels + result.key_labels
    assert "special tokens left out" in result.caption


def test_heads_are_combined_by_mean_and_by_maximum(maps):
    chosen = [(0, 1), (1, 3), (1, 0), (0, 1)]
    stacked = np.stack([maps.weights[0, 1], maps.weights[1, 3], maps.weights[1, 0]])
    mean, largest = maps.combine(chosen, "mean"), maps.combine(chosen, "max")
    np.testing.assert_allclose(mean.values, stacked.mean(axis=0)[None], atol=1e-7)
    np.testing.assert_array_equal(largest.values, stacked.max(axis=0)[None])
    assert mean.rows_sum_to_one
    assert not largest.rows_sum_to_one
    assert sums(largest).max() > 1
    assert mean.layers.tolist() == [-1]
    assert maps.combine([(1, 0), (1, 2)]).layers.tolist() == [1]
    assert mean.options == {"heads": [[0, 1], [1, 3], [1, 0]], "how": "mean"}
    assert not mean.per_head


def test_all_heads_of_a_layer_as_one(maps):
    np.testing.assert_allclose(maps.over_heads().values, maps.weights.mean(axis=1), atol=1e-7)
    np.testing.assert_array_equal(maps.over_heads("max").values, maps.weights.max(axis=1))
    assert maps.over_heads().rows_sum_to_one
    assert not maps.over_heads("max").rows_sum_to_one


def test_a_row_of_zeros_stays_zero_and_is_said(maps):
    zero = dataclasses.replace(maps.maps(), values=np.zeros_like(maps.weights)).normalised()
    assert not zero.values.any()
    assert not zero.rows_sum_to_one


def test_the_table_has_every_number_once(pair_maps):
    result = pair_maps.block("A→B")
    table = result.frame()
    assert list(table.columns) == ["layer", "head", "query", "key", "query_label", "key_label", "value"]
    assert len(table) == result.values.size
    row = table.iloc[-1]
    assert row["value"] == result.values[-1, -1, -1, -1]
    assert (row["layer"], row["head"]) == (1, 3)
    assert row["key"] == result.keys[-1, 0]
    assert row["key_label"] == result.key_labels[-1]
    assert "head" not in pair_maps.over_heads().frame().columns


def test_maps_survive_json_bit_for_bit(pair_maps):
    result = pair_maps.by_word().block("B→B", renormalise=True).combine([(0, 1), (1, 1)])
    again = gb.TokenMaps.from_dict(json.loads(json.dumps(result.to_dict())))
    np.testing.assert_array_equal(again.values, result.values)
    assert (again.options, again.caption, again.query_labels) == (result.options, result.caption, result.query_labels)


@pytest.mark.parametrize(
    ("work", "error", "message"),
    [
        (lambda maps: maps.block("A→B"), gb.OptionError, "add a second text"),
        (lambda maps: maps.block("A->B"), gb.OptionError, "must be one of A→A, A→B, B→A, B→B"),
        (lambda maps: maps.combine([]), gb.OptionError, "at least one head"),
        (lambda maps: maps.combine([(2, 0)]), gb.LayerError, "layers 0 to 1 and heads 0 to 3"),
        (lambda maps: maps.combine([(0, -1)]), gb.LayerError, "heads 0 to 3"),
        (lambda maps: maps.combine([(0, 0)], "sum"), gb.OptionError, "must be one of mean, max"),
        (lambda maps: maps.over_heads().combine([(0, 0)]), gb.OptionError, "nothing to combine"),
        (lambda maps: maps.over_heads().over_heads(), gb.OptionError, "nothing to combine"),
    ],
)
def test_what_cannot_be_done_is_said(maps, work, error, message):
    with pytest.raises(error, match=message):
        work(maps)
