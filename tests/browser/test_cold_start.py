"""A server that has just started, and visitors who do not wait."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewContext, running_server
from tests.browser.workbench import Workbench

#: Python runs this at its start. An import of pandas beside that of the library pauses in its middle until the test has
#: seen what that does to another visitor's charts; without a pause, it meets a few visitors in a hundred.
SLOW_PANDAS = """
import os, sys, time

def pause(event, arguments):
    if event == "import" and arguments[0] == "pandas.core.api" and "glassbert.public" in sys.modules:
        while not os.path.exists({seen!r}):
            time.sleep(0.1)

sys.addaudithook(pause)
"""


@pytest.mark.slow
def test_impatient_visitors_of_a_cold_server(
    tmp_path: Path, new_context: NewContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One clicks on before the first page has what it needs, the other opens a page that imports something else."""
    seen = tmp_path / "seen"
    (tmp_path / "sitecustomize.py").write_text(SLOW_PANDAS.format(seen=str(seen)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with running_server(tmp_path) as address:
        context = new_context()
        first, second = (Workbench(context.new_page(), address) for _ in range(2))
        first.to_front().page.goto(f"{address}/?text=Visitor+0&method=occlusion", wait_until="commit")
        for page in ("Attention", "Workbench"):
            first.page.get_by_test_id("stSidebar").get_by_role("link", name=page, exact=True).click(timeout=60_000)
            expect(first.page.get_by_role("heading", level=1, name=page)).to_be_visible(timeout=60_000)
        second.page.goto(f"{address}/inputs?text=Visitor+1", wait_until="commit")
        expect(first.tokens("saliency")).to_have_count(4, timeout=90_000)
        first.expect_pictures()
        first.expect_no_failure()
        seen.touch()
        second.to_front()
        second.page.get_by_test_id("stSidebar").get_by_role("link", name="Workbench", exact=True).click(timeout=60_000)
        for number, tab in enumerate((first, second)):
            tab.to_front()
            expect(tab.tokens("saliency")).to_have_count(4, timeout=90_000)
            expect(tab.tokens().nth(2)).to_have_text(str(number))
            tab.expect_pictures()
            tab.expect_no_failure()
            tab.page.close()
