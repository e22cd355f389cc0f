"""The Saliency page in a browser: press once, rows arrive, one selection, a broken one fails."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Open


def test_rows_arrive_follow_one_selection_and_a_broken_one_fails(open_page: Open) -> None:
    bench = open_page("saliency", text="It was not bad at all.", methods="saliency occlusion", token="-1")
    bench.page.get_by_role("button", name="Explain", exact=True).click()
    expect(bench.page.get_by_text("All 2 methods are computed")).to_be_visible(timeout=60_000)
    for key in ("row_saliency", "row_occlusion"):
        expect(bench.tokens(key)).to_have_count(9)
    bench.tokens("row_saliency").nth(4).click()
    bench.expect_parameters(token="4")
    for key in ("row_saliency", "row_occlusion"):
        expect(bench.tokens(key).nth(4)).to_have_attribute("aria-selected", "true")
    bench.page.get_by_text("Receipt:").first.click()
    expect(bench.page.get_by_text("random orderings of the same tokens").first).to_be_visible()
    bench.expect_no_failure()
    bench.page.get_by_role("radio", name="Broken examples").or_(
        bench.page.get_by_role("button", name="Broken examples")
    ).first.click()
    expect(bench.page.get_by_text("Broken on purpose")).to_be_visible(timeout=60_000)
    expect(bench.page.get_by_text("fail").first).to_be_visible()
    bench.expect_no_failure()
