"""Our map of all heads compared with BertViz's model view, on the same weights: bytes, DOM nodes, seconds to draw.

First, both pictures alone in a browser, without Streamlit: random weights of 12 layers × 12 heads, ours and BertViz's
in turn. The clock runs from passing the data to the page until two animation frames after the last mark is drawn.
BertViz's page is the one this app embeds, with four digits per weight, a third of what BertViz itself writes. Then the
running app at 512 tokens, with the embedded model and a random-weight BERT-base: what a new text and another head send
to the Attention page, how long both take from the key press or click, and by how much the server has grown, then and
two such texts later.

    python benchmarks/attention_map.py [--tokens 16 32 64 128] [--rounds 3] [--app-only]
"""

from __future__ import annotations

import argparse
import base64
import gc
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _app import READY, ROOT, Server, browser, open_page, run_app
from _models import random_bert_base
from _texts import text_of
from _timing import Spread, add_smoke, machine, table
from playwright.sync_api import Browser, Page, WebSocket

import glassbert as gb
from components.widgets import bertviz, frontend
from components.widgets.frontend.modules import joined
from glassbert.pictures.thumbnails import weight_levels

LAYERS, HEADS = 12, 12
LONGEST = 512
SIDE = 64  # of a thumbnail, as the Attention page sends it
FRAMES = (
    "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
)


def weights(tokens: int) -> np.ndarray:
    """Random attention, (layer, head, query, key), sharp enough to look realistic."""
    logits = np.random.default_rng(0).normal(scale=2.0, size=(LAYERS, HEADS, tokens, tokens)).astype(np.float32)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=-1, keepdims=True)
    return logits


def ours(maps: np.ndarray) -> bytes:
    """The message that the heads map receives."""
    small = weight_levels(maps, SIDE)
    layers, heads, rows, columns = small.shape
    header = {"version": "v", "label": "All heads", "layers": layers, "heads": heads, "rows": rows, "columns": columns}
    header |= {"layer": 0, "head": 0, "maxThumbnail": 96, "maxHeight": 600, "maxStretch": 2.0, "switches": False}
    header |= {"values": None, "dimmed": None, "off": [], "notes": []}
    return frontend.pack(header, small.tobytes())


def draw_ours(page: Page, message: bytes) -> tuple[float, int]:
    """Seconds and DOM nodes."""
    folder = ROOT / "components" / "widgets" / "heads_map"
    script = joined(folder / "heads_map.js").replace("export default function", "window.mountMap = function")
    style = (folder / "heads_map.css").read_text(encoding="utf-8")
    inside = f'<template shadowrootmode="open"><style>{style}</style></template>'
    page.set_content(f'<div id="at">{inside}</div><script type="module">{script}</script>')
    page.wait_for_function("() => window.mountMap")
    page.evaluate("(text) => (window.message = text)", base64.b64encode(message).decode())
    milliseconds = page.evaluate(
        """async () => {
            const data = Uint8Array.from(atob(window.message), (letter) => letter.charCodeAt(0));
            const start = performance.now();
            const root = document.getElementById("at").shadowRoot;
            window.mountMap({ parentElement: root, data, setTriggerValue() {} });
            const frame = () => new Promise(requestAnimationFrame);
            while (!root.querySelector('[role="gridcell"]')) await frame();
            await frame();
            await frame();
            return performance.now() - start;
        }"""
    )
    count = "() => [document, document.getElementById('at').shadowRoot].map((at) => at.querySelectorAll('*').length)"
    return milliseconds / 1000, sum(page.evaluate(count))


def draw_bertviz(page: Page, html: str) -> tuple[float, int]:
    """Seconds and DOM nodes. Its script draws while the page loads, so handing over and drawing are one."""
    started = time.perf_counter()
    page.set_content(html, timeout=600_000, wait_until="load")
    page.evaluate(FRAMES)
    return time.perf_counter() - started, page.evaluate("() => document.querySelectorAll('*').length")


