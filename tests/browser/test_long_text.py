"""A text longer than the model reads, in the running app: coloured as a whole, a word leads to its window."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open

GOOD, BAD = "The room was lovely and the staff were kind. ", "The soup was dreadful. "
LONG = (GOOD * 80 + BAD + GOOD * 40).strip()


@pytest.mark.slow
def test_a_long_text_is_a_map_whose_strongest_word_leads_to_its_window(open_page: Open) -> None:
    bench = open_page("saliency", text="Short.", whole_by="input_x_gradient")
    bench.type(LONG)
    expect(bench.part("window_bar")).to_contain_text(re.compile(r"Window 1 of \d+"))
    body = bench.page.get_by_test_id("long-text-body")
    start = bench.part("explain_whole_start")
    expect(body.or_(start)).to_be_visible(timeout=60_000)
    if start.is_visible():
        start.get_by_role("button").click()
    expect(body).to_contain_text("The soup was dreadful", timeout=60_000)
    assert body.evaluate("node => node.scrollTop") == 0
    bench.page.get_by_role("button", name="The next word, by strength").click()
    strongest = bench.page.get_by_test_id("long-text-strongest")
    expect(strongest).to_contain_text(re.compile(r"1 of \d+: “\w+” [+−]"))
    word = strongest.inner_text().split("“")[1].split("”")[0]
    bench.page.get_by_role("button", name="Show its window").click()
    expect(bench.part("row_input_x_gradient").get_by_role("option", selected=True)).to_have_text(word.lower())
    field = bench.field()
    expect(field).to_have_value(LONG)
    box = bench.page.get_by_test_id("long-text-map").bounding_box()
    assert box is not None
    body.evaluate("node => (node.scrollTop = 0)")
    bench.page.mouse.click(box["x"] + 10, box["y"] + box["height"] * 0.4)
    assert body.evaluate("node => node.scrollTop") > 100
