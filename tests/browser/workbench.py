"""The workbench as a visitor sees it: where things are on the page, and what a visitor does with them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Self
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Locator, Page, expect

from components import address
from components.shell.navigation import PAGES

expect.set_options(timeout=15_000)

#: The keys of the three panels' pictures, in reading order.
PICTURES = ("heads", "heatmap", "strip", "saliency", "saliency_bars")


class Workbench:
    """One browser page with the workbench in it."""

    def __init__(self, page: Page, server: str) -> None:
        self.page = page
        self.server = server

    # --- what a visitor does --------------------------------------------------------------------------------

    def link(self, page_id: str = "workbench", **view: object) -> str:
        """The address of a page that shows this view; the expert one, which names what is computed."""
        return f"{self.server}/{'' if page_id == 'workbench' else page_id}?{urlencode({'expert': 1} | view)}"

    def open(self, address: str = "", **view: object) -> Self:
        """Open an address, or the workbench of a view, and wait until the first run is over."""
        self.to_front().page.goto(address or self.link(**view))
        self.settle()
        return self

    def to_front(self) -> Self:
        """Bring the tab before the others: one behind them is drawn about once a second, for which each click waits."""
        self.page.bring_to_front()
        return self

    def open_page(self, page_id: str, **view: object) -> Self:
        """Open the link of a page, with the fields that are its own."""
        self.open(self.link(page_id, **view))
        expect(self.page.get_by_role("heading", level=1, name=PAGES[page_id].title)).to_be_visible()
        self.settle()
        return self

    def go_to(self, page_id: str) -> None:
        """Choose a page in the menu."""
        title = PAGES[page_id].title
        self.page.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True).click()
        expect(self.page.get_by_role("heading", level=1, name=title)).to_be_visible()
        self.settle()

    def settle(self) -> None:
        """Wait until no run is going on. A run that a click starts begins later: expect its content instead."""
        self.page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=60_000)

    def type(self, text: str, *, label: str = "Text A") -> None:
        """Replace the text of a field and press Enter."""
        field = self.field(label)
        field.fill(text)
        field.press("Enter")

    def choose(self, label: str, option: str | re.Pattern[str]) -> None:
        """Pick an option of a selectbox."""
        box = self.combobox(label)
        box.click()
        if isinstance(option, str):  # a long list holds only what is in sight
            box.press_sequentially(option)
        self.page.get_by_role("option", name=option, exact=isinstance(option, str)).click()

    def open_example(self, label: str) -> None:
        self.part("examples").get_by_role("radio", name=label, exact=True).click()

    def type_pair(self, text: str) -> None:
        """Open the field of text B if it is not there, and type into it."""
        if not self.field("Text B").is_visible():
            self.part("add_pair").get_by_role("button").click()
        self.type(text, label="Text B")

    def choose_model(self, label: str, source: str) -> None:
        """Choose a model in the dialog by what is typed there, and open it."""
        self.part("models").get_by_role("button").click()
        box = self.page.get_by_role("dialog").get_by_role("combobox", name=label)
        box.click()
        box.fill(source)
        box.press("Enter")
        self.part("open_models").get_by_role("button").click()
        expect(self.page.get_by_role("dialog")).to_have_count(0)

    def show_special_tokens(self) -> None:
        """Press the switch, under *View*."""
        self.part("display").get_by_role("button").click()
        self.page.locator(".st-key-widget_special label").click()
        self.page.keyboard.press("Escape")

    def tab_to(self, wanted: Locator) -> None:
        """Press Tab until the element has the focus."""
        self.page.get_by_role("heading", level=1).click()
        for _ in range(60):
            self.page.keyboard.press("Tab")
            if wanted.evaluate("(node) => node.getRootNode().activeElement === node"):
                return
        raise AssertionError("the Tab key does not reach it")

    def select_token(self, index: int, *, strip: str = "strip") -> None:
        self.tokens(strip).nth(index).click()

    def open_head(self, layer: int, head: int) -> None:
        self.head(layer, head).click()

    def point_into_heatmap(self, across: float, down: float) -> None:
        """Move the pointer over the heatmap, in shares of its width and height with the labels."""
        box = self.page.get_by_test_id("attention-heatmap-canvas").bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])

    # --- what a visitor sees --------------------------------------------------------------------------------

    def part(self, key: str) -> Locator:
        """The element of a widget, component or chart by its key, without the one that it is about to replace."""
        return self.page.locator(f'.st-key-{key}:not([data-retained="true"])')

    def control(self, name: str) -> Locator:
        """The element of a widget that shows a value: its key is followed by what makes it another one."""
        return self.page.locator(f'[class*="st-key-{name}"]:not([data-retained="true"])')

    def field(self, label: str = "Text A") -> Locator:
        return self.page.get_by_role("textbox", name=label)

    def combobox(self, label: str) -> Locator:
        return self.page.get_by_role("combobox", name=label, exact=True)

    def tokens(self, strip: str = "strip") -> Locator:
        return self.part(strip).get_by_test_id("token-strip-token")

    def selected(self, strip: str = "strip") -> Locator:
        return self.part(strip).locator('[data-testid="token-strip-token"][aria-selected="true"]')

    def heatmap(self) -> Locator:
        return self.page.get_by_test_id("attention-heatmap")

    def readout(self) -> Locator:
        return self.page.get_by_test_id("attention-heatmap-readout")

    def head(self, layer: int, head: int) -> Locator:
        return self.page.locator(f'[data-testid="heads-map-cell"][data-layer="{layer}"][data-head="{head}"]')

    def open_heads(self) -> Locator:
        return self.page.locator('[data-testid="heads-map-cell"][aria-selected="true"]')

    def bars(self, key: str) -> Locator:
        """The names of a bar chart's rows."""
        return self.part(key).locator(".ytick text")

    def shares(self, key: str) -> Locator:
        """The numbers at a bar chart's bars."""
        return self.part(key).locator(".bartext")

    def panel(self, title: str) -> Locator:
        """A column of the page, by its heading."""
        heading = self.page.get_by_role("heading", name=title, exact=True)
        return self.page.get_by_test_id("stColumn").filter(has=heading)

    def main(self) -> Locator:
        return self.page.get_by_test_id("stMain")

    def parameters(self) -> dict[str, str]:
        """The view in the address bar, unpacked, apart from who it is for."""
        found = parse_qs(urlsplit(self.page.url).query)
        return address.unpacked({name: values[0] for name, values in found.items() if name != "expert"})

    # --- what a visitor may rely on -------------------------------------------------------------------------

    def expect_parameters(self, **expected: str) -> None:
        """The address says exactly this, apart from what it says by staying silent."""
        for name, value in expected.items():
            expect(self.page).to_have_url(re.compile(rf"[?&]{re.escape(urlencode({name: value}))}(&|$)"))

    def expect_pictures(self) -> None:
        """All three panels are there, and nothing on the page says that something broke."""
        for key in PICTURES:
            expect(self.part(key)).to_be_visible()
        expect(self.part("saliency_bars").locator(".main-svg").first).to_be_visible()
        self.expect_no_failure()

    def expect_no_failure(self) -> None:
        """No run ended in an exception, which Streamlit would show in a box."""
        expect(self.page.get_by_test_id("stException")).to_have_count(0)
        expect(self.page.get_by_role("dialog")).to_have_count(0)

    def expect_selected(self, index: int) -> None:
        """One token is selected: in the strip, in the heatmap, in the saliency."""
        for strip in ("strip", "saliency"):
            expect(self.selected(strip)).to_have_count(1)
            expect(self.selected(strip)).to_have_attribute("data-index", str(index))
        expect(self.heatmap()).to_have_attribute("data-selected", str(index))

    def expect_nothing_selected(self) -> None:
        for strip in ("strip", "saliency"):
            expect(self.selected(strip)).to_have_count(0)
        expect(self.heatmap()).to_have_attribute("data-selected", "")

    def until(self, condition: Callable[[], bool], complaint: Callable[[], str], seconds: float = 15.0) -> None:
        """Wait for what no single element shows."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, complaint()
            self.page.wait_for_timeout(50)

    def expect_painted(self, canvas: Locator) -> None:
        """A canvas has more than a few colours."""
        expect(canvas).to_be_visible()
        handle = canvas.element_handle()
        self.page.wait_for_function(
            """(canvas) => {
                const { width, height } = canvas;
                const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
                const colours = new Set();
                for (let i = 0; i < data.length; i += 4) colours.add(data.subarray(i, i + 3).join());
                return colours.size > 20;
            }""",
            arg=handle,
        )
