"""Inputs, Masked words and Next sentence in a browser: mask by click, ask for a word, look through the layers."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

import glassbert as gb
from components.shared.charts import percent, readable
from tests.browser.conftest import Open

TEXT = "The old man went to the river."
GAP = "Mary told her brother that [MASK] was hungry."


def test_pointing_at_a_piece_lights_up_its_word_and_its_numbers(open_page: Open) -> None:
    bench = open_page("inputs", beside="", text="An unbelievable story.")
    cells = bench.page.get_by_test_id("aligned-rows-cell")
    pieces = cells.and_(bench.page.locator('[data-row="pieces"]'))
    expect(pieces).to_have_text(["[CLS]", "an", "unbelievable", "story", ".", "[SEP]"])
    pieces.nth(2).hover()
    lit = bench.page.locator(".pointed")
    expect(lit).to_have_count(12)  # one cell in every row: text, words, pieces, four of numbers, five of embeddings
    expect(bench.page.get_by_test_id("aligned-rows-readout")).to_contain_text("characters 3 to 15")
    pieces.nth(3).click()
    bench.expect_parameters(token="3")


def test_rows_are_walked_with_the_keyboard(open_page: Open) -> None:
    bench = open_page("inputs", beside="", text="An unbelievable story.", token="-1")
    first = bench.page.get_by_test_id("aligned-rows-cell").first
    bench.tab_to(first)
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "Enter"):
        bench.page.keyboard.press(key)
    bench.expect_parameters(token="2")


def test_masking_by_click(open_page: Open, pretrained: gb.Model) -> None:
    bench = open_page("masked_words", beside="", text=TEXT, token="-1")
    bench.select_token(7, strip="masks")
    prediction = gb.fill_mask(pretrained, TEXT, positions=[7])
    expect(bench.bars("gap_0").first).to_have_text(readable(prediction.candidates[0][0]))
    expect(bench.shares("gap_0").first).to_have_text(percent(float(prediction.probabilities[0, 0])))
    bench.select_token(3, strip="masks")
    expect(bench.part("gap_1")).to_be_visible()
    bench.expect_parameters(masks="3 7")
    both = gb.fill_mask(pretrained, TEXT, positions=[3, 7])
    expect(bench.bars("gap_1").first).to_have_text(readable(both.candidates[1][0]))
    bench.select_token(3, strip="masks")
    expect(bench.part("gap_1")).to_have_count(0)


def test_asking_for_a_word(open_page: Open, pretrained: gb.Model) -> None:
    bench = open_page("masked_words", beside="", text="The nurse said that [MASK] was late.", token="-1")
    field = bench.field("How likely are these words?")
    field.fill("he, she, unbelievably")
    field.press("Enter")
    scores = gb.score_words(pretrained, "The nurse said that [MASK] was late.", 5, ["he", "she", "unbelievably"])
    order = np.argsort(-scores.probabilities)
    expect(bench.shares("asked")).to_have_text([percent(float(scores.probabilities[index])) for index in order])


def test_the_lens_ends_in_the_prediction(open_page: Open, pretrained: gb.Model) -> None:
    bench = open_page("masked_words", beside="", text=GAP, token="-1", section="lens")
    top = bench.page.locator('[data-testid="aligned-rows-cell"][data-row="layer-6"]')
    expect(top).to_have_text(list(gb.fill_mask(pretrained, GAP, top_k=6).candidates[0]))
    for key in ("lens_probability", "lens_rank", "lens_entropy"):
        expect(bench.part(key).locator(".main-svg").first).to_be_visible()


def test_surprise_colours_the_sentence(open_page: Open, pretrained: gb.Model) -> None:
    bench = open_page("masked_words", beside="", text=TEXT, section="surprise", token="-1")
    result = gb.surprise(pretrained, TEXT)
    expect(bench.page.get_by_test_id("stMetricValue").nth(1)).to_have_text(f"{result.pseudo_perplexity:.1f}")
    bench.select_token(result.most_surprising, strip="surprise")
    bench.expect_parameters(token=str(result.most_surprising))


def test_the_template_probe_follows_its_fields(open_page: Open, pretrained: gb.Model) -> None:
    bench = open_page("masked_words", beside="", section="probe")
    field = bench.field("Values for the slots, one slot per line")
    field.fill("job: nurse, pilot")
    field.press("Control+Enter")
    result = gb.probe_template(
        pretrained, "The {job} said that [MASK] was tired.", {"job": ["nurse", "pilot"]}, ["he", "she", "they"]
    )
    expected = [percent(float(share)) for share in result.probabilities.ravel()]
    cells = bench.part("template").locator(".annotation-text")
    bench.until(lambda: sorted(cells.all_text_contents()) == sorted(expected), cells.all_text_contents)


def test_pairs_are_ranked_and_swapped(open_page: Open, pretrained: gb.Model) -> None:
    first, second = "She opened the window.", "A cold wind blew into the room."
    bench = open_page("next_sentence", beside="", text=first, pair=second)
    expect(bench.shares("decision").first).to_have_text(
        percent(gb.next_sentence(pretrained, first, second).probability)
    )
    field = bench.field("Continuations, one per line")
    field.fill(f"Photosynthesis takes place in leaves.\n{second}")
    field.press("Control+Enter")
    expect(bench.bars("ranking").first).to_have_text(second)
    expect(bench.bars("ranking")).to_have_count(2)
    bench.page.get_by_role("button", name="Swap A and B").click()
    expect(bench.shares("decision").first).to_have_text(
        percent(gb.next_sentence(pretrained, second, first).probability)
    )
    expect(bench.field("Text A")).to_have_value(second)


@pytest.mark.parametrize("page_id", ["inputs", "masked_words", "next_sentence"])
def test_hostile_text_stays_text_and_on_a_phone_nothing_overflows(open_page: Open, page_id: str) -> None:
    hostile = '<img src=x onerror="window.pwned=1"> ![x](http://127.0.0.1:9/x.png) :red[x] $x^2$'
    bench = open_page(page_id, text=hostile, pair=hostile, beside="", token="3")
    assert bench.page.evaluate("window.pwned") is None
    bench.page.set_viewport_size({"width": 390, "height": 844})
    bench.until(
        lambda: bench.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"),
        lambda: "the page is wider than the screen",
    )


def test_what_a_similarity_is_made_of_comes_on_a_click(open_page: Open) -> None:
    view = open_page("similarity", text="He got a refund.", pair="The money came back.", searched="Cats purr.")
    view.page.get_by_role("button", name="Show the parts").click()
    expect(view.page.get_by_text("Most of the similarity comes from")).to_be_visible(timeout=90_000)
    expect(view.part("similar_parts").locator(".heatmaplayer")).to_be_visible()
    view.expect_no_failure()
