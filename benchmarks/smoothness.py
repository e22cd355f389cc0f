"""Do the pictures of attention follow the pointer without stutter?

On the Attention page of a random-weight BERT-base, 12 × 12 heads: the pointer wanders over the map of all heads (512
tokens), over the fitted heatmap, over the heatmap at reading size, which is then panned by the wheel and zoomed; and
over a list of tokens of the lines view at 128 tokens, whose middle is then scrolled. Once at this machine's speed, once
with the browser's script, layout and paint slowed down 4 times, as on a small laptop or a phone.

Meanwhile the page records the time between animation frames and how often the picture responded (its line of text or
its position changed), and the browser its long tasks (more than 50 ms of uninterrupted work). An idle page draws 60
frames per second, 16.7 ms each. The pointer moves every 8 ms, like a fast mouse.

    python benchmarks/smoothness.py [--seconds 4] [--slower 1 4]
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from _app import READY, Server, browser, open_page, run_app
from _models import random_bert_base
from _texts import text_of
from _timing import add_smoke, machine, table
from playwright.sync_api import Browser, CDPSession, Page

import glassbert as gb

TARGET_MS = 50
LENGTHS = (24, 128, 512)
SMALL_LENGTHS = (12, 16, 64)  # the last is too long for the fitted heatmap to be at reading size already
SMALL_MODEL = {"layers": 2, "heads": 2, "width": 64}
COLUMNS = ("answers", "frames", "median ms", "p95 ms", "longest", f"over {TARGET_MS}", "long tasks")
BEGIN = """(watched) => {
    window.answers = 0;
    const answered = () => window.answers++;
    window.mutations = new MutationObserver(answered);
    mutations.observe(watched, { childList: true, subtree: true, characterData: true });
    window.stopScroll = () => watched.getRootNode().removeEventListener("scroll", answered, true);
    watched.getRootNode().addEventListener("scroll", answered, true);
    window.frames = [];
    window.longTasks = [];
    window.tasks = new PerformanceObserver((list) => list.getEntries().forEach((one) => longTasks.push(one.duration)));
    tasks.observe({ entryTypes: ["longtask"] });
    let last = performance.now();
    window.counting = true;
    const count = (now) => {
        frames.push(now - last);
        last = now;
        if (counting) requestAnimationFrame(count);
    };
    requestAnimationFrame((now) => {
        last = now;
        requestAnimationFrame(count);
    });
}"""
END = """() => {
    counting = false;
    tasks.disconnect();
    mutations.disconnect();
    stopScroll();
    return [frames, longTasks, answers];
}"""


def recorded(page: Page, watched: str, act: Callable[[float], None], seconds: float) -> list[str]:
    """Frames while ``act(share of the time gone)`` is called again and again."""
    page.locator(watched).first.evaluate(BEGIN)
    start = time.perf_counter()
    while (gone := time.perf_counter() - start) < seconds:
        act(gone / seconds)
        time.sleep(0.008)
    frames, tasks, answers = page.evaluate(END)
    frames = sorted(frames)
    at = frames[min(len(frames) - 1, math.ceil(0.95 * len(frames)))]
    slow = sum(frame > TARGET_MS for frame in frames) / len(frames)
    return [
        str(answers),
        str(len(frames)),
        f"{frames[len(frames) // 2]:.0f}",
        f"{at:.0f}",
        f"{frames[-1]:.0f}",
        f"{slow:.1%}",
        f"{len(tasks)}" + (f" (longest {max(tasks):.0f} ms)" if tasks else ""),
    ]


class Pointer:
    """A mouse over one element. Events are sent without waiting for the page to have handled them."""

    def __init__(self, page: Page, selector: str, calm: float) -> None:
        target = page.locator(selector).first
        target.scroll_into_view_if_needed()
        time.sleep(calm / 4)
        box = target.bounding_box()
        assert box is not None
        self.box = box
        self._session: CDPSession = page.context.new_cdp_session(page)

    def _send(self, kind: str, across: float, down: float, **more: float) -> None:
        x = self.box["x"] + across * self.box["width"]
        y = self.box["y"] + down * self.box["height"]
        self._session.send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y} | more)

    def wander(self, share: float) -> None:
        """A curve that comes to every part."""
        turn = 2 * math.pi * share
        self._send("mouseMoved", 0.55 + 0.4 * math.sin(7 * turn), 0.55 + 0.4 * math.sin(5 * turn + 1))

    def along(self, share: float) -> None:
        """Up and down one list."""
        self._send("mouseMoved", 0.5, 0.5 + 0.45 * math.sin(6 * math.pi * share))

    def pan(self, share: float) -> None:
        back = -1 if (share * 4) % 1 > 0.5 else 1
        self._send("mouseWheel", 0.6, 0.6, deltaX=30 * back, deltaY=40 * back)

    def zoom(self, share: float) -> None:
        nearer = 1 if (share * 3) % 1 > 0.5 else -1
        self._send("mouseWheel", 0.6, 0.6, deltaX=0, deltaY=12 * nearer, modifiers=2)


def ready(page: Page, selector: str, calm: float) -> None:
    """Wait until it is shown, the run is over and ``calm`` seconds have passed."""
    page.wait_for_selector(selector, timeout=300_000)
    page.wait_for_selector(READY, timeout=300_000)
    time.sleep(calm)


def enter(page: Page, text: str, selector: str, calm: float) -> None:
    field = page.get_by_label("Text A")
    field.fill(text)
    field.press("Enter")
    ready(page, selector, calm)


def measured(
    opened: Browser, server: Server, source: str, texts: dict[int, str], seconds: float, calm: float, slower: float
) -> list[list[str]]:
    short, middle, long = texts
    page = open_page(opened, server, {"model": source, "beside": "", "text": texts[short], "token": "-1"})
    page.get_by_role("link", name="Attention").click()
    ready(page, '[data-testid="heads-map-canvas"]', calm)
    rows = []

    def note(name: str, act: Callable[[float], None], watched: str) -> None:
        rows.append([name, *recorded(page, f'[data-testid="{watched}"]', act, seconds)])

    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
    note("nothing moves", lambda share: None, "heads-map-readout")
    enter(page, texts[long], f'[data-testid="attention-heatmap-grid"][aria-rowcount="{long}"]', calm)
    pointer = Pointer(page, '[data-testid="heads-map-grid"]', calm)
    note(f"{long} tokens: hover the map", pointer.wander, "heads-map-readout")
    pointer = Pointer(page, '[data-testid="attention-heatmap-grid"]', calm)
    readout = "attention-heatmap-readout"
    note(f"{long} tokens: hover the heatmap, fitted", pointer.wander, readout)
    page.get_by_test_id("attention-heatmap-zoom").click()
    note(f"{long} tokens: hover it at reading size", pointer.wander, readout)
    note(f"{long} tokens: pan it", pointer.pan, readout)
    note(f"{long} tokens: zoom it", pointer.zoom, readout)
    enter(page, texts[middle], f'[data-testid="attention-heatmap-grid"][aria-rowcount="{middle}"]', calm)
    page.get_by_text("Lines", exact=True).click()
    ready(page, '[data-testid="attention-lines-canvas"]', calm)
    lines = Pointer(page, '[data-testid="attention-lines-queries"]', calm)
    lines.box["height"] = 400.0  # the part on screen
    note(f"{middle} tokens: hover tokens of the lines", lines.along, "attention-lines-readout")
    picture = Pointer(page, '[data-testid="attention-lines-canvas"]', calm)
    note(f"{middle} tokens: scroll the lines", picture.pan, "attention-lines-canvas")
    page.context.close()
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--slower", type=float, nargs="+", default=[1, 4])
    add_smoke(parser)
    options = parser.parse_args(argv)
    lengths, shape, seconds, calm, slow = LENGTHS, {}, options.seconds, 2.0, options.slower
    if options.smoke:
        lengths, shape, seconds, calm, slow = SMALL_LENGTHS, SMALL_MODEL, 0.2, 0.2, [1]
    model = gb.load("pretrained")
    texts = [text_of(model, tokens) for tokens in lengths]
    print(f"frames while the pointer moves, {machine()}")
    with tempfile.TemporaryDirectory() as folder, run_app() as server, browser() as opened:
        base = str(random_bert_base(Path(folder), **shape))
        for slower in slow:
            rows = measured(opened, server, base, dict(zip(lengths, texts, strict=True)), seconds, calm, slower)
            print(table([f"12 × 12 heads, {slower:g} × slower", *COLUMNS], rows), end="\n\n")


if __name__ == "__main__":
    main()
