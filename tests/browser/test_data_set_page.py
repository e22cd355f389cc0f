"""A whole data set in a browser: from a file to a row that is edited, and back to the same rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import expect

import glassbert as gb
from components.gateway.runs import store
from tests.browser.conftest import Open

#: Of the start and end of an analysis, beside other tests on two cores.
SECONDS = 90_000
ROWS = [
    ("I loved every minute of it.", "positive", "DE"),
    ("A dull and tedious film.", "negative", "FR"),
    ("The acting is superb.", "positive", "DE"),
    ("It is awful and I was bored.", "positive", "FR"),  # planted: the label is wrong
    ("I want my two hours back.", "negative", "DE"),
]


@pytest.fixture
def _no_runs_are_left() -> Iterator[None]:
    yield
    for run, _ in list(store.listing()):
        store.delete(run)


@pytest.mark.usefixtures("_no_runs_are_left")
def test_from_a_file_to_a_wrong_answer_in_what_if_and_back(open_page: Open, tmp_path: Path) -> None:
    file = tmp_path / "films.csv"
    pd.DataFrame(ROWS * 4, columns=["text", "label", "country"]).to_csv(file, index=False)
    bench = open_page("data_set")
    page = bench.page
    page.locator('input[type="file"]').set_input_files(file)
    expect(page.get_by_text("20 texts, with labels in the column label.")).to_be_visible(timeout=SECONDS)
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(page.get_by_text("of 20 labelled texts")).to_be_visible(timeout=SECONDS)
    run = bench.parameters()["run"]
    request = store.request_of(run)
    assert request is not None
    analysis = gb.open_analysis(store.analysis_folder(run, request))
    wrong = analysis.count("wrong")
    assert wrong >= 4

    # the cell of what is labelled positive and answered negative
    cell = page.locator(".st-key-most_confused button")
    cell.click()
    expect(page.get_by_role("heading", name=re.compile(r"^\d+ rows$"))).to_have_text(
        f"{analysis.count('label:POSITIVE answer:NEGATIVE')} rows"
    )
    assert bench.parameters()["where"] == 'label:"POSITIVE" answer:"NEGATIVE"'
    expect(page.get_by_role("textbox", name="Filter")).to_have_value('label:"POSITIVE" answer:"NEGATIVE"')

    table = page.get_by_test_id("stDataFrame").last
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 16, box["y"] + 35 + 17)  # the box before the first row
    expect(page.locator(".st-key-chosen_row")).to_be_visible()
    expect(page.locator(".st-key-chosen_row")).to_contain_text("It is awful and I was bored.")
    row = bench.parameters()["row"]
    page.locator(".st-key-chosen_row").get_by_role("link", name="What if").click()
    expect(page.get_by_role("heading", level=1, name="What if")).to_be_visible()
    bench.settle()
    assert bench.parameters()["text"] == "It is awful and I was bored."
    assert bench.parameters()["model"] == "sentiment"
    page.go_back()
    expect(page.locator(".st-key-chosen_row")).to_contain_text("It is awful and I was bored.")
    assert bench.parameters()["row"] == row
    assert bench.parameters()["where"] == 'label:"POSITIVE" answer:"NEGATIVE"'

    with page.expect_download() as download:
        page.get_by_role("button", name="These rows as CSV").click()
    saved = pd.read_csv(download.value.path())
    assert set(saved["text"]) == {"It is awful and I was bored."}
