"""The pages Entities and Question answering in a browser: a mark is chosen by mouse and by key, and explained."""

from __future__ import annotations

from playwright.sync_api import expect

import glassbert as gb
from components.examples import EXAMPLES
from components.shared.charts import percent
from tests.browser.conftest import Open


def test_an_entity_is_chosen_in_the_text_and_explained(open_page: Open) -> None:
    text = EXAMPLES["names"].text
    found = gb.entities(gb.load("entities", "cpu"), text, aggregation="first")
    bench = open_page("entities", text=text, method="input_x_gradient")
    marks = bench.page.get_by_test_id("marked-text-mark")
    expect(marks).to_have_count(len(found.names))
    for number, (surface, name, share) in enumerate(
        zip(found.surfaces, found.names, found.probabilities.tolist(), strict=True)
    ):
        expect(marks.nth(number)).to_have_text(f"{surface}{name} {share:.0%}{'' if share >= 0.6 else '?'}")
    expect(marks.first).to_have_attribute("aria-pressed", "true")
    marks.nth(1).click()
    expect(bench.page.get_by_role("heading", name=f"Why is “{found.surfaces[1]}”")).to_be_visible()
    expect(marks.nth(1)).to_have_attribute("aria-pressed", "true")
    marks.nth(2).focus()
    marks.nth(2).press("Enter")
    expect(bench.page.get_by_role("heading", name=f"Why is “{found.surfaces[2]}”")).to_be_visible()
    bench.page.reload()
    expect(bench.page.get_by_role("heading", name=f"Why is “{found.surfaces[2]}”")).to_be_visible(timeout=60_000)


def test_an_answer_is_found_and_another_question_asked(open_page: Open) -> None:
    example = EXAMPLES["when"]
    reader = gb.load("answers", "cpu")
    found = gb.answer(reader, example.text, example.pair)
    bench = open_page("question_answering", text=example.text, pair=example.pair, method="input_x_gradient")
    chosen = bench.page.get_by_test_id("marked-text-mark").and_(bench.page.locator("[aria-pressed=true]"))
    expect(chosen).to_contain_text(found.answers[0])
    expect(bench.page.get_by_role("heading", name=f"Why “{found.answers[0]}”?")).to_be_visible()
    other = "Who complained to the bank?"
    box = bench.page.get_by_label("Other questions, one a line")
    box.fill(other)
    box.press("Control+Enter")
    answer = gb.answer(reader, other, example.pair)
    row = bench.page.get_by_role("row", name=other)
    expect(row).to_contain_text(answer.answers[0])
    expect(row).to_contain_text(percent(float(answer.span_probabilities[0])))
