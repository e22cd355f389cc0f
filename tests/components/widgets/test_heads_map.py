from __future__ import annotations

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from components.widgets import frontend
from components.widgets.heads_map import (
    THUMBNAIL_PIXELS,
    WHOLE_LAYER,
    Marks,
    _wire,
    clicked_head,
    clicked_layer,
    heads_map,
    signed_thumbnails,
    thumbnails,
)
from tests.components.widgets.clicks import click, mounted


def attention(layers: int, heads: int, tokens: int, seed: int = 0) -> np.ndarray:
    weights = np.random.default_rng(seed).random((layers, heads, tokens, tokens), dtype=np.float32) ** 8
    return weights / weights.sum(-1, keepdims=True)


def test_few_tokens_are_sent_one_pixel_a_weight() -> None:
    weights = attention(2, 3, 11)
    pixels = thumbnails(weights).pixels
    assert pixels.shape == weights.shape
    # √w is rounded to 1/255, so its error is at most half of that.
    assert np.abs(pixels / 255 - np.sqrt(weights)).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("tokens", [33, 50, 64, 100])
def test_many_tokens_are_pooled_to_the_largest_weight_of_each_block(tokens: int) -> None:
    weights = attention(1, 2, tokens)
    pixels = thumbnails(weights).pixels
    side = THUMBNAIL_PIXELS
    expected = np.zeros((1, 2, side, side))
    for row in range(side):
        for column in range(side):
            rows = [i for i in range(tokens) if row * tokens // side <= i < (row + 1) * tokens // side]
            columns = [i for i in range(tokens) if column * tokens // side <= i < (column + 1) * tokens // side]
            expected[:, :, row, column] = weights[:, :, rows][:, :, :, columns].max(axis=(2, 3))
    assert np.array_equal(pixels, np.rint(255 * np.sqrt(expected)).astype(np.uint8))


@pytest.mark.parametrize("tokens", [24, 32, 33, 127, 511, 512])
def test_a_one_token_diagonal_keeps_its_full_weight(tokens: int) -> None:
    shifted = np.eye(tokens, k=-1, dtype=np.float32)
    shifted[0, 0] = 1
    pixels = thumbnails(shifted[None, None]).pixels[0, 0]
    assert (pixels.max(axis=0)[:-1] == 255).all()
    assert (pixels.max(axis=1) == 255).all()
    assert (pixels == 0).mean() > 0.9


def test_the_weights_are_left_as_they_were() -> None:
    weights = attention(1, 1, 40)
    before = weights.copy()
    weights.flags.writeable = False
    thumbnails(weights)
    assert np.array_equal(weights, before)


def test_differences_have_zero_in_the_middle_and_the_scale_of_weights() -> None:
    differences = attention(2, 3, 11) - attention(2, 3, 11, seed=1)
    differences[0, 0] = 0
    small = signed_thumbnails(differences)
    assert small.signed
    shares = (small.pixels.astype(float) - 128) / 127
    assert np.abs(shares - np.sign(differences) * np.sqrt(np.abs(differences))).max() <= 0.5 / 127 + 1e-6
    assert (small.pixels[0, 0] == 128).all()


def test_a_block_shows_its_largest_difference_of_either_sign() -> None:
    differences = np.zeros((1, 1, 64, 64), dtype=np.float32)
    differences[0, 0, 0, :2] = 0.25, -0.64
    differences[0, 0, 63, 62:] = 0.64, -0.25
    pixels = signed_thumbnails(differences).pixels[0, 0].astype(int)
    assert pixels[0, 0] == round(128 - 127 * 0.8)
    assert pixels[-1, -1] == round(128 + 127 * 0.8)
    assert (pixels == 128).sum() == pixels.size - 2


@pytest.mark.parametrize("value", [np.nan, 1.5, -1.5])
def test_what_is_no_difference_of_weights_is_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="between −1 and 1"):
        signed_thumbnails(np.full((1, 1, 2, 2), value))
    with pytest.raises(ValueError, match="layer, head, query, key"):
        signed_thumbnails(np.ones((2, 2)))


def test_half_precision_gives_the_same_picture() -> None:
    weights = attention(1, 1, 20)
    halves = thumbnails(weights.astype(np.float16)).pixels.astype(int)
    assert np.abs(halves - thumbnails(weights).pixels.astype(int)).max() <= 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.5])
def test_values_that_are_no_weights_are_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        thumbnails(np.full((1, 1, 2, 2), value, dtype=np.float32))


@pytest.mark.parametrize("shape", [(2, 2), (0, 1, 2, 2), (1, 1, 2, 0)])
def test_another_shape_is_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="layer, head, query, key"):
        thumbnails(np.ones(shape, dtype=np.float32))


@pytest.mark.parametrize(("layer", "head"), [(2, 0), (0, 3), (-1, 0)])
def test_a_head_that_is_not_there_is_an_error(layer: int, head: int) -> None:
    with pytest.raises(ValueError, match="layers 0 to 1 and heads 0 to 2"):
        heads_map(attention(2, 3, 4), key="k", version="v", layer=layer, head=head, label="l")


