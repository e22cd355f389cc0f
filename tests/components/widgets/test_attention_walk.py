from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from components.widgets import frontend
from components.widgets.attention_walk import attention_walk
from tests.components.widgets.clicks import mounted


def walk_app() -> None:
    import numpy as np

    from components.widgets.attention_walk import attention_walk

    weights = np.array([[0.25, 0.75], [0.875, 0.125]], dtype=np.float32)
    attention_walk(weights, ["a", "<b>"], path=[1, 0], key="walk", version="v1", label="One head")


def test_what_the_browser_gets() -> None:
    app = AppTest.from_function(walk_app).run()
    assert not app.exception
    header, body = frontend.unpack(mounted(app, "walk").bytes)
    assert (header["tokens"], header["path"], header["version"]) == (["a", "<b>"], [1, 0], "v1")
    high, low = np.frombuffer(body, dtype=np.uint8).reshape(2, 2, 2).astype(int)
    weights = (high * 256 + low) * header["step"]
    assert np.abs(weights - [[0.25, 0.75], [0.875, 0.125]]).max() <= header["step"] / 2


@pytest.mark.parametrize("path", [[], [0, 2], [-1]])
def test_a_path_that_leaves_the_tokens_is_an_error(path: list[int]) -> None:
    with pytest.raises(ValueError, match="pass at least one of the 2 tokens"):
        attention_walk(np.full((2, 2), 0.5), ["a", "b"], path=path, key="k", version="v", label="l")


def test_tokens_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"3 tokens need weights of shape \(3, 3\), not \(2, 2\)"):
        attention_walk(np.full((2, 2), 0.5), ["a", "b", "c"], path=[0], key="k", version="v", label="l")


def test_weights_that_are_none_are_an_error() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        attention_walk(np.array([[1.5]]), ["a"], path=[0], key="k", version="v", label="l")
