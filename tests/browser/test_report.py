"""The report in a browser: made and downloaded in the app, then opened alone, without a network, and printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

import glassbert as gb
from tests.browser.conftest import NewContext, Open
from tests.browser.test_accessibility import violations

TEXT = "The story is thin, but the acting is superb and I loved it."
QUICK = {"methods": ["saliency"], "maps": 2, "budget": 20}
#: A4 less the margins of the style sheet, at 96 pixels an inch.
A4 = {"width": round(180 / 25.4 * 96), "height": round(266 / 25.4 * 96)}


def alone(context: BrowserContext, path: Path) -> tuple[Page, list[str]]:
    """The file in a tab that gets nothing else, and what it asked for nevertheless."""
    asked: list[str] = []

    def refuse(route: Route) -> None:
        if route.request.url == path.as_uri() or route.request.url.startswith("data:"):
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    page = context.new_page()
    page.route("**/*", refuse)
    page.goto(path.as_uri())
    return page, asked


@pytest.fixture(scope="module")
def short(sentiment: gb.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gb.report(sentiment, TEXT, **QUICK).save(tmp_path_factory.mktemp("reports") / "short.html")


@pytest.fixture(scope="module")
def tiny(tiny_checkpoint: Callable[..., Path]) -> gb.Model:
    return gb.load(tiny_checkpoint("bert", "classification"), "cpu")


@pytest.fixture
def _files_are_no_foreign_host(watch: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other browser tests allow the server alone."""
    seen: Callable[[str], None] = watch._request  # type: ignore[attr-defined]
    monkeypatch.setattr(watch, "_request", lambda url: None if url.startswith("file:") else seen(url))


@pytest.mark.usefixtures("_files_are_no_foreign_host")
def test_it_is_made_downloaded_and_opens_without_a_network(
    open_page: Open, new_context: NewContext, tiny_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tiny_checkpoint("bert", "classification")
    bench = open_page(text="The film was good.", model=folder, beside="", token=2, context={})
    before = bench.parameters()
    bench.page.get_by_role("button", name="Report", exact=True).click()
    dialog = bench.page.get_by_role("dialog")
    expect(dialog.get_by_text("decided about this text: its class")).to_be_visible()
    dialog.get_by_role("button", name="Make the report").click()
    button = dialog.get_by_role("button", name=re.compile("Download"))
    expect(button).to_be_visible(timeout=90_000)
    with bench.page.expect_download() as downloading:
        button.click()
    assert downloading.value.suggested_filename == "glassbert-report-the-film-was-good.html"
    path = tmp_path / "report.html"
    downloading.value.save_as(path)
    bench.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert bench.parameters() == before
    page, asked = alone(new_context(), path)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Why {folder.name} answered this")
    expect(page.locator("#summary")).to_contain_text("Do not trust this explanation")  # its weights are random
    assert str(folder.parent) not in path.read_text(encoding="utf-8")
    assert asked == []


@pytest.mark.usefixtures("_files_are_no_foreign_host")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_heads_are_chosen_by_a_click_and_axe_finds_nothing_serious(
    new_context: NewContext, short: Path, scheme: str
) -> None:
    page, asked = alone(new_context(color_scheme=scheme), short)
    panels = page.locator(".panel")
    expect(panels).to_have_count(2)
    expect(panels.nth(0)).to_be_visible()
    expect(panels.nth(1)).to_be_hidden()
    page.locator(".picker label").nth(1).click()
    expect(panels.nth(0)).to_be_hidden()
    expect(panels.nth(1)).to_be_visible()
    expect(page.locator("#summary .passage")).to_contain_text("superb")
    assert violations(page) == []
    assert asked == []


@pytest.mark.usefixtures("_files_are_no_foreign_host")
def test_the_first_page_of_the_print_is_the_summary(
    new_context: NewContext, tiny: gb.Model, short: Path, tmp_path: Path
) -> None:
    """Also of 300 words; and pictures are not wider than the paper."""
    long = " ".join(f"film {number % 10} was good" for number in range(75))
    path = gb.report(tiny, long, **QUICK).save(tmp_path / "long.html")
    for file in (short, path):
        page, _ = alone(new_context(viewport=A4), file)
        page.emulate_media(media="print")
        summary = page.locator("#summary").bounding_box()
        assert summary is not None
        assert 200 < summary["height"] <= A4["height"]
        assert page.evaluate("getComputedStyle(document.querySelector('#summary')).breakAfter") == "page"
        boxes = [one.bounding_box() for one in page.locator("svg").all()]
        assert len(boxes) == 3, "all maps are printed"
        assert all(box and box["x"] + box["width"] <= A4["width"] and box["height"] < A4["height"] for box in boxes)
        pages = re.findall(rb"/Type\s*/Page\b(?!s)", page.pdf(prefer_css_page_size=True))
        assert 5 <= len(pages) <= 30


@pytest.mark.usefixtures("_files_are_no_foreign_host")
def test_a_hostile_text_does_nothing(new_context: NewContext, tiny: gb.Model, tmp_path: Path) -> None:
    script = "<script>document.title='run'</script>"
    text = f'</style></title>{script}<img src=https://example.org/x onerror="x()"> \u202e good'
    path = gb.report(tiny, text, title=text, **QUICK).save(tmp_path / "hostile.html")
    page, asked = alone(new_context(), path)
    assert page.title() == text
    expect(page.locator("#summary .passage")).to_contain_text(script)
    assert page.locator("script, #summary img").count() == 0
    assert asked == []