def map_app() -> None:
    import numpy as np
    import streamlit as st

    from components.widgets.heads_map import heads_map, thumbnails

    tokens = st.session_state.get("tokens", 5)
    weights = np.random.default_rng(0).random((6, 12, tokens, tokens), dtype=np.float32)
    weights /= weights.sum(-1, keepdims=True)
    ready = thumbnails(weights) if st.session_state.get("ready") else weights
    st.session_state.clicked = heads_map(ready, key="map", version="v1", layer=2, head=5, label="All heads")


@pytest.fixture
def app() -> AppTest:
    app = AppTest.from_function(map_app).run()
    assert not app.exception
    return app


@pytest.mark.parametrize("ready", [False, True])
def test_what_the_browser_gets(app: AppTest, ready: bool) -> None:
    app.session_state.ready = ready
    header, body = frontend.unpack(mounted(app.run(), "map").bytes)
    assert (header["layers"], header["heads"], header["rows"], header["columns"]) == (6, 12, 5, 5)
    assert (header["layer"], header["head"], header["version"]) == (2, 5, "v1")
    weights = np.random.default_rng(0).random((6, 12, 5, 5), dtype=np.float32)
    weights /= weights.sum(-1, keepdims=True)
    assert body == thumbnails(weights).pixels.tobytes()


def test_512_tokens_are_a_small_message(app: AppTest) -> None:
    app.session_state.tokens = 512
    assert len(mounted(app.run(), "map").bytes) < 100_000


def test_a_click_is_returned_once_and_only_for_its_version(app: AppTest) -> None:
    click(app, "map", {"version": "v1", "layer": 4, "head": 11})
    assert app.session_state.clicked == (4, 11)
    app.run()
    assert app.session_state.clicked is None
    click(app, "map", {"version": "v0", "layer": 4, "head": 11})
    assert app.session_state.clicked is None


@pytest.mark.parametrize(
    "place", [{"layer": 6, "head": 0}, {"layer": 0, "head": -1}, {"layer": 1}, {"layer": "1", "head": 1}]
)
def test_a_place_that_is_no_head_is_dropped(place: dict) -> None:
    assert clicked_head({"select": {"version": "v", **place}}, "v", 6, 12) is None


def test_marks_travel_head_after_head() -> None:
    values = np.linspace(0, 1, 6).reshape(2, 3)
    marks = Marks(
        values=values,
        dimmed=values < 0.5,
        off={(1, 2), (0, 1)},
        notes=(("a", "b", "c"), ("d", "e", "f")),
    )
    wire = _wire(marks, (2, 3))
    assert wire["values"] == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert wire["dimmed"] == [1, 1, 1, 0, 0, 0]
    assert wire["off"] == [1, 5]
    assert wire["notes"] == ["a", "b", "c", "d", "e", "f"]
    assert wire["order"] is None
    assert _wire(Marks(), (2, 3)) == {
        "values": None, "dimmed": None, "off": [], "notes": [], "order": None, "texts": []
    }  # fmt: skip
    json.dumps(wire)


def test_an_order_travels_as_indices_with_the_text_of_every_head() -> None:
    texts = (("0.1", "0.2", "0.3"), ("0.4", "0.5", "0.6"))
    wire = _wire(Marks(order=[(1, 2), (0, 1), (1, 0)], texts=texts), (2, 3))
    assert wire["order"] == [5, 1, 3]
    assert wire["texts"] == ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6"]


@pytest.mark.parametrize("order", [[], [(0, 0), (0, 0)], [(2, 0)], [(0, -1)], [(0, 0), (1, 3)]])
def test_an_order_of_other_heads_is_an_error(order: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match=r"one of the heads, \(2, 3\), and none of them twice"):
        _wire(Marks(order=order), (2, 3))


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_values_outside_0_to_1_are_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        _wire(Marks(values=np.full((1, 2), value)), (1, 2))


def test_marks_of_another_model_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"one for each head, \(2, 3\)"):
        _wire(Marks(dimmed=np.zeros((3, 2), dtype=bool)), (2, 3))


@pytest.mark.parametrize(
    ("event", "layer"),
    [
        ({"layer": 1, "head": WHOLE_LAYER}, 1),
        ({"layer": 2, "head": WHOLE_LAYER}, None),
        ({"layer": -1, "head": WHOLE_LAYER}, None),
        ({"layer": 1, "head": 0}, None),
        ({"layer": "1", "head": WHOLE_LAYER}, None),
    ],
)
def test_a_click_on_the_number_of_a_layer(event: dict, layer: int | None) -> None:
    assert clicked_layer({"select": {"version": "v", **event}}, "v", 2) == layer
    assert clicked_layer({"select": {"version": "old", **event}}, "v", 2) is None
