"""How long after Enter is the last panel painted? And after a click on a token or a head, or a change of method?

A sentence of 24 tokens is edited in a real browser, each time to a new text, so nothing comes from a cache. What every
panel must then show is computed beforehand with the library. The clock starts at the key or click event inside the
browser, and stops two animation frames after **all** of it is in the page: the tokens of both strips, the heatmap's
label and its weight for screen readers, the numbers of the candidates and classes, the bars and the summary of the
saliency. Both maps are canvases without text, so their pixels are compared too, after the clock has stopped: a later
change would be a late paint, and ends the benchmark with an error. The verdict comes after the panels: its time is from
the last panel until all its sentences are those of the library; the next edit waits for it.

    python benchmarks/rerun_latency.py [--edits 15]
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from _app import Server, browser, open_page, run_app
from _timing import Spread, add_smoke, machine, table
from playwright.sync_api import Page

import glassbert as gb
from components.gateway.saliency import page_options
from components.state import View
from glassbert.pictures.formats import signed

SENTENCE = "The {} film that we {} in the old theatre last night was so [MASK] that nobody {} it at all."
TOKENS = 24
FIRST = ("good", "bad", "great", "slow", "long", "strange", "quiet", "sad", "dark", "new")
SECOND = ("saw", "found", "missed", "made")
CLICKED = (2, 3, 7, 9, 10)  # tokens
THIRD = ("watched", "liked", "finished")
METHOD = View().method  # with which the app opens

# Runs in the page. Components live in shadow roots; an element container has the class st-key-<key>.
WATCH = r"""
(() => {
  const inside = (key, selector) => {
    const box = document.querySelector(`.st-key-${key}`);
    if (!box) return [];
    const roots = [box, ...[...box.querySelectorAll("*")].map((node) => node.shadowRoot).filter(Boolean)];
    return roots.flatMap((root) => [...root.querySelectorAll(selector)]);
  };
  const texts = (key, selector) => inside(key, selector).map((node) => node.textContent);
  const same = (found, wanted) => found.length === wanted.length && found.every((text, i) => text === wanted[i]);
  const tokens = (key) => texts(key, "[data-testid=token-strip-token] bdi");
  const marked = (key) =>
    inside(key, "[data-testid=token-strip-token]").findIndex((n) => n.getAttribute("aria-selected") === "true");
  const said = () => [...document.querySelectorAll("[data-testid=stCaptionContainer]")].map((n) => n.textContent);

  // name of what is checked -> does the page show it?
  const checks = {
    strip: (wanted) => same(tokens("strip"), wanted),
    stripSelected: (wanted) => marked("strip") === wanted,
    saliencyTokens: (wanted) => same(tokens("saliency"), wanted),
    saliencySelected: (wanted) => marked("saliency") === wanted,
    heatmapLabel: (wanted) => inside("heatmap", "[role=grid]")[0]?.getAttribute("aria-label") === wanted,
    heatmapCell: ([place, weight]) => {
      const shown = texts("heatmap", "[role=gridcell]")[0] ?? "";
      // weights travel in 16 bits, so the fourth digit may be one off
      return shown.startsWith(place) && Math.abs(parseFloat(shown.slice(place.length)) - weight) < 0.00011;
    },
    heatmapSelected: (wanted) =>
      inside("heatmap", "[data-testid=attention-heatmap]")[0]?.dataset.selected === wanted,
    candidates: (wanted) => same(texts("candidates_model", ".bartext"), wanted),
    classes: (wanted) => same(texts("classes_beside", ".bartext"), wanted),
    bars: (wanted) => inside("saliency_bars", ".point path").length === wanted,
    barMarked: (wanted) =>
      inside("saliency_bars", ".point path").findIndex((n) => parseFloat(n.style.strokeWidth) > 0) === wanted,
    barValue: (wanted) => {
      const drawn = inside("saliency_bars", ".js-plotly-plot")[0]?.calcdata?.[0]?.map((point) => point.s);
      return Boolean(drawn) && same(drawn.map((v) => v.toFixed(4)), wanted);
    },
    summary: (wanted) => said().some((text) => text.includes(wanted)),
    verdict: (wanted) => {
      const shown = document.querySelector(".st-key-verdict")?.innerText.replace(/\s+/g, " ") ?? "";
      return wanted.every((sentence) => shown.includes(sentence));
    },
  };

  let start = 0;
  const now = () => (start = performance.now());
  document.addEventListener("keydown", (event) => event.key === "Enter" && now(), true);
  document.addEventListener("click", now, true);

  const canvases = () =>
    ["heads", "heatmap"].flatMap((key) => inside(key, "canvas")).map((canvas) => canvas.toDataURL());

  // milliseconds from the action on which watchPainted waits until the whole verdict is said; null: not said
  window.watchVerdict = (wanted, limit) => {
    window.told = new Promise((resolve) => {
      const began = performance.now();
      const look = () => {
        if (start && checks.verdict(wanted)) resolve(performance.now() - start);
        else if (performance.now() - began > limit) resolve(null);
        else requestAnimationFrame(look);
      };
      look();
    });
  };

  window.watchPainted = (wanted, limit) => {
    start = 0;
    const names = Object.keys(wanted);
    const seen = {};
    window.painted = new Promise((resolve) => {
      const began = performance.now();
      const look = () => {
        if (start) for (const name of names) {
          if (!checks[name](wanted[name])) delete seen[name];
          else seen[name] ??= performance.now() - start;
        }
        const missing = names.filter((name) => !(name in seen));
        if (start && !missing.length) {
          requestAnimationFrame(() => requestAnimationFrame(async () => {
            const total = performance.now() - start;
            const before = canvases();
            await new Promise((done) => setTimeout(done, 400));
            const late = canvases().some((pixels, i) => pixels !== before[i]);
            const lost = names.filter((name) => !checks[name](wanted[name]));
            resolve({ total, seen, late, missing: lost });
          }));
        } else if (performance.now() - began > limit) resolve({ total: null, seen, late: false, missing });
        else requestAnimationFrame(look);
      };
      look();
    });
  };
})();
"""


class Oracle:
    """What the panels must show for a text, computed with the library."""

    def __init__(self) -> None:
        self.reader, self.critic = gb.load("pretrained"), gb.load("sentiment")

    def page(self, text: str, *, token: int | None = None, method: str = METHOD) -> dict[str, Any]:
        """Every check's expected value. ``token``: the selected one, without the mask that was typed."""
        from components.shared import charts

        maps = gb.attention(self.reader, text)
        encoded = maps.encoded
        masks = None if token is None else (token,)
        filled = gb.fill_mask(self.reader, text, positions=masks, top_k=8)
        candidates = [charts.percent(float(share)) for share in filled.probabilities[0]]
        if filled.original_ranks[0] > len(candidates):
            candidates.append(charts.percent(float(filled.original_probabilities[0])))
        classes = gb.classify(self.critic, text)
        shares = sorted((float(share) for share in classes.probabilities), reverse=True)
        place = -1 if token is None else token
        expected: dict[str, Any] = {
            "strip": list(encoded.pieces),
            "stripSelected": place,
            "saliencySelected": place,
            "heatmapSelected": "" if token is None else str(token),
            "candidates": candidates,
            "classes": [charts.percent(share) for share in shares],
            "barMarked": -1 if token is None else words_of(encoded).index(token),
        }
        return {**expected, **self.head(text, token=token), **self.saliency(text, method, token)}

    def verdict(self, text: str) -> list[str]:
        """On the word at the gap. Where the answer is clear, its sentence is not repeated above the pictures."""
        target = gb.MaskTarget(gb.encode(self.reader, text).tokens.index("[MASK]"))
        found = gb.verdict(self.reader, text, target=target)
        return list(found.sentences[0 if found.answer.is_undecided else 1 :])

    def head(self, text: str, layer: int = 0, head: int = 0, token: int | None = None) -> dict[str, Any]:
        maps = gb.attention(self.reader, text)
        cell = 0 if token is None else token
        piece = maps.encoded.pieces[cell]
        weight = float(maps.weights[layer, head, cell, cell])
        return {
            "heatmapLabel": f"Attention of layer {layer + 1}, head {head + 1}",
            "heatmapCell": [f"from {piece} → to {piece}: ", weight],
        }

    def saliency(self, text: str, method: str, token: int | None = None) -> dict[str, Any]:
        """Of the selected word, or else of the word at the gap: what the app explains where one is typed."""
        place = gb.encode(self.reader, text).tokens.index("[MASK]") if token is None else token
        result = gb.attribute(self.reader, text, method=method, target=gb.MaskTarget(place), **page_options(method))
        expected: dict[str, Any] = {
            "saliencyTokens": list(result.encoded.pieces),
            "bars": len(words := words_of(result.encoded)),
            "barValue": [f"{float(result.scores[word]):.4f}" for word in words],
            "summary": gb.METHODS[method].meaning,
        }
        if result.delta is not None:
            expected["summary"] = f"Sum {signed(float(result.scores.sum()))} of F(text) {signed(result.value)}"
        return expected


