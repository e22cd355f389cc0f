"""A view leaves one browser and is the same in another: by a link, by a file; and pictures and tables as files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pandas as pd
import pytest
from playwright.sync_api import Locator, expect

import glassbert as gb
from components.examples import EXAMPLES
from components.gateway.library import version
from tests.browser.conftest import NewContext, Open
from tests.browser.workbench import Workbench

#: 370 words, too many for a readable address.
ENGLISH = " ".join(example.text for example in ([*EXAMPLES.values()] * 5)[:44])


def words_of(bench: Workbench) -> list[str]:
    return bench.tokens("edit_sentence").all_text_contents()


def saved(button: Locator, path: Path) -> Path:
    """The file that a button downloads."""
    with button.page.expect_download() as download:
        button.click()
    download.value.save_as(path / download.value.suggested_filename)
    return path / download.value.suggested_filename


@pytest.mark.slow
def test_a_link_with_a_long_text_opens_the_same_elsewhere(
    open_page: Open, new_context: NewContext, server: str, tmp_path: Path
) -> None:
    bench = open_page("what_if", text=ENGLISH)
    bench.select_token(4, strip="edit_sentence")
    bench.type("fine", label=re.compile("^Replace “"))
    expect(bench.part("variant_1")).to_contain_text("fine")
    bench.settle()  # while the next run is on its way, the field is there twice
    bench.type("poor", label=re.compile("^Replace “"))
    bench.part("variant_2").get_by_role("button", name="Pin as A").click()
    expect(bench.part("variant_2")).to_contain_text("Pinned as A")
    variants = [bench.part(f"variant_{number}").inner_text() for number in range(3)]

    bench.part("share").get_by_role("button").click()
    dialog = bench.page.get_by_role("dialog")
    expect(dialog).to_contain_text("your variants of the text, and which are pinned as A and B")
    link = dialog.get_by_test_id("stCode").inner_text().strip()
    query = parse_qs(urlsplit(link).query)
    assert "z" in query
    assert "text" not in query
    assert len(urlsplit(link).query) < 3_000
    file = saved(dialog.get_by_role("button", name="View file"), tmp_path)
    assert json.loads(file.read_text(encoding="utf-8"))["parameters"]["text"] == ENGLISH
    bench.page.keyboard.press("Escape")

    other = Workbench(new_context().new_page(), server).open(link)
    for number, variant in enumerate(variants):
        expect(other.part(f"variant_{number}")).to_have_text(variant, use_inner_text=True)
    expect(other.field("Text A")).to_have_value(ENGLISH)
    assert words_of(other) == words_of(bench)
    expect(other.selected("edit_sentence")).to_have_attribute("data-index", "4")
    other.expect_no_failure()

    # and by the file, over whatever is open there
    other.open(f"{server}/?text=Something+else.&verdict=0&method=saliency")
    other.part("share").get_by_role("button").click()
    other.page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)
    expect(other.page.get_by_role("heading", level=1, name="What if")).to_be_visible()
    for number, variant in enumerate(variants):
        expect(other.part(f"variant_{number}")).to_have_text(variant, use_inner_text=True)
    expect(other.selected("edit_sentence")).to_have_attribute("data-index", "4")
    other.expect_no_failure()


def test_what_is_shown_is_saved(open_page: Open, sentiment: gb.Model, tmp_path: Path) -> None:
    text = "=The acting is superb."
    bench = open_page(text=text, explain="class", method="saliency")
    expect(bench.part("saliency_bars")).to_be_visible()
    button = bench.part("kept_saliency").get_by_role("button")
    bench.tab_to(button)
    bench.page.keyboard.press("Enter")
    popover = bench.page.get_by_test_id("stPopoverBody")
    expect(popover.get_by_test_id("stCode")).to_contain_text('gb.load("sentiment")')
    files = {
        name: saved(popover.get_by_role("button", name=name), tmp_path)
        for name in ("SVG", "PNG", "CSV", "Parquet", "Result")
    }
    assert files["SVG"].name == "glassbert-saliency-scores-the-acting-is-superb.svg"
    assert ElementTree.parse(files["SVG"]).getroot().tag.endswith("svg")
    assert files["PNG"].read_bytes().startswith(b"\x89PNG")
    expected = gb.attribute(sentiment, text, method="saliency")
    loaded = gb.load_result(files["Result"])
    assert loaded.scores.tolist() == pytest.approx(expected.scores.tolist(), rel=1e-4)
    tables = pd.read_csv(files["CSV"]), pd.read_parquet(files["Parquet"])
    for table in tables:
        assert table["score"].tolist() == pytest.approx(expected.scores.tolist(), rel=1e-4)
    assert [table["token"][1] for table in tables] == ["'=", "="]
    bench.page.keyboard.press("Escape")
    # a chart has a camera of its own
    bars = bench.part("saliency_bars")
    bars.locator(".js-plotly-plot").hover()
    chart = saved(bars.locator(".modebar-btn").first, tmp_path)
    assert chart.name == "glassbert-saliency-bars-the-acting-is-superb.svg"
    assert ElementTree.parse(chart).getroot().tag.endswith("svg")
    bench.expect_no_failure()


def test_a_link_of_another_version_says_so(open_page: Open) -> None:
    bench = open_page("inputs", text="The film was good.", made="0.0.1")
    expect(bench.main()).to_contain_text(f"made with GlassBERT 0.0.1; this is {version()}")