def alone(opened: Browser, lengths: list[int], rounds: int, longest: int) -> None:
    rows = []
    for tokens in lengths:
        maps = weights(tokens)
        message = ours(maps)
        names = [f"t{number}" for number in range(tokens)]
        html = bertviz.model_view(maps, names, range(LAYERS), second=None, dark=False)
        taken: dict[str, list[float]] = {"ours": [], "bertviz": []}
        nodes = {}
        for _ in range(rounds):
            for name, draw, data in (("ours", draw_ours, message), ("bertviz", draw_bertviz, html)):
                page = opened.new_page()
                page.set_default_timeout(600_000)
                seconds, nodes[name] = draw(page, data)
                taken[name].append(seconds)
                page.close()
        size = {"ours": len(message), "bertviz": len(html)}
        ratio = Spread.of([other / own for own, other in zip(taken["ours"], taken["bertviz"], strict=True)])
        rows += [
            [f"{tokens} tokens, {name}", f"{size[name] / 1e6:.2f}", f"{nodes[name]:,}", Spread.of(taken[name]).text()]
            for name in ("ours", "bertviz")
        ]
        rows.append(
            [
                "  BertViz in units of ours",
                f"{size['bertviz'] / size['ours']:.0f} ×",
                f"{nodes['bertviz'] / nodes['ours']:.0f} ×",
                f"{ratio.text(0)} ×",
            ]
        )
        del maps, html
        gc.collect()
    maps = weights(longest)
    message = ours(maps)
    taken_512 = []
    for _ in range(rounds):
        page = opened.new_page()
        seconds, count = draw_ours(page, message)
        taken_512.append(seconds)
        page.close()
    rows.append([f"{longest} tokens, ours", f"{len(message) / 1e6:.2f}", f"{count:,}", Spread.of(taken_512).text()])
    print(table(["12 layers × 12 heads", "MB", "DOM nodes", "seconds to draw"], rows))


def painted(page: Page, selector: str) -> None:
    page.wait_for_selector(selector, timeout=300_000)
    page.wait_for_selector(READY, timeout=300_000)
    page.evaluate(FRAMES)


def in_the_app(
    opened: Browser, server: Server, source: str, text: str, short: str, longest: int, calm: float
) -> list[str]:
    """The row of one model. ``calm``: seconds after which what a run took has been given back."""
    received = [0]

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: received.__setitem__(0, received[0] + len(payload)))

    page = open_page(opened, server, {"model": source, "beside": "", "text": short, "token": "-1"}, listen)
    page.get_by_role("link", name="Attention").click()
    painted(page, '[data-testid="heads-map-canvas"]')
    time.sleep(calm)
    before, received[0] = server.resident_bytes(), 0
    started = time.perf_counter()
    field = page.get_by_label("Text A")
    field.fill(text)
    field.press("Enter")
    page.wait_for_selector(f'[data-testid="attention-heatmap-grid"][aria-rowcount="{longest}"]', timeout=300_000)
    painted(page, '[data-testid="heads-map-canvas"]')
    opening, opening_bytes, received[0] = time.perf_counter() - started, received[0], 0
    started = time.perf_counter()
    page.locator('[data-testid="heads-map-cell"][data-layer="4"][data-head="2"]').click()
    page.wait_for_selector('[data-testid="attention-heatmap-grid"][aria-label*="ayer 5, head 3"]', timeout=300_000)
    page.wait_for_selector(READY, timeout=300_000)
    page.evaluate(FRAMES)
    head, head_bytes = time.perf_counter() - started, received[0]
    time.sleep(calm)
    grown = server.resident_bytes() - before
    for length in (longest - 1, longest - 2):  # texts as long, which take its place in the caches
        field.fill(" ".join(text.split()[: length - 3]) + ".")
        field.press("Enter")
        page.wait_for_selector(f'[data-testid="attention-heatmap-grid"][aria-rowcount="{length}"]', timeout=300_000)
        page.wait_for_selector(READY, timeout=300_000)
    time.sleep(calm)
    after = server.resident_bytes() - before
    page.context.close()
    return [
        f"{opening_bytes / 1e6:.2f} MB, {opening:.1f} s",
        f"{head_bytes / 1e6:.2f} MB, {head:.2f} s",
        f"{grown / 2**20:+.0f} MB",
        f"{after / 2**20:+.0f} MB",
    ]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--app-only", action="store_true")
    add_smoke(parser)
    options = parser.parse_args(argv)
    print(f"all heads at once, {machine()}")
    model = gb.load("pretrained")
    lengths, rounds, longest, shape, calm = options.tokens, options.rounds, LONGEST, {}, 2.0
    if options.smoke:
        lengths, rounds, longest, shape, calm = [8], 1, 32, {"layers": 6, "heads": 3, "width": 48}, 0.1
    text, short = text_of(model, longest), text_of(model, 24)
    with browser() as opened, tempfile.TemporaryDirectory() as folder:
        if not options.app_only:
            alone(opened, lengths, rounds, longest)
        base = str(random_bert_base(Path(folder), **shape))
        rows = []
        for name, source in (("embedded, 6 × 12", "pretrained"), ("random BERT-base, 12 × 12", base)):
            with run_app() as server:
                rows.append([name, *in_the_app(opened, server, source, text, short, longest, calm)])
        print(
            table(
                [f"{longest} tokens in the app", "the text", "another head", "server grows by", "two texts later"], rows
            )
        )


if __name__ == "__main__":
    main()
