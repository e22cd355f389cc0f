"""The Data set page on analyses of every kind, as the command line leaves them: sections and rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from components import address
from components.gateway.runs import store
from components.views.data_set.fields import SECTIONS
from tests.glassbert.analysis.folders import write_folder
from tests.pages.workbench import as_read, page, parameters, run, tokens

HOSTILE = "<script>alert(1)</script> ![x](http://x.example/y) :red[z]"
MARKUP = re.compile(r"(?<!\\)(<script|!\[x|:red\[z)")
KINDS: dict[str, dict[str, Any]] = {
    "two_classes": {"labels": ("NEGATIVE", HOSTILE), "shortcut": 0.2, "copies": 0.1, "flipped": 0.1},
    "multi_label": {"kind": "multi_label", "labels": ("a", HOSTILE, "c")},
    "regression": {"kind": "regression", "labels": ("stars",)},
    "unfinished_without_methods": {"methods": (), "receipts": 0.0, "states": False, "complete": False},
    "two_rows": {"rows": 2},
}


def run_of(folder: Path, name: str = "made.csv") -> str:
    """A run that shows this result folder."""
    return store.create(name, "", None, work="analysis", base="sentiment", folder=str(folder), started=True)


def rows_of(app: AppTest) -> pd.DataFrame:
    """The table of rows, the last on the page."""
    return app.dataframe[-1].value


@pytest.mark.parametrize("kind", KINDS)
def test_every_section_opens_and_no_name_is_markup(kind: str, tmp_path: Path) -> None:
    write_folder(tmp_path / "made", **{"rows": 150, "bad_rows": (1,)} | KINDS[kind])
    made = run_of(tmp_path / "made", HOSTILE)
    try:
        for section in SECTIONS:
            app = page("data_set", run=made, section=section, row="1")
            texts = [one for name in ("Text", "Error") if name in rows_of(app) for one in rows_of(app)[name]]
            assert "nan" not in texts, section
            assert not [*app.error, *app.warning], section
            for element in [*app.markdown, *app.caption, *app.info]:
                assert not MARKUP.search(element.value), section
    finally:
        store.delete(made)


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("analysed") / "reviews"
    write_folder(folder, 1200, bad_rows=(3, 1100))
    made = run_of(folder)
    yield made
    store.delete(made)


@pytest.fixture(scope="module")
def table(reviews: str) -> pd.DataFrame:
    """The stored answers as pandas reads them: the slow way."""
    request = store.request_of(reviews)
    assert request is not None
    parts = sorted(Path(request.folder).glob("predictions-*.parquet"))
    return pd.concat([pd.read_parquet(part) for part in parts], ignore_index=True)


def test_a_filter_leaves_its_rows_in_order_and_another_window_shows_the_same(reviews: str, table: pd.DataFrame) -> None:
    app = page("data_set", run=reviews)
    assert list(rows_of(app)["Row"]) == list(table["row"][:50])
    assert list(rows_of(page("data_set", run=reviews, offset="99999"))["Row"]) == list(table["row"][:50])
    (field,) = [box for box in app.text_input if box.label == "Filter"]
    field.set_value('"country":FR wrong')
    run(app)
    expected = table[table["right"].eq(False) & table["meta_0"].eq("FR")]
    assert f"{len(expected):,} rows" in [one.value for one in app.subheader]
    (order,) = [box for box in app.selectbox if box.label == "Order"]
    order.select("confidence")
    run(app)
    app.toggle[0].set_value(True)
    run(app)
    ordered = expected["confidence"].sort_values(ascending=False)[:50]
    np.testing.assert_allclose(rows_of(app)["Sure"], 100 * ordered, rtol=1e-6)
    again = page("data_set", **parameters(app))
    assert list(rows_of(again)["Row"]) == list(rows_of(app)["Row"])


def test_the_pages_of_a_row_are_opened_with_its_text(reviews: str, table: pd.DataFrame) -> None:
    chosen = int(table.index[table["right"].notna()][7])
    app = page("data_set", run=reviews, row=str(chosen))
    assert [token["text"] for token in tokens(app, "chosen_words")] == str(table["text"][chosen]).split()
    # the menu has the same names
    links = {link.proto.label: link.proto.query_string for link in app.main.get("page_link")}
    for name in ("What if", "Saliency", "Workbench"):
        view = address.unpacked({key: value[0] for key, value in parse_qs(links[name]).items()})
        assert (view["text"], view["model"]) == (table["text"][chosen], "sentiment")


def test_a_row_that_could_not_be_read_says_why(reviews: str) -> None:
    app = page("data_set", run=reviews, row="3", where="error")
    assert list(rows_of(app)["Row"]) == [5, 1102]
    assert "Error: the text is empty" in as_read("\n".join(one.value for one in app.caption))
