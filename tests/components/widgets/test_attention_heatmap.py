from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from components.widgets import frontend
from components.widgets.attention_heatmap import (
    DESELECTED,
    FINEST_STEP,
    SIGNED_ZERO,
    attention_heatmap,
    clicked_label,
    clicked_row,
    quantised,
    quantised_differences,
)
from tests.components.widgets.clicks import click, mounted


def head(tokens: int, sharpness: float, seed: int = 0) -> np.ndarray:
    weights = np.random.default_rng(seed).random((tokens, tokens)) ** sharpness + 1e-9
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("tokens", [1, 24, 512])
@pytest.mark.parametrize("sharpness", [1, 40])
def test_the_rounding_is_finer_than_the_four_digits_shown(tokens: int, sharpness: float) -> None:
    weights = head(tokens, sharpness)
    levels, step = quantised(weights)
    assert levels.dtype == np.uint16
    assert max(FINEST_STEP, 1 / 65535) >= step >= FINEST_STEP
    error = np.abs(levels * step - weights.astype(np.float64)).max()
    assert error <= step / 2 * 1.01
    assert error < 0.00005 / 4


def test_zero_and_the_largest_weight_are_exact() -> None:
    levels, step = quantised(np.array([[0.0, 1.0], [0.5, 0.5]], dtype=np.float32))
    assert levels.tolist()[0] == [0, 65535]
    assert 65535 * step == 1.0


def test_half_precision_is_rounded_from_its_own_values() -> None:
    weights = head(8, 2).astype(np.float16)
    levels, step = quantised(weights)
    assert np.abs(levels * step - weights.astype(np.float64)).max() <= step / 2 * 1.01


def test_the_columns_of_each_row_are_pairs() -> None:
    with pytest.raises(ValueError, match=r"inside has shape \(3, 3\): 3 rows need \(3, 2\)"):
        attention_heatmap(head(3, 1), ["a"] * 3, key="k", version="v", selected=None, label="", inside=np.ones((3, 3)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.5])
def test_values_that_are_no_weights_are_an_error(value: float) -> None:
    weights = head(3, 1)
    weights[1, 2] = value
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantised(weights)


@pytest.mark.parametrize("shape", [(2,), (0, 0), (1, 2, 2)])
def test_another_shape_is_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="query, key"):
        quantised(np.ones(shape, dtype=np.float32))


def test_differences_keep_their_sign_and_an_exact_zero() -> None:
    differences = head(12, 4) - head(12, 4, seed=1)
    differences[0, 0] = 0
    levels, step = quantised_differences(differences)
    assert levels.dtype == np.uint16
    assert levels[0, 0] == SIGNED_ZERO
    told = (levels.astype(np.float64) - SIGNED_ZERO) * step
    assert np.abs(told - differences).max() <= step / 2 * 1.01
    assert (np.sign(told) * np.sign(differences) >= 0).all()
    largest = np.abs(differences).argmax()
    assert abs(int(levels.flat[largest]) - SIGNED_ZERO) == 65535 - SIGNED_ZERO


def test_rounding_errors_are_no_differences() -> None:
    levels, step = quantised_differences(np.full((3, 3), 4e-6, dtype=np.float32))
    assert step == FINEST_STEP
    assert (levels == SIGNED_ZERO).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_differences_that_are_no_numbers_are_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        quantised_differences(np.array([[value]]))
    with pytest.raises(ValueError, match="query, key"):
        quantised_differences(np.ones(3))


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan")])
def test_a_scale_that_is_not_positive_is_an_error(scale: float) -> None:
    with pytest.raises(ValueError, match="pass a positive number"):
        attention_heatmap(head(2, 1), ["a", "b"], key="k", version="v", selected=None, label="l", scale=scale)


def heatmap(weights: np.ndarray, tokens: list[str], selected: int | None = None) -> None:
    attention_heatmap(weights, tokens, key="k", version="v", selected=selected, label="l")


def test_tokens_that_do_not_fit_the_weights_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"2 tokens need weights of shape \(2, 2\)"):
        heatmap(head(3, 1), ["a", "b"])


