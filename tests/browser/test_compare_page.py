"""The Compare page in a browser: what fine-tuning changed, a head opened, and two texts side by side."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Open
from tests.browser.workbench import Workbench

TEXT = "It was not bad at all."


def compare(open_page: Open, **view: object) -> Workbench:
    return open_page("compare", **{"text": TEXT, "token": "-1"} | view)


def choice(bench: Workbench, name: str) -> Locator:
    """One part of a segmented control."""
    return bench.page.get_by_role("radio", name=name).or_(bench.page.get_by_role("button", name=name)).first


def test_what_fine_tuning_changed(open_page: Open) -> None:
    bench = compare(open_page)
    expect(bench.page.get_by_text("attends differently in the second").first).to_be_visible()
    expect(bench.page.get_by_text("they have no prediction task in common")).to_be_visible()
    choice(bench, "Attention").click()
    bench.expect_parameters(section="attention")
    expect(bench.part("difference_map").get_by_test_id("heads-map-canvas")).to_be_visible()
    bench.open_head(4, 5)
    bench.expect_parameters(layer="4", head="5")
    expect(bench.page.get_by_text("Layer 5, head 6", exact=True)).to_be_visible()
    for side in ("first", "second", "difference"):
        expect(bench.part(f"head_{side}").get_by_test_id("attention-heatmap-canvas")).to_be_visible()
    readout = bench.part("head_difference").get_by_test_id("attention-heatmap-readout")
    expect(readout).to_have_text("Hover over a cell to read its difference.")
    choice(bench, "Hidden states").click()
    expect(bench.part("cosines").locator(".heatmaplayer").first).to_be_visible()
    expect(bench.part("cka").locator(".heatmaplayer").first).to_be_visible()
    bench.page.locator('[data-testid="aligned-rows-cell"][data-row="pieces"]').nth(4).click()
    bench.expect_parameters(token="4")
    expect(bench.part("word_cosine")).to_be_visible()
    bench.expect_no_failure()


def test_two_texts(open_page: Open) -> None:
    bench = compare(open_page, text="It was good.", method="input_x_gradient", shown_model="beside", section="saliency")
    choice(bench, "Two texts on one model").click()
    expect(bench.page.get_by_text("Type a second text here")).to_be_visible()
    field = bench.field("Second text")
    field.fill("It was bad.")
    field.press("Enter")
    bench.expect_parameters(sides="texts", other_text="It was bad.")
    expect(bench.tokens("scores_second")).to_have_text(["[CLS]", "it", "was", "bad", ".", "[SEP]"])
    expect(bench.tokens("scores_difference").nth(3)).to_have_text("good → bad")
    bench.tokens("scores_difference").nth(3).click()
    bench.expect_parameters(token="3")
    for side in ("first", "second", "difference"):
        expect(bench.selected(f"scores_{side}")).to_have_attribute("data-index", "3")
    choice(bench, "Summary").click()
    expect(bench.page.get_by_text("The probability of").first).to_be_visible()
    bench.expect_no_failure()
