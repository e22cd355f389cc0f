"""One server, one browser and one tab for all browser tests, and what every test forbids.

The server starts as ``make app`` starts it, on a free port, with a model hub that refuses every connection. Streamlit's
and Plotly's scripts are megabytes: a tab that has compiled them once opens the next page in a fraction of the time that
a fresh browser context takes, so a test gets the shared tab, emptied of what it remembers, unless it asks for a context
of its own. A test fails when a page asks another host for anything, throws, or writes an error to the console.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

import glassbert as gb
from components.shell.navigation import PAGES
from tests.browser.workbench import Workbench

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "test-results"
START_SECONDS = 120
#: Streamlit's own script, on a page below "/", first asks below that page whether the server is there, and gets a 404.
STREAMLIT_SEEKS_ITS_SERVER = re.compile(r"^http://localhost:\d+/[a-z_]+/_stcore/(health|host-config)$")
SCREEN = {"width": 1440, "height": 900}

Open = Callable[..., Workbench]
NewContext = Callable[..., BrowserContext]

_failed = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[_failed] = report.failed
    return report


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_server(folder: Path) -> Iterator[str]:
    """The app as ``make app`` starts it; its address. What it writes goes to ``folder``."""
    port = free_port()
    environment = os.environ | {
        "CI": "1",  # opens no browser by itself
        "HF_HOME": str(folder / "hub"),
        "HF_ENDPOINT": f"http://127.0.0.1:{free_port()}",  # nobody listens there
        "no_proxy": "*",
    }
    command = [sys.executable, "scripts/serve.py", "--host", "localhost", "--port", str(port)]
    log = folder / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        address = f"http://localhost:{port}"
        _wait_until_healthy(server, address, log)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_healthy(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    pytest.fail(f"the server did not come up at {address}:\n{log.read_text()}")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the app."""
    with running_server(tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    named = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not named:
        pytest.fail("no Chromium: `make browser` finds or installs one, or set CHROMIUM to the path of one")
    chromium = playwright.chromium.launch(
        executable_path=named,
        # without a GPU, emulating one to compose the page costs as much as all of its scripts
        args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-gpu"],
    )
    yield chromium
    chromium.close()


class Watch:
    """What went wrong in the browser so far: requests to other hosts, page errors, console errors."""

    def __init__(self) -> None:
        self.wrongs: list[str] = []

    def over(self, context: BrowserContext) -> None:
        context.on("request", lambda request: self._request(request.url))
        context.on("weberror", lambda error: self.wrongs.append(f"page error: {error.error}"))
        context.on("console", self._console)

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "localhost":
            self.wrongs.append(f"request to another host: {url}")

    def _console(self, message: Any) -> None:
        url = message.location.get("url") or ""
        if message.type == "error" and not STREAMLIT_SEEKS_ITS_SERVER.search(url):
            self.wrongs.append(f"console error: {message.text} ({url})")


@pytest.fixture(scope="session")
def watch() -> Watch:
    return Watch()


@pytest.fixture(autouse=True)
def _nothing_goes_wrong_in_the_browser(
    browser: Browser, watch: Watch, new_context: NewContext, request: pytest.FixtureRequest
) -> Iterator[None]:
    """Fail a test for what happened in its pages, and keep pictures of them before ``new_context`` closes them."""
    del new_context  # asked for so that it ends after this
    watch.wrongs.clear()
    yield
    pages = [page for context in browser.contexts for page in context.pages]
    for page in pages:
        page.evaluate("0")  # a round trip: what the browser reported before is in by now
    if request.node.stash.get(_failed, True) or watch.wrongs:
        _photograph(pages, request.node.nodeid)
    assert watch.wrongs == []


def _photograph(pages: list[Page], test: str) -> None:
    RESULTS.mkdir(exist_ok=True)
    name = re.sub(r"\W+", "-", test.rpartition("/")[2]).strip("-")[:120]
    for number, page in enumerate(pages):
        page.screenshot(path=RESULTS / f"{name}-{number}.png")


@contextmanager
def _contexts(browser: Browser, watch: Watch) -> Iterator[NewContext]:
    made: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(
            **{"viewport": SCREEN, "color_scheme": "light", "reduced_motion": "reduce"} | options
        )
        context.set_default_timeout(20_000)
        watch.over(context)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@pytest.fixture
def new_context(browser: Browser, watch: Watch) -> Iterator[NewContext]:
    """Make browser contexts with nothing remembered, closed when the test is over."""
    with _contexts(browser, watch) as make:
        yield make


@pytest.fixture(scope="session")
def shared_context(browser: Browser, watch: Watch) -> Iterator[BrowserContext]:
    with _contexts(browser, watch) as make:
        yield make()


@pytest.fixture(scope="session")
def tab(shared_context: BrowserContext) -> Page:
    return shared_context.new_page()


@pytest.fixture(scope="session")
def pretrained() -> gb.Model:
    """The oracle: the library in this process, not in the server."""
    return gb.load("pretrained", "cpu")


@pytest.fixture(scope="session")
def sentiment() -> gb.Model:
    return gb.load("sentiment", "cpu")


@pytest.fixture
def open_page(server: str, tab: Page, new_context: NewContext) -> Open:
    """``open_page("attention", text="…", layer=2)``: a page, by the link of a view, in the shared tab with nothing
    remembered; with ``context={…}`` in a browser context of its own. Where a test does not say, saliency is by the
    method of one pass (integrated gradients take dozens), attention is the main model's, and no verdict is computed in
    the background."""

    def open_view(page_id: str = "workbench", *, context: dict[str, Any] | None = None, **view: object) -> Workbench:
        if context is None:
            page = tab
            page.set_viewport_size(SCREEN)
            if page.url.startswith(server):
                page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        else:
            page = new_context(**context).new_page()
        bench = Workbench(page, server)
        bench.open(bench.link(page_id, **{"method": "input_x_gradient", "shown_model": "model", "verdict": 0} | view))
        expect(page.get_by_role("heading", level=1, name=PAGES[page_id].title)).to_be_visible()
        bench.expect_no_failure()
        return bench

    return open_view


@pytest.fixture(scope="module")
def _module_workbench(server: str, shared_context: BrowserContext) -> Iterator[Workbench]:
    page = shared_context.new_page()
    yield Workbench(page, server).open(method="input_x_gradient", shown_model="model", verdict=0)
    page.close()


@pytest.fixture
def shared_workbench(_module_workbench: Workbench) -> Workbench:
    """One workbench for all tests of a module, because a new text in it takes a fraction of the time that opening it
    takes: each test says its own text, and none relies on what another left."""
    return _module_workbench.to_front()