@pytest.mark.parametrize("selected", [2, -1])
def test_a_selection_that_is_no_token_is_an_error(selected: int) -> None:
    with pytest.raises(ValueError, match="2 tokens, counted from 0"):
        heatmap(head(2, 1), ["a", "b"], selected)


def heatmap_app() -> None:
    import numpy as np
    import streamlit as st

    from components.widgets.attention_heatmap import attention_heatmap

    count = st.session_state.get("count", 7)
    weights = np.random.default_rng(0).random((count, count), dtype=np.float32)
    weights /= weights.sum(-1, keepdims=True)
    tokens = ["<script>", *["لغة"] * (count - 1)]
    st.session_state.clicked = attention_heatmap(
        weights, tokens, key="heatmap", version="v1", selected=2, label="Layer 1 · Head 1", height_px=300
    )


@pytest.fixture
def app() -> AppTest:
    app = AppTest.from_function(heatmap_app).run()
    assert not app.exception
    return app


def test_the_browser_can_restore_the_weights(app: AppTest) -> None:
    header, body = frontend.unpack(mounted(app, "heatmap").bytes)
    high, low = np.frombuffer(body, dtype=np.uint8).reshape(2, 7, 7).astype(int)
    weights = np.random.default_rng(0).random((7, 7), dtype=np.float32)
    weights /= weights.sum(-1, keepdims=True)
    assert np.abs((high * 256 + low) * header["step"] - weights).max() <= header["step"] / 2 * 1.01
    assert header["tokens"] == ["<script>", *["لغة"] * 6]
    assert (header["version"], header["selected"], header["height"]) == ("v1", 2, 300)


def test_512_tokens_without_any_pattern_fit_half_a_megabyte(app: AppTest) -> None:
    app.session_state.count = 512
    assert len(mounted(app.run(), "heatmap").bytes) < 500_000


@pytest.mark.parametrize("index", [0, 6, DESELECTED])
def test_a_click_is_returned_once_and_only_for_its_version(app: AppTest, index: int) -> None:
    click(app, "heatmap", {"version": "v1", "index": index})
    assert app.session_state.clicked == index
    app.run()
    assert app.session_state.clicked is None
    click(app, "heatmap", {"version": "v0", "index": index})
    assert app.session_state.clicked is None


@pytest.mark.parametrize("index", [7, -2, "3", None])
def test_an_index_that_is_no_token_is_dropped(index: object) -> None:
    assert clicked_row({"select": {"version": "v", "index": index}}, "v", 7) is None


def test_a_measure_without_a_limit_keeps_its_numbers() -> None:
    values = np.array([[0.0, 250.5], [3.25, 1.0]], dtype=np.float32)
    levels, step = quantised(values, most=None)
    assert step == pytest.approx(250.5 / 65535)
    assert np.abs(levels * step - values).max() <= step / 2 * 1.01
    with pytest.raises(ValueError, match="not negative"):
        quantised(-values, most=None)


def test_columns_may_be_other_tokens_than_rows() -> None:
    def draw(weights: np.ndarray, selected_key: int | None = None) -> None:
        attention_heatmap(
            weights,
            ["a", "b"],
            key="k",
            version="v",
            selected=None,
            label="l",
            keys=["x", "y", "z"],
            selected_key=selected_key,
        )

    with pytest.raises(ValueError, match=r"shape \(2, 3\), not \(3, 2\)"):
        draw(np.full((3, 2), 0.5, dtype=np.float32))
    with pytest.raises(ValueError, match="selected key 3"):
        draw(np.full((2, 3), 0.3, dtype=np.float32), selected_key=3)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"axis": "query", "index": 1}, ("query", 1)),
        ({"axis": "key", "index": 2}, ("key", 2)),
        ({"axis": "key", "index": DESELECTED}, ("key", DESELECTED)),
        ({"axis": "query", "index": 2}, None),
        ({"axis": "column", "index": 0}, None),
        ({"index": 0}, None),
    ],
)
def test_a_click_on_a_row_or_a_column(event: dict, expected: tuple[str, int] | None) -> None:
    assert clicked_label({"select": {"version": "v", **event}}, "v", 2, 3) == expected
