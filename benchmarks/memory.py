"""How much memory does the server use, and does it release it?

Resident memory (VmRSS) after each step in one browser session: the first page, a text of 24 tokens, one of 512, then 20
different texts of 512, then the short one again. Caches are bounded, so the 20 must not add up.

Then the Attention page at 512 tokens, with the embedded model and with a random-weight BERT-base, each on a fresh
server: by how much the server has grown since the page showed a short text, now and at its peak; in each section; after
the visitor switched to a short text; with a window left open without a click, and after it was closed.

    python benchmarks/memory.py [--texts 20] [--attention-only]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from _app import READY, Server, browser, open_page, run_app
from _models import random_bert_base
from _texts import text_of
from _timing import add_smoke, machine, table
from playwright.sync_api import Browser, Page

import glassbert as gb
from components.gateway import long_texts

LONGEST = 512
SECTIONS = ("Beyond the weights", "What each head does", "Switch heads off")


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds that the server takes to release results that are no longer viewed."""

    begins: float = 1  # the run that a click starts begins a little later
    frees: float = 1  # what the end of a run frees is free by then
    settles: float = 2 * long_texts.TURNED_SECONDS
    idle: float = long_texts.IDLE_SECONDS
    absent: float = long_texts.ABSENT_SECONDS


def show(page: Page, text: str, marker: str, waits: Waits) -> None:
    """Enter a text and wait until the saliency, the last panel, shows it."""
    field = page.get_by_label("Text A")
    field.fill(text)
    field.press("Enter")
    for key in ("strip", "saliency"):
        page.locator(f'.st-key-{key} [data-testid="token-strip-token"]', has_text=marker).first.wait_for(
            timeout=300_000
        )
    page.wait_for_selector(READY, timeout=300_000)
    time.sleep(waits.frees)


def workbench(opened: Browser, model: gb.Model, count: int, longest: int, waits: Waits) -> None:
    rows: list[tuple[str, str, str]] = []
    with run_app() as server:

        def note(name: str) -> None:
            rows.append((name, f"{server.resident_bytes() / 2**20:.0f}", f"{server.peak_bytes() / 2**20:.0f}"))

        time.sleep(2 * waits.frees)
        note("no visitor yet")
        page = open_page(opened, server)
        note("first page")
        # Saliency without integrated gradients for the many texts: they use the same memory but take minutes.
        show(page, text_of(model, 24, "one"), "one", waits)
        note("24 tokens")
        show(page, text_of(model, longest, "two"), "two", waits)
        note(f"{longest} tokens, integrated gradients")
        page.get_by_role("combobox", name="Method").click()
        page.get_by_role("option", name="Input × gradient").click()
        page.wait_for_selector(READY)
        markers = ["three", "four", "five", "six", "seven", "eight", "nine", "ten", "red", "blue", "green", "white",
                   "spring", "summer", "autumn", "winter", "north", "south", "east", "west"]  # fmt: skip
        for number, marker in enumerate(markers[:count], start=1):
            show(page, text_of(model, longest, marker), marker, waits)
            if number % 5 == 0 or number == 1:
                note(f"{number} more of {longest} tokens")
        show(page, text_of(model, 24, "last"), "last", waits)
        note("24 tokens again")
    print(table(("after", "resident MiB", "highest so far"), rows))


def forget_peak(server: Server) -> None:
    """Reset the peak (Linux: writing 5 resets VmHWM)."""
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")


def attention_page(
    opened: Browser, server: Server, source: str, short: str, text: str, longest: int, waits: Waits
) -> Iterator[tuple[str, int]]:
    """Each action, and the bytes by which the server has grown since the page showed the short text."""
    page = open_page(opened, server, {"model": source, "beside": "", "text": short, "token": "-1"})
    page.get_by_role("link", name="Attention").click()
    shown = '[data-testid="attention-heatmap-grid"][aria-rowcount="{}"]'
    page.wait_for_selector(shown.format(24), timeout=300_000)
    page.wait_for_selector(READY, timeout=300_000)
    time.sleep(waits.settles)
    before = server.resident_bytes()
    yield "the server with the model and a short text", before
    forget_peak(server)

    def enter(entered: str, tokens: int) -> None:
        field = page.get_by_label("Text A")
        field.fill(entered)
        field.press("Enter")
        page.wait_for_selector(shown.format(tokens), timeout=300_000)
        page.wait_for_selector(READY, timeout=300_000)
        time.sleep(waits.settles)

    def grown() -> int:
        return server.resident_bytes() - before

    enter(text, longest)
    yield f"{longest} tokens", grown()
    yield "  at the most", server.peak_bytes() - before
    for section in SECTIONS:
        forget_peak(server)
        page.get_by_role("radio", name=section).click()
        time.sleep(waits.begins)
        page.wait_for_selector(READY, timeout=300_000)
        time.sleep(waits.settles)
        yield section, grown()
        yield "  at the most", server.peak_bytes() - before
    page.get_by_role("radio", name="Heads", exact=True).click()
    enter(short, 24)
    yield "turned to a short text", grown()
    enter(text, longest)
    yield f"{longest} tokens again", grown()
    time.sleep(waits.idle + waits.settles)
    yield f"left open, {waits.idle / 60:g} minutes later", grown()
    page.locator('[data-testid="heads-map-cell"][data-layer="1"][data-head="2"]').click()
    page.wait_for_selector('[data-testid="attention-heatmap-grid"][aria-label*="ayer 2, head 3"]', timeout=300_000)
    time.sleep(waits.settles)
    yield "a click", grown()
    page.context.close()
    time.sleep(waits.absent + waits.settles)
    yield f"window closed, {waits.absent:g} s later", grown()


def attention_pages(opened: Browser, model: gb.Model, longest: int, waits: Waits, shape: Mapping[str, int]) -> None:
    short, text = text_of(model, 24, "one"), text_of(model, longest, "two")
    found: dict[str, list[tuple[str, int]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        sources = {"embedded, 6 × 12": "pretrained", "BERT-base, 12 × 12": str(random_bert_base(Path(folder), **shape))}
        for name, source in sources.items():
            with run_app() as server:
                found[name] = list(attention_page(opened, server, source, short, text, longest, waits))
    steps = [step for step, _ in next(iter(found.values()))]
    rows = [[step, *(f"{one[at][1] / 2**20:.0f}" for one in found.values())] for at, step in enumerate(steps)]
    print(table(["MiB", *found], rows))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=20)
    parser.add_argument("--attention-only", action="store_true")
    add_smoke(parser)
    options = parser.parse_args(argv)
    longest, count, waits, shape = LONGEST, options.texts, Waits(), {}
    if options.smoke:
        longest, count, waits = 32, 1, Waits(begins=0.3, frees=0.1, settles=0.1, idle=0, absent=0)
        shape = {"layers": 3, "heads": 3, "width": 48}
    model = gb.load("pretrained")
    print(f"memory of the server, {machine()}")
    with browser() as opened:
        if not options.attention_only:
            workbench(opened, model, count, longest, waits)
        attention_pages(opened, model, longest, waits, shape)


if __name__ == "__main__":
    main()
