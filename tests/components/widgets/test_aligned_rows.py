from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from components.widgets.aligned_rows import DESELECTED, Cell, Row, aligned_rows, clicked_column
from tests.components.widgets.clicks import click, mounted


def rows_app() -> None:
    import streamlit as st

    from components.widgets.aligned_rows import Cell, Row, aligned_rows

    rows = [
        Row("words", "Words", "what stands between spaces", [Cell("play<i>ing", 1, 3), Cell("!", 3, 4)]),
        Row(
            "pieces",
            "Pieces",
            "entries of the vocabulary",
            [Cell("[CLS]", 0, 1, kind="special"), Cell("play", 1, 2, tone=0.123456, note="id 7"), Cell("ing", 2, 3)],
        ),
    ]
    st.session_state.clicked = aligned_rows(rows, key="rows", label="Steps", columns=4, selected=2, version="v1")


@pytest.fixture
def app() -> AppTest:
    app = AppTest.from_function(rows_app).run()
    assert not app.exception
    return app


def test_what_the_browser_gets(app: AppTest) -> None:
    data = json.loads(mounted(app, "rows").json)
    assert (data["version"], data["label"], data["columns"], data["selected"]) == ("v1", "Steps", 4, 2)
    words, pieces = data["rows"]
    assert (words["id"], words["label"], words["meaning"]) == ("words", "Words", "what stands between spaces")
    assert [(cell["text"], cell["from"], cell["to"]) for cell in words["cells"]] == [("play<i>ing", 1, 3), ("!", 3, 4)]
    assert [cell["kind"] for cell in pieces["cells"]] == ["special", "text", "text"]
    assert [cell["tone"] for cell in pieces["cells"]] == [None, 0.1235, None]
    assert pieces["cells"][1]["note"] == "id 7"


@pytest.mark.parametrize("index", [0, 3, DESELECTED])
def test_a_click_is_returned_once(app: AppTest, index: int) -> None:
    assert app.session_state.clicked is None
    click(app, "rows", {"version": "v1", "index": index})
    assert app.session_state.clicked == index
    app.run()
    assert app.session_state.clicked is None


@pytest.mark.parametrize("event", [{"version": "v0", "index": 1}, {"version": "v1", "index": 4}, {"version": "v1"}])
def test_a_click_on_other_rows_or_outside_is_dropped(event: dict[str, object]) -> None:
    assert clicked_column({"select": event}, "v1", 4) is None


@pytest.mark.parametrize("cell", [Cell("x", 0, 0), Cell("x", 3, 5), Cell("x", -1, 1)])
def test_a_cell_outside_the_columns_is_refused(cell: Cell) -> None:
    with pytest.raises(ValueError, match="outside 4 columns"):
        aligned_rows([Row("r", "R", "", [cell])], key="k", label="l", columns=4, selected=None, version="v")


def test_a_selection_outside_the_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="there are 4"):
        aligned_rows([], key="k", label="l", columns=4, selected=4, version="v")
