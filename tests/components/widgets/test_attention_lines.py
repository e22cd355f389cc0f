from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from components.widgets import frontend
from components.widgets.attention_lines import attention_lines
from tests.components.widgets.clicks import mounted


def lines_app() -> None:
    import numpy as np

    from components.widgets.attention_lines import attention_lines

    weights = np.array([[0.25, 0.75, 0.0], [0.5, 0.125, 0.375]], dtype=np.float32)
    attention_lines(
        weights,
        ["a", "b"],
        ["x", "y", "<z>"],
        key="lines",
        version="v1",
        selected_query=1,
        selected_key=None,
        label="One head",
    )


def test_what_the_browser_gets() -> None:
    app = AppTest.from_function(lines_app).run()
    assert not app.exception
    header, body = frontend.unpack(mounted(app, "lines").bytes)
    assert (header["queries"], header["keys"]) == (["a", "b"], ["x", "y", "<z>"])
    assert (header["selectedQuery"], header["selectedKey"], header["version"]) == (1, None, "v1")
    high, low = np.frombuffer(body, dtype=np.uint8).reshape(2, 2, 3).astype(int)
    weights = (high * 256 + low) * header["step"]
    assert np.abs(weights - [[0.25, 0.75, 0.0], [0.5, 0.125, 0.375]]).max() <= header["step"] / 2


def draw(weights: np.ndarray, **selection: int | None) -> None:
    chosen = {"selected_query": None, "selected_key": None} | selection
    attention_lines(weights, ["a"], ["x", "y"], key="k", version="v", label="l", **chosen)


def test_tokens_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"1 × 2 tokens do not fit weights of shape \(2, 1\)"):
        draw(np.full((2, 1), 0.5))


@pytest.mark.parametrize(("selection", "message"), [({"selected_query": 1}, "query 1"), ({"selected_key": 2}, "key 2")])
def test_a_selection_that_is_no_token_is_an_error(selection: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw(np.full((1, 2), 0.5), **selection)


def test_weights_that_are_none_are_an_error() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        draw(np.array([[0.5, -0.5]]))
