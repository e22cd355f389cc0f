"""Retakes the README's pictures in docs/ from the running app, so that they show it as it is: `make pictures`."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'


def _until_idle(page: Page) -> None:
    """The page's run is over, and nothing that it computes in the background is left."""
    for _ in range(3):  # a component's first message may start a run
        page.wait_for_selector(IDLE, timeout=120_000)
        page.wait_for_timeout(700)
    page.wait_for_function("() => !document.body.innerText.includes('Computing …')", timeout=120_000)
    page.wait_for_timeout(700)


def _explain(page: Page) -> None:
    page.get_by_role("button", name="Explain", exact=True).click()
    page.wait_for_selector("text=All 5 methods are computed", timeout=300_000)
    page.get_by_test_id("stMain").evaluate("(node) => node.scrollTo(0, 330)")


def _traced(page: Page) -> None:
    page.get_by_text("How much of the prediction each place restores").wait_for(timeout=120_000)
    _until_idle(page)
    page.get_by_test_id("stMain").evaluate("(node) => node.scrollTo(0, 420)")


def _trained(page: Page) -> None:
    """The teaching example, trained, and which words the model leans on from epoch to epoch."""
    page.get_by_role("button", name="Teaching example").click()
    page.get_by_role("button", name="Train", exact=True).click(timeout=120_000)
    page.get_by_text("Words over time", exact=True).click(timeout=900_000)
    page.get_by_text("How far to trust the words of the final model").wait_for(timeout=120_000)


def _scrolled(pixels: int) -> Callable[[Page], None]:
    def scroll(page: Page) -> None:
        page.get_by_test_id("stMain").evaluate(f"(node) => node.scrollTo(0, {pixels})")

    return scroll


def _analysed(page: Page) -> None:
    """The set of reviews is analysed; its words."""
    page.get_by_role("button", name="Film reviews and their rewrites").click()
    page.get_by_role("button", name="Analyse", exact=True).click(timeout=120_000)
    page.get_by_text("labelled texts").wait_for(timeout=600_000)
    page.get_by_text("Words", exact=True).click()
    page.get_by_text("How much each word adds").wait_for(timeout=60_000)


@dataclass(frozen=True, slots=True)
class Picture:
    """One page, with the fields of its address, what is done on it, and the window; two pixels for each."""

    page: str
    fields: dict[str, str]
    act: Callable[[Page], None] | None = None
    width: int = 1280
    height: int = 800


PICTURES = {
    "workbench": Picture("", {}, height=860),
    "attention": Picture("attention", {"section": "beyond"}),
    "saliency": Picture("saliency", {}, _explain),
    "masked-words": Picture(
        "masked_words", {"text": "The capital of France is [MASK].", "section": "lens", "words": "paris, london, rome"}
    ),
    "what-if": Picture(
        "what_if",
        {
            "text": "The plot is thin but the acting is superb.",
            "section": "tracing",
            "other_text": "The plot is thin but the acting is awful.",
        },
        _traced,
    ),
    "compare": Picture("compare", {"section": "attention"}),
    "entities": Picture(
        "entities",
        {"text": "Chelsea lives in Chelsea and supports Chelsea.", "entity": "2", "method": "integrated_gradients"},
        _scrolled(60),
    ),
    "answers": Picture(
        "question_answering",
        {
            "text": "When did the bank refund the fee?",
            "pair": "Maria Lopez was charged a fee of twelve dollars in March. She complained to the bank, and the "
            "bank refunded the fee on Tuesday.",
            "method": "integrated_gradients",
        },
    ),
    "data-set": Picture("data_set", {}, _analysed, height=860),
    "fine-tune": Picture("fine_tuning", {}, _trained),
    "phone": Picture("", {}, width=400, height=850),
}


@contextmanager
def _served() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    runs = tempfile.mkdtemp(prefix="glassbert-runs-")
    command = [sys.executable, "scripts/serve.py", "--host", "localhost", "--port", str(port)]
    environment = os.environ | {"CI": "1", "GLASSBERT_RUNS": runs}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                urlopen(f"http://localhost:{port}/_stcore/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(runs, ignore_errors=True)


def _take(browser: Browser, address: str, name: str, picture: Picture) -> None:
    page = browser.new_page(
        viewport={"width": picture.width, "height": picture.height},
        device_scale_factor=1.25,
        color_scheme="light",
        reduced_motion="reduce",
    )
    page.goto(f"{address}/{picture.page}?{urlencode(picture.fields)}")
    _until_idle(page)
    if picture.act is not None:
        picture.act(page)
        _until_idle(page)
    page.screenshot(path=ROOT / "docs" / f"{name}.png")
    page.close()


def main(names: list[str]) -> None:
    """Take the pictures of these names, or all."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        raise SystemExit("The pictures need Chromium. Name one: CHROMIUM=/path/to/chrome")
    with _served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name in names or PICTURES:
            _take(browser, address, name, PICTURES[name])
            print(f"docs/{name}.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
