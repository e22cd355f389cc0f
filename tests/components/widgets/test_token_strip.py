from __future__ import annotations

import json
import math

import pytest
from streamlit.testing.v1 import AppTest

from components.widgets.token_strip import DESELECTED, Token, clicked_token, token_strip
from tests.components.widgets.clicks import click, mounted


def strip_app() -> None:
    import streamlit as st

    from components.widgets.token_strip import Token, token_strip

    def remember() -> None:
        st.session_state.seen_by_callback = dict(st.session_state["strip"]["select"])

    tokens = [
        Token("[CLS]", "special", 0.0),
        Token("<b>play</b>", "piece", -0.25),
        Token("##ing", "piece", 0.5, joined=True, note="one word"),
        Token("##", "word", 0.125),
    ]
    st.session_state.clicked = token_strip(
        tokens,
        key="strip",
        label="Saliency",
        selected=1,
        version=st.session_state.get("version", "v1"),
        legend="towards positive",
        on_select=remember,
    )


@pytest.fixture
def app() -> AppTest:
    app = AppTest.from_function(strip_app).run()
    assert not app.exception
    return app


def test_what_the_browser_gets(app: AppTest) -> None:
    data = json.loads(mounted(app, "strip").json)
    assert [token["text"] for token in data["tokens"]] == ["[CLS]", "<b>play</b>", "ing", "##"]
    assert [token["raw"] for token in data["tokens"]] == ["[CLS]", "<b>play</b>", "##ing", "##"]
    assert [token["score"] for token in data["tokens"]] == [0.0, -0.25, 0.5, 0.125]
    assert [token["joined"] for token in data["tokens"]] == [False, False, True, False]
    assert data["tokens"][2]["note"] == "one word"
    assert (data["scale"], data["signed"], data["scored"], data["selected"]) == (0.5, True, True, 1)
    assert (data["version"], data["label"], data["legend"]) == ("v1", "Saliency", "towards positive")


@pytest.mark.parametrize("index", [0, 3, DESELECTED])
def test_a_click_is_returned_once_and_seen_by_the_callback(app: AppTest, index: int) -> None:
    assert app.session_state.clicked is None
    click(app, "strip", {"version": "v1", "index": index})
    assert app.session_state.clicked == index
    assert app.session_state.seen_by_callback == {"version": "v1", "index": index}
    app.run()
    assert app.session_state.clicked is None


def test_a_click_on_other_tokens_is_dropped(app: AppTest) -> None:
    app.session_state.version = "v2"
    click(app, "strip", {"version": "v1", "index": 3})
    assert app.session_state.clicked is None
    assert not app.exception


@pytest.mark.parametrize("index", [4, -2, 1.5, "1", None])
def test_an_index_that_is_no_token_is_dropped(index: object) -> None:
    assert clicked_token({"select": {"version": "v", "index": index}}, "v", 4) is None


def strip(*tokens: Token, selected: int | None = None, scale: float | None = None) -> None:
    token_strip(tokens, key="k", label="l", version="v", selected=selected, scale=scale)


@pytest.mark.parametrize("selected", [2, -1])
def test_a_selection_that_is_no_token_is_an_error(selected: int) -> None:
    with pytest.raises(ValueError, match="2 tokens, counted from 0"):
        strip(Token("a"), Token("b"), selected=selected)


@pytest.mark.parametrize("score", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_an_error(score: float) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        strip(Token("a", score=score))


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan])
def test_a_scale_that_is_not_positive_is_an_error(scale: float) -> None:
    with pytest.raises(ValueError, match="positive number"):
        strip(Token("a", score=1.0), scale=scale)
