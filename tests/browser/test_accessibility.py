"""axe-core, the checker behind most accessibility audits, finds nothing serious on any page, light or dark."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page

from components.shell.navigation import PAGES
from tests.browser.conftest import Open

#: WCAG 2.1, levels A and AA, outside frames: BertViz's own pages are not ours.
RUN = """() => axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], iframes: false, resultTypes: ["violations"],
})"""


@cache
def axe() -> str:
    """Its script, from a package that does nothing but carry it."""
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """What is serious or critical: rule, element, and what is wrong with it."""
    page.evaluate(axe())
    found: list[dict[str, Any]] = page.evaluate(RUN)["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['html'][:120]} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("page_id", PAGES)
def test_nothing_serious(page_id: str, open_page: Open) -> None:
    """The theme follows the browser's, which changes while the page is open."""
    bench = open_page(page_id)
    wrong = violations(bench.page)
    try:
        bench.page.emulate_media(color_scheme="dark")
        bench.until(
            lambda: bench.page.evaluate("getComputedStyle(document.querySelector('.stApp')).colorScheme") == "dark",
            lambda: "the theme does not follow the browser's",
        )
        bench.settle()
        wrong += [f"dark: {one}" for one in violations(bench.page)]
    finally:
        bench.page.emulate_media(color_scheme="light")
    assert wrong == []


def test_the_checker_finds_a_fault(open_page: Open) -> None:
    bench = open_page("models")
    # beside the app, above all of it: a run of the page that is still under way cannot take it away again
    bench.page.evaluate("""() => {
        const faint = document.createElement("p");
        faint.id = "faint";
        faint.textContent = "You can hardly read this.";
        faint.style.cssText = `color: #bbb; background: #fff; font-size: 14px;
            position: fixed; top: 0; left: 0; z-index: 2147483647`;
        document.body.append(faint);
    }""")
    assert any(one.startswith("color-contrast: ['#faint']") for one in violations(bench.page))
    bench.page.reload()
