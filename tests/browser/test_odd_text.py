"""Odd and hostile text: each does the sensible thing or says why not, and nothing that was typed is ever run."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

import glassbert as gb
from tests.browser.workbench import Workbench

#: What a browser or Streamlit's own Markdown could act on; each of it alone is in tests/pages/test_odd_text.py.
MARKUP = (
    '<img src=x onerror="window.pwned=1"> </script><script>window.pwned=1</script> <style>* { display: none }</style> '
    "![x](http://127.0.0.1:9/x.png) [x](javascript:window.pwned=1) <javascript:window.pwned=1> "
    ":red[x] $x^2$ :material/home: :smile: **bold** `code` {{ 7 * 7 }} ${window.pwned=1} %{x} {0}"
)
READABLE = {
    "markup": MARKUP,
    "emoji and Chinese": "I love it 😀👍🏽! 巴黎是法国的首都。",
    "a very long word": "a" * 300,
    "invisible characters": "in\u200bvisi\u200dble \u2060 \ufeff text \u00ad here",
    "control characters": "one\u0001two\u0007three\u009ffour \u202eright to left\u202c",
    "a line break": "First line.\nSecond line.",
}


@pytest.fixture
def bench(shared_workbench: Workbench) -> Workbench:
    return shared_workbench


@pytest.mark.parametrize("text", READABLE.values(), ids=READABLE.keys())
def test_readable_text(bench: Workbench, pretrained: gb.Model, text: str) -> None:
    bench.type(text)
    encoded = gb.encode(pretrained, text)
    for strip in ("strip", "saliency"):
        expect(bench.tokens(strip)).to_have_text(list(encoded.pieces))
    expect(bench.field()).to_have_value(text)
    bench.expect_pictures()
    bench.expect_painted(bench.page.get_by_test_id("attention-heatmap-canvas"))
    # the selected word's name stands in captions and labels, all of which are Markdown
    bench.select_token(len(encoded) // 2)
    bench.expect_selected(len(encoded) // 2)
    expect(bench.part("candidates_model")).to_be_visible()
    bench.expect_pictures()
    assert bench.page.evaluate("window.pwned") is None
    assert bench.page.locator("img[src*='127.0.0.1'], img[src='x']").count() == 0
    bench.expect_parameters(text=text)


def test_arabic_runs_from_right_to_left(bench: Workbench) -> None:
    bench.type("مرحبا بالعالم")
    strip = bench.part("strip").get_by_test_id("token-strip-list")
    expect(strip).to_have_attribute("dir", "rtl")
    first, last = bench.tokens().first, bench.tokens().last
    assert first.bounding_box()["x"] > last.bounding_box()["x"]
    assert bench.field().evaluate("(field) => getComputedStyle(field).direction") == "rtl"
    bench.type("Hello world")
    expect(strip).to_have_attribute("dir", "ltr")


def test_what_the_model_cannot_read_is_said(bench: Workbench, pretrained: gb.Model) -> None:
    text = "🦄 and 𓀀"
    bench.type(text)
    unknown = gb.encode(pretrained, text).tokens.count("[UNK]")
    assert unknown > 0
    expect(bench.main()).to_contain_text(f"{unknown} of 3 tokens are unknown")
    bench.expect_pictures()


def test_a_text_after_none_keeps_every_choice(bench: Workbench) -> None:
    """Nothing to read takes the panels' widgets away; what the browser says of them when they come back is no choice
    of the visitor's."""
    before = bench.parameters()
    for _ in range(2):
        bench.type("")
        expect(bench.tokens()).to_have_count(0)
        bench.page.wait_for_timeout(700)
        bench.type("I loved it 😀")
        expect(bench.tokens("saliency")).to_have_count(6)
        bench.select_token(2)
        bench.expect_selected(2)
        bench.settle()
        assert bench.parameters() == {**before, "text": "I loved it 😀", "token": "2"}
    bench.expect_no_failure()


def test_nothing_to_read(bench: Workbench) -> None:
    bench.type("\u200b")
    expect(bench.tokens()).to_have_count(0)
    expect(bench.main().get_by_test_id("stAlert")).to_contain_text(re.compile(r"type (a|at least one)", re.IGNORECASE))
    expect(bench.field()).to_have_value("\u200b")
    bench.expect_no_failure()
    bench.type("Back again.")
    expect(bench.tokens("saliency")).to_have_count(5)
    bench.expect_pictures()


def words(count: int) -> str:
    """A text of this many tokens, the two special ones not counted."""
    sentence = ["the", "old", "man", "saw", "a", "big", "dog", "."]
    return " ".join((sentence * count)[:count])


@pytest.mark.slow
def test_the_longest_text_that_fits(bench: Workbench, pretrained: gb.Model) -> None:
    text = words(510)
    assert len(gb.encode(pretrained, text)) == 512
    bench.type(text)
    expect(bench.tokens("saliency")).to_have_count(512, timeout=60_000)
    bench.expect_pictures()
    bench.expect_painted(bench.page.get_by_test_id("attention-heatmap-canvas"))
    bench.select_token(500)
    bench.expect_selected(500)
