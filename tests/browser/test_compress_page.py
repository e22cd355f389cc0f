"""The page Compress as a visitor uses it: upload, compare recipes, keep one, open it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewContext
from tests.browser.workbench import Workbench

TEXTS = ("I loved it.,POSITIVE", "A warm film.,POSITIVE", "I hated it.,NEGATIVE", "A dull film.,NEGATIVE")


@pytest.mark.slow
def test_a_recipe_is_compared_kept_and_opened(server: str, new_context: NewContext) -> None:
    bench = Workbench(new_context().new_page(), server).open_page("compress", recipes="heads_20")
    main = bench.main()
    content = "\n".join(("text,label", *TEXTS)).encode()
    main.locator("input[type=file]").set_input_files({"name": "own.csv", "mimeType": "text/csv", "buffer": content})
    expect(main.get_by_text("4 texts are decided and 4 explained")).to_be_visible()
    main.get_by_role("button", name="Compress and compare").click()
    expect(main.get_by_text("Beside the original")).to_be_visible(timeout=120_000)
    expect(main.get_by_text(re.compile(r"\d of 4 answers change"))).to_be_visible()
    main.get_by_role("button", name="Keep this model").click()
    main.get_by_role("link", name="Open it").click(timeout=60_000)
    expect(bench.page.get_by_role("heading", level=1, name="Workbench")).to_be_visible()
    expect(bench.page).to_have_url(re.compile("model=.*heads-20"))
    expect(bench.part("answers").get_by_text(re.compile("POSITIVE|NEGATIVE")).first).to_be_visible()
