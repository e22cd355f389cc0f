from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from components.widgets.sentence_box import MAX_CHARACTERS, submitted_text
from tests.components.widgets.clicks import click, mounted


def box_app() -> None:
    import streamlit as st

    from components.widgets.sentence_box import sentence_box

    st.session_state.submitted = sentence_box("Text A", key="box", value="<b>as it is</b>", placeholder="type")


@pytest.fixture
def app() -> AppTest:
    app = AppTest.from_function(box_app).run()
    assert not app.exception
    return app


def test_what_the_browser_gets(app: AppTest) -> None:
    data = json.loads(mounted(app, "box").json)
    assert (data["label"], data["value"], data["placeholder"]) == ("Text A", "<b>as it is</b>", "type")
    assert data["maxCharacters"] == MAX_CHARACTERS


def test_a_submission_is_returned_once_and_unchanged(app: AppTest) -> None:
    assert app.session_state.submitted is None
    text = '  two\nlines, <img src=x> and "quotes" '
    click(app, "box", {"version": "box", "text": text})
    assert app.session_state.submitted == text
    app.run()
    assert app.session_state.submitted is None


def test_empty_text_is_a_submission_too(app: AppTest) -> None:
    click(app, "box", {"version": "box", "text": ""})
    assert app.session_state.submitted == ""


@pytest.mark.parametrize("text", [None, 3, ["a"]])
def test_what_is_no_text_is_dropped(text: object) -> None:
    assert submitted_text({"select": {"version": "box", "text": text}}, "box") is None


def test_a_submission_of_another_field_is_dropped_and_a_huge_one_is_bounded() -> None:
    event = {"select": {"version": "box", "text": "x" * (MAX_CHARACTERS + 5)}}
    assert submitted_text(event, "other") is None
    assert submitted_text(event, "box") == "x" * MAX_CHARACTERS
