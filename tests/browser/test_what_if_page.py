"""The What if page in a browser: a word changed by click, a flip found and opened, a trace drawn."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

import glassbert as gb
from components.shared.charts import percent
from glassbert.pictures.formats import signed
from tests.browser.conftest import Open

TEXT = "The acting is superb and I loved it."
WORSE = "The acting is terrible and I loved it."


@pytest.fixture
def open_what_if(open_page: Open) -> Open:
    """``open_what_if(section="tracing")``: the page of this view."""
    return lambda **view: open_page("what_if", **{"text": TEXT, "token": 3} | view)


def positive(model: gb.Model, text: str) -> str:
    return percent(float(gb.classify(model, text).probabilities[1]))


def test_a_word_changed_by_click_changes_the_probability(open_what_if: Open, sentiment: gb.Model) -> None:
    bench = open_what_if()
    expect(bench.part("variant_0")).to_contain_text(positive(sentiment, TEXT))
    bench.select_token(4, strip="edit_sentence")
    bench.expect_parameters(token="4")
    bench.page.get_by_role("button", name="terrible ·").or_(bench.page.get_by_role("radio", name="terrible ·")).click()
    variant = bench.part("variant_1")
    expect(variant).to_contain_text(f"POSITIVE {positive(sentiment, WORSE)}")
    expect(variant.locator("del")).to_have_text("superb")
    expect(bench.shares("pinned").nth(0)).to_have_text(positive(sentiment, TEXT))
    variant.get_by_role("button", name="Edit further").click()
    expect(bench.tokens("edit_sentence").nth(4)).to_have_text("terrible")
    bench.type("fine", label="Replace “terrible” with")
    expect(bench.part("variant_2")).to_contain_text(positive(sentiment, TEXT.replace("superb", "fine")))
    variant.get_by_role("button", name="Open").click()
    expect(bench.field("Text A")).to_have_value(WORSE)
    bench.expect_no_failure()


def test_a_flip_is_found_and_opened(open_what_if: Open, sentiment: gb.Model, pretrained: gb.Model) -> None:
    bench = open_what_if(section="smallest", max_edits=1, budget=150)
    bench.page.get_by_role("button", name="Search").click()
    flip = bench.part("turned_0")
    expect(flip).to_be_visible(timeout=60_000)
    expected = gb.find_flip(sentiment, TEXT, proposer=pretrained, max_edits=1, budget=150)
    expect(flip).to_contain_text(percent(float(expected.flips.probabilities[0])))
    flip.get_by_role("button", name="Open").click()
    expect(bench.field("Text A")).to_have_value(expected.flips.texts[0][0])
    bench.expect_no_failure()


def test_a_trace_is_drawn(open_what_if: Open, sentiment: gb.Model) -> None:
    bench = open_what_if(section="tracing", token=4)
    words = bench.page.get_by_role("radiogroup", name="Replace “superb” with").get_by_role("radio")
    expect(words.first).to_be_visible()
    # which words are offered depends on the weights; the one that changes the answer most has a trace worth telling
    other_text, word = min(
        ((TEXT.replace("superb", word.inner_text()), word) for word in words.all()),
        key=lambda offered: gb.classify(sentiment, offered[0]).probabilities[1],
    )
    word.click()
    bench.expect_parameters(other_text=other_text)
    expect(bench.part("trace").locator(".main-svg").first).to_be_visible(timeout=60_000)
    result = gb.trace(sentiment, TEXT, other_text)
    values = f"{signed(result.clean_value)} for the first text, {signed(result.corrupted_value)} for the second"
    expect(bench.main()).to_contain_text(values)
    expect(bench.main()).to_contain_text(re.compile(r"Most of it is at: embeddings to layer \d: “superb”"))
    bench.expect_no_failure()


@pytest.mark.parametrize("section", ["edit", "tracing"])
def test_on_a_phone_nothing_overflows_and_hostile_text_stays_text(open_what_if: Open, section: str) -> None:
    hostile = '<img src=x onerror="window.pwned=1"> ![x](http://127.0.0.1:9/x.png) :red[good] $x$'
    bench = open_what_if(section=section, text=hostile, other_text=hostile.replace("good", "bad"), token=2)
    bench.page.set_viewport_size({"width": 390, "height": 844})
    bench.until(
        lambda: bench.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"),
        lambda: "the page is wider than the screen",
    )
    assert bench.page.evaluate("window.pwned") is None
