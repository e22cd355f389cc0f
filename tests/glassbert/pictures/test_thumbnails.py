"""Thumbnails keep what distinguishes heads: every weight, or the largest of its block, on one scale."""

from __future__ import annotations

import numpy as np
import pytest

from glassbert.pictures.thumbnails import difference_levels, weight_levels

SIDE = 32


def attention(layers: int, heads: int, tokens: int, seed: int = 0) -> np.ndarray:
    weights = np.random.default_rng(seed).random((layers, heads, tokens, tokens), dtype=np.float32) ** 8
    return weights / weights.sum(-1, keepdims=True)


def test_few_tokens_are_drawn_one_pixel_a_weight() -> None:
    weights = attention(2, 3, 11)
    pixels = weight_levels(weights, SIDE)
    assert pixels.shape == weights.shape
    # √w is rounded to 1/255, so its error is at most half of that.
    assert np.abs(pixels / 255 - np.sqrt(weights)).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("tokens", [33, 50, 64, 100])
def test_many_tokens_are_pooled_to_the_largest_weight_of_each_block(tokens: int) -> None:
    weights = attention(1, 2, tokens)
    pixels = weight_levels(weights, SIDE)
    side = SIDE
    expected = np.zeros((1, 2, side, side))
    for row in range(side):
        for column in range(side):
            rows = [i for i in range(tokens) if row * tokens // side <= i < (row + 1) * tokens // side]
            columns = [i for i in range(tokens) if column * tokens // side <= i < (column + 1) * tokens // side]
            expected[:, :, row, column] = weights[:, :, rows][:, :, :, columns].max(axis=(2, 3))
    assert np.array_equal(pixels, np.rint(255 * np.sqrt(expected)).astype(np.uint8))


def test_512_tokens_are_a_small_picture() -> None:
    assert weight_levels(attention(1, 2, 512), SIDE).shape == (1, 2, SIDE, SIDE)


@pytest.mark.parametrize("tokens", [24, 32, 33, 127, 511, 512])
def test_a_one_token_diagonal_keeps_its_full_weight(tokens: int) -> None:
    shifted = np.eye(tokens, k=-1, dtype=np.float32)
    shifted[0, 0] = 1
    pixels = weight_levels(shifted[None, None], SIDE)[0, 0]
    assert (pixels.max(axis=0)[:-1] == 255).all()
    assert (pixels.max(axis=1) == 255).all()
    assert (pixels == 0).mean() > 0.9


def test_the_weights_are_left_as_they_were() -> None:
    weights = attention(1, 1, 40)
    before = weights.copy()
    weights.flags.writeable = False
    weight_levels(weights, SIDE)
    assert np.array_equal(weights, before)


def test_differences_have_zero_in_the_middle_and_the_scale_of_weights() -> None:
    differences = attention(2, 3, 11) - attention(2, 3, 11, seed=1)
    differences[0, 0] = 0
    small = difference_levels(differences, SIDE)
    shares = (small.astype(float) - 128) / 127
    assert np.abs(shares - np.sign(differences) * np.sqrt(np.abs(differences))).max() <= 0.5 / 127 + 1e-6
    assert (small[0, 0] == 128).all()


def test_a_block_shows_its_largest_difference_of_either_sign() -> None:
    differences = np.zeros((1, 1, 64, 64), dtype=np.float32)
    differences[0, 0, 0, :2] = 0.25, -0.64
    differences[0, 0, 63, 62:] = 0.64, -0.25
    pixels = difference_levels(differences, SIDE)[0, 0].astype(int)
    assert pixels[0, 0] == round(128 - 127 * 0.8)
    assert pixels[-1, -1] == round(128 + 127 * 0.8)
    assert (pixels == 128).sum() == pixels.size - 2


@pytest.mark.parametrize("value", [np.nan, 1.5, -1.5])
def test_what_is_no_difference_of_weights_is_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="between −1 and 1"):
        difference_levels(np.full((1, 1, 2, 2), value), SIDE)
    with pytest.raises(ValueError, match="layer, head, query, key"):
        difference_levels(np.ones((2, 2)), SIDE)


def test_half_precision_gives_the_same_picture() -> None:
    weights = attention(1, 1, 20)
    halves = weight_levels(weights.astype(np.float16), SIDE).astype(int)
    assert np.abs(halves - weight_levels(weights, SIDE).astype(int)).max() <= 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.5])
def test_values_that_are_no_weights_are_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        weight_levels(np.full((1, 1, 2, 2), value, dtype=np.float32), SIDE)


@pytest.mark.parametrize("shape", [(2, 2), (0, 1, 2, 2), (1, 1, 2, 0)])
def test_another_shape_is_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="layer, head, query, key"):
        weight_levels(np.ones(shape, dtype=np.float32), SIDE)
