"""Five things that people come for, and how many clicks each takes; typing is no click. Before the text stood on every
page and a verdict above the pictures they took 3, 3, 3, up to 72, and 5."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

import glassbert as gb
from components.shared.charts import percent
from tests.browser.conftest import Open
from tests.browser.workbench import Workbench

TEXT = "The plot is thin but the acting is superb."
SUPERB = 9


class Visitor:
    """Counts what it clicks on one page."""

    def __init__(self, bench: Workbench) -> None:
        self.bench, self.clicks = bench, 0

    def click(self, wanted: Locator, **options: object) -> None:
        wanted.click(**options)
        self.clicks += 1


@pytest.fixture
def visitor(open_page: Open) -> Visitor:
    return Visitor(open_page(text="One two three.", method="attn_lrp", shown_model="", verdict=1))


def test_which_words_carry_the_answer_and_how_far_to_believe_it(visitor: Visitor) -> None:
    visitor.bench.type(TEXT)
    expect(visitor.bench.part("verdict")).to_contain_text("“superb”", timeout=60_000)
    expect(visitor.bench.part("verdict")).not_to_contain_text("Computing", timeout=60_000)
    assert visitor.clicks == 0


def test_what_would_flip_it(visitor: Visitor, sentiment: gb.Model) -> None:
    visitor.bench.type(TEXT)
    flips = visitor.bench.part("verdict")
    expect(flips).to_contain_text("NEGATIVE", timeout=60_000)
    assert str(gb.classify(sentiment, TEXT).labels[gb.classify(sentiment, TEXT).predicted]) == "POSITIVE"
    assert visitor.clicks == 0


def test_another_word_in_its_place(visitor: Visitor, sentiment: gb.Model) -> None:
    bench = visitor.bench
    bench.type(TEXT)
    visitor.click(bench.tokens("strip").nth(SUPERB))
    words = bench.page.get_by_role("radiogroup", name="Put another word in its place").get_by_role("radio")
    expect(words.first).to_be_visible()
    word = words.first.inner_text()
    visitor.click(words.first)
    changed = TEXT.replace("superb", word)
    expect(bench.field()).to_have_value(changed)
    classes = gb.classify(sentiment, changed)
    share = percent(float(classes.probabilities[classes.predicted]))
    expect(bench.page.get_by_role("status", name="What the models answer")).to_contain_text(share)
    assert visitor.clicks == 2


def test_which_head_links_two_words(visitor: Visitor, sentiment: gb.Model) -> None:
    bench = visitor.bench
    bench.type(TEXT)
    visitor.click(bench.tokens("strip").nth(SUPERB))
    visitor.click(bench.tokens("strip").nth(SUPERB - 2), modifiers=["Shift"])
    found = gb.rank_heads(gb.attention(sentiment, TEXT), SUPERB, SUPERB - 2)
    layer, head = divmod(int(found.strongest.argmax()), found.strongest.shape[1])
    expect(bench.control("linked_").get_by_role("radio").first).to_contain_text(f"{layer + 1}·{head + 1}")
    assert visitor.clicks == 2


def test_two_wordings_by_the_classifier(visitor: Visitor, sentiment: gb.Model) -> None:
    bench, other = visitor.bench, "The plot is thin but the acting is awful."
    bench.type(TEXT)
    visitor.click(bench.page.get_by_test_id("stSidebar").get_by_role("link", name="Compare", exact=True))
    visitor.click(bench.page.get_by_text("Two texts on one model", exact=True))
    bench.type(other, label="Second text")
    for text in (TEXT, other):
        classes = gb.classify(sentiment, text)
        share = percent(float(classes.probabilities[classes.predicted]))
        expect(bench.page.get_by_test_id("stMain")).to_contain_text(share)
    assert visitor.clicks == 2