def words_of(encoded: gb.Encoded) -> list[int]:
    """The tokens that have a bar: all but the special ones; the gap has one."""
    return [position for position, special in enumerate(encoded.special_tokens_mask) if not special]


def texts(count: int, model: gb.Model) -> list[str]:
    """Different sentences of exactly 24 tokens."""
    made = [SENTENCE.format(first, second, third) for third in THIRD for second in SECOND for first in FIRST]
    made = [text for text in made if len(gb.encode(model, text)) == TOKENS]
    if len(made) < count:
        raise SystemExit(f"only {len(made)} of these sentences have {TOKENS} tokens, {count} are needed")
    step = len(made) // count
    return made[::step][:count]


def act(page: Page, wanted: dict[str, Any], action: Any, what: str) -> dict[str, Any]:
    """Do something and wait until the page shows what it must."""
    page.evaluate("wanted => window.watchPainted(wanted, 30000)", wanted)
    action()
    seen: dict[str, Any] = page.evaluate("() => window.painted")
    if seen["missing"] or seen["late"]:
        shown = page.screenshot(path=str(Path(tempfile.gettempdir()) / "rerun_latency.png")) and "a screenshot is kept"
        raise SystemExit(f"{what}: not shown: {seen['missing']}, painted late: {seen['late']} ({shown})")
    return seen


