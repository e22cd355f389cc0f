"""A server that has just started, and several visitors at once."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import NewContext, running_server
from tests.browser.workbench import Workbench


def test_several_tabs_on_a_cold_server(tmp_path: Path, new_context: NewContext) -> None:
    """The heavy imports run in whichever visitor's thread comes first; all of them must come up."""
    with running_server(tmp_path) as address:
        context = new_context()
        tabs = [Workbench(context.new_page(), address) for _ in range(2)]
        for number, tab in enumerate(tabs):
            tab.page.goto(f"{address}/?text=Visitor+{number}", wait_until="commit")
        for number, tab in enumerate(tabs):
            expect(tab.tokens("saliency")).to_have_count(4, timeout=90_000)
            expect(tab.tokens().nth(2)).to_have_text(str(number))
            tab.expect_pictures()
        for tab in tabs:
            tab.page.close()
