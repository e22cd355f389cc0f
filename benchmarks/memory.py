"""How much memory does the server hold, and does it give it back?

Resident memory (VmRSS) after each step in one browser session: the first page, a text of 24 tokens, one of 512, then 20
different texts of 512, then the short one again. Caches are bounded, so the 20 must not add up.

    python benchmarks/memory.py [--texts 20]
"""

from __future__ import annotations

import argparse
import time

from _app import READY, browser, open_page, run_app
from _texts import text_of
from _timing import machine, table
from playwright.sync_api import Page

import glassbert as gb


def show(page: Page, text: str, marker: str) -> None:
    """Enter a text and wait until the saliency, the last panel, shows it."""
    field = page.get_by_label("Text A")
    field.fill(text)
    field.press("Enter")
    for key in ("strip", "saliency"):
        page.locator(f'.st-key-{key} [data-testid="token-strip-token"]', has_text=marker).first.wait_for(
            timeout=300_000
        )
    page.wait_for_selector(READY, timeout=300_000)
    time.sleep(1)  # what the end of the run frees is free by then


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=20)
    count = parser.parse_args().texts
    model = gb.load("pretrained")
    print(f"memory of the server, {machine()}")
    rows: list[tuple[str, str, str]] = []
    with run_app() as server, browser() as opened:

        def note(name: str) -> None:
            rows.append((name, f"{server.resident_bytes() / 2**20:.0f}", f"{server.peak_bytes() / 2**20:.0f}"))

        time.sleep(2)
        note("no visitor yet")
        page = open_page(opened, server)
        note("first page")
        # Saliency without integrated gradients for the many: they hold the same memory and take minutes.
        show(page, text_of(model, 24, "one"), "one")
        note("24 tokens")
        show(page, text_of(model, 512, "two"), "two")
        note("512 tokens, integrated gradients")
        page.get_by_role("combobox", name="Method").click()
        page.get_by_role("option", name="Input × gradient").click()
        page.wait_for_selector(READY)
        markers = ["three", "four", "five", "six", "seven", "eight", "nine", "ten", "red", "blue", "green", "white",
                   "spring", "summer", "autumn", "winter", "north", "south", "east", "west"]  # fmt: skip
        for number, marker in enumerate(markers[:count], start=1):
            show(page, text_of(model, 512, marker), marker)
            if number % 5 == 0 or number == 1:
                note(f"{number} more of 512 tokens")
        show(page, text_of(model, 24, "last"), "last")
        note("24 tokens again")
    print(table(("after", "resident MiB", "highest so far"), rows))


if __name__ == "__main__":
    main()