def submit(page: Page, text: str) -> None:
    field = page.get_by_label("Text A")
    field.fill(text)
    field.press("Enter")


def edits(
    page: Page, server: Server, expected: dict[str, dict[str, Any]], verdicts: dict[str, list[str]]
) -> Iterator[tuple[str, list[dict[str, Any]], list[float]]]:
    """Every text typed and entered: what was seen when, and the server's processor time; for the panels, and from them
    to the verdict."""
    seen, spent, told, spent_after = [], [], [], []
    for text, wanted in expected.items():
        page.evaluate("wanted => void window.watchVerdict(wanted, 60000)", verdicts[text])
        before = server.cpu_seconds()
        seen.append(act(page, wanted, lambda text=text: submit(page, text), f"edit to {text!r}"))
        between = server.cpu_seconds()
        spent.append(between - before)
        complete = page.evaluate("() => window.told")
        if complete is None:
            raise SystemExit(f"edit to {text!r}: not said: {verdicts[text]}")
        told.append({"total": complete - seen[-1]["total"]})
        spent_after.append(server.cpu_seconds() - between)
    yield "text edit → last panel", seen, spent
    yield "last panel → verdict complete", told, spent_after


def choose_method(page: Page, label: str) -> None:
    """In the plain view, what the method does follows its name."""
    page.get_by_role("combobox", name="Method").click()
    page.get_by_role("option", name=re.compile(f"^{re.escape(label)}(:|$)")).click()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edits", type=int, default=15)
    add_smoke(parser)
    options = parser.parse_args(argv)
    count, unmeasured, traced_edits, clicked, methods = options.edits, 2, 4, CLICKED, tuple(gb.METHODS)
    if options.smoke:
        count, unmeasured, traced_edits, clicked = 1, 1, 1, CLICKED[:1]
        methods = ("integrated_gradients", "input_x_gradient", "decompx", METHOD)
    oracle = Oracle()
    sentences = texts(count + 2 * unmeasured + traced_edits, oracle.reader)
    expected = {text: oracle.page(text) for text in sentences}
    verdicts = {text: oracle.verdict(text) for text in sentences}
    timed, rest = sentences[:count], sentences[count:]
    warm, traced = rest[:unmeasured], rest[unmeasured:]
    print(f"rerun latency, {TOKENS} tokens, both embedded models, {machine()}")

    with browser() as opened, run_app() as server:
        page = open_page(opened, server, {"layer": "0", "head": "0"})
        page.evaluate(WATCH)
        list(edits(page, server, {text: expected[text] for text in warm}, verdicts))
        before = machine()
        rows = list(edits(page, server, {text: expected[text] for text in timed}, verdicts))
        seen = rows[0][1]
        rows += list(selections(page, server, oracle, timed[-1], clicked, methods))
        print(report(rows), f"\nduring the edits: {before}; after: {machine()}\n")
        print("where the browser saw it first, median ms after Enter:")
        for name in sorted(seen[0]["seen"], key=lambda name: Spread.of([one["seen"][name] for one in seen]).middle):
            print(f"  {name:18} {Spread.of([one['seen'][name] for one in seen]).text(0)}")

    with tempfile.TemporaryDirectory() as folder, browser() as opened:
        trace = Path(folder) / "trace.jsonl"
        with run_app(trace=trace) as server:
            page = open_page(opened, server, {"layer": "0", "head": "0"})
            page.evaluate(WATCH)
            list(edits(page, server, {text: expected[text] for text in traced[:unmeasured]}, verdicts))
            trace.write_text("")
            list(edits(page, server, {text: expected[text] for text in traced[unmeasured:]}, verdicts))
        print("\nwhere the server's time goes, mean ms an edit (includes what it calls):")
        print(breakdown(trace, traced_edits))


