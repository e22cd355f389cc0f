"""How long from ``streamlit run`` to the first visible content, and to the first full result?

Every round starts a new process on a warm disk and opens it in a fresh browser context as soon as the port answers. The
clock starts with the process. "Shell": title and panel headings are visible. "Full result": all panels show their
pictures for the first text, two animation frames ago. "Address": what ``make app`` prints when everything is installed.

    python benchmarks/startup.py [--rounds 5] [--python OTHER]

Packages that are not installed cost no time: ``--python`` names an environment with only requirements.txt installed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence

from _app import READY, ROOT, address, browser, free_port, run_app
from _timing import Spread, add_smoke, machine, table
from playwright.sync_api import Browser

HEADINGS = ("Attention", "Predictions", "Saliency")
PICTURES = (
    ".st-key-heads canvas",
    ".st-key-heatmap canvas",
    '.st-key-strip [data-testid="token-strip-token"]',
    '.st-key-saliency [data-testid="token-strip-token"]',
    ".st-key-saliency_bars .bars .point",
    ".st-key-classes_beside .bars .point",
)
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def cold_start(opened: Browser, python: str) -> dict[str, float]:
    """Seconds since the process was started at which each thing could be seen."""
    seen: dict[str, float] = {}
    with run_app(python=python) as server:
        seen["port answers"] = time.perf_counter() - server.started
        context = opened.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.goto(address(server), wait_until="commit")
        page.get_by_role("heading", name="Workbench", exact=True).wait_for(timeout=60_000)
        seen["title"] = time.perf_counter() - server.started
        for heading in HEADINGS:
            page.get_by_role("heading", name=heading, exact=True).wait_for(timeout=60_000)
        page.evaluate(TWO_FRAMES)
        seen["shell: title and headings"] = time.perf_counter() - server.started
        for picture in PICTURES:
            # a bar of height 0 counts as drawn, although a browser calls it hidden
            page.locator(picture).first.wait_for(state="attached", timeout=60_000)
        page.evaluate(TWO_FRAMES)
        seen["full result"] = time.perf_counter() - server.started
        page.wait_for_selector(READY)
        seen["server CPU until then"] = server.cpu_seconds()
        context.close()
    return seen


def printed_address() -> float | None:
    """Seconds until ``make app`` prints the address; None where this checkout has no environment of its own yet."""
    if not (ROOT / ".venv").exists() or shutil.which("make") is None:
        return None
    start = time.perf_counter()
    process = subprocess.Popen(
        ["make", "app", f"PORT={free_port()}"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "http://" in line:
                return time.perf_counter() - start
        raise RuntimeError("make app ended without printing an address")
    finally:
        process.terminate()
        process.wait(timeout=20)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--python", default=sys.executable, help="the interpreter that runs the app")
    add_smoke(parser)
    arguments = parser.parse_args(argv)
    rounds, python, smoke = arguments.rounds, arguments.python, arguments.smoke
    print(f"start-up, {machine()}")
    with browser() as opened:
        if not smoke:
            cold_start(opened, python)  # warms the disk, and the browser
        seen = [cold_start(opened, python) for _ in range(1 if smoke else rounds)]
    rows = [(name, Spread.of([one[name] for one in seen]).text()) for name in seen[0]]
    printed = [printed_address()] if smoke else [printed_address() for _ in range(rounds + 1)][1:]
    known = [one for one in printed if one is not None]
    rows.append(
        ("address of a second `make app`", Spread.of(known).text() if known else "no .venv here: run `make app` once")
    )
    print(table(("since the process was started", "median s (range)"), rows), f"\nafterwards: {machine()}")


if __name__ == "__main__":
    main()