def selections(
    page: Page, server: Server, oracle: Oracle, text: str, places: Sequence[int], methods: Sequence[str]
) -> Any:
    """Clicks that change a selection of the text that is shown, not the text."""

    def measured(name: str, steps: list[tuple[dict[str, Any], Any]]) -> Any:
        seen, spent = [], []
        for wanted, action in steps:
            before = server.cpu_seconds()
            seen.append(act(page, wanted, action, name))
            spent.append(server.cpu_seconds() - before)
        return name, seen, spent

    token = page.locator('.st-key-strip [data-testid="token-strip-token"]')
    yield measured(
        "token click → all three panels",
        [(oracle.page(text, token=place), lambda place=place: token.nth(place).click()) for place in places],
    )
    last = places[-1]
    cell = page.locator('.st-key-heads [data-testid="heads-map-cell"]')
    heads = [(1, 3), (2, 5), (3, 7), (4, 0), (5, 11)]
    across = oracle.reader.attention_heads
    yield measured(
        "head click → heatmap",
        [
            (oracle.head(text, layer, head, last), lambda at=layer * across + head: cell.nth(at).click())
            for layer, head in heads[: len(places)]
        ],
    )
    others = [method for method in methods if method != METHOD]
    yield measured(
        "method change → saliency",
        [
            (oracle.saliency(text, method, last), lambda method=method: choose_method(page, gb.METHODS[method].label))
            for method in [*others, METHOD]
        ],
    )


def report(rows: list[tuple[str, list[dict[str, Any]], list[float]]]) -> str:
    return table(
        ("", "n", "median s (range)", "server CPU s"),
        [
            (
                name,
                str(len(seen)),
                Spread.of([one["total"] / 1000 for one in seen]).text(),
                Spread.of(spent).text(),
            )
            for name, seen, spent in rows
        ],
    )


def breakdown(trace: Path, edits_traced: int) -> str:
    wall: dict[str, float] = defaultdict(float)
    cpu: dict[str, float] = defaultdict(float)
    calls: dict[str, int] = defaultdict(int)
    for line in trace.read_text().splitlines():
        record = json.loads(line)
        wall[record["name"]] += record["ms"]
        cpu[record["name"]] += record["cpu_ms"]
        calls[record["name"]] += 1
    return table(
        ("", "calls", "ms", "CPU ms of its thread"),
        [
            (
                name,
                f"{calls[name] / edits_traced:.1f}",
                f"{wall[name] / edits_traced:.1f}",
                f"{cpu[name] / edits_traced:.1f}",
            )
            for name in sorted(wall, key=lambda name: -wall[name])
        ],
    )


if __name__ == "__main__":
    main()
