"""One selection: a token or head chosen anywhere is chosen everywhere, also in the address and by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

import glassbert as gb
from components.examples import EXAMPLES
from components.shared.charts import percent
from tests.browser.conftest import NewContext, Open
from tests.browser.workbench import Workbench

TEXT = "The old man went to the river and caught a big fish."
OTHER = "One two three."


def expect_candidates_at(bench: Workbench, model: gb.Model, position: int) -> None:
    best = gb.fill_mask(model, TEXT, positions=(position,), top_k=8)
    for row, (token, share) in enumerate(zip(best.candidates[0], best.probabilities[0], strict=True)):
        expect(bench.bars("candidates_model").nth(row)).to_have_text(token)
        expect(bench.shares("candidates_model").nth(row)).to_have_text(percent(float(share)))


@pytest.fixture
def bench(shared_workbench: Workbench) -> Workbench:
    """The text open, nothing selected: a new text takes the selection before it away."""
    if shared_workbench.field().input_value() == TEXT:
        shared_workbench.type(OTHER)
        expect(shared_workbench.tokens()).to_have_count(6)
    shared_workbench.type(TEXT)
    expect(shared_workbench.tokens("saliency")).to_have_count(15)
    shared_workbench.expect_nothing_selected()
    return shared_workbench


@pytest.mark.parametrize("strip", ["strip", "saliency"])
def test_a_click_in_a_strip(bench: Workbench, pretrained: gb.Model, strip: str) -> None:
    bench.select_token(3, strip=strip)
    bench.expect_selected(3)
    bench.select_token(7, strip=strip)
    bench.expect_selected(7)
    bench.expect_parameters(token="7", text=TEXT)
    expect_candidates_at(bench, pretrained, 7)
    bench.select_token(7, strip=strip)
    bench.expect_nothing_selected()
    bench.until(lambda: "token" not in bench.parameters(), lambda: bench.page.url)
    expect(bench.part("candidates_model")).to_have_count(0)


def test_a_click_in_the_heatmap(bench: Workbench, pretrained: gb.Model) -> None:
    bench.point_into_heatmap(0.6, 0.6)
    bench.page.mouse.down()
    bench.page.mouse.up()
    bench.until(lambda: bench.heatmap().get_attribute("data-selected") != "", lambda: "the click selected no row")
    row = int(bench.heatmap().get_attribute("data-selected"))
    bench.expect_selected(row)
    bench.expect_parameters(token=str(row))
    expect_candidates_at(bench, pretrained, row)
    # a click on the label of the selected row, left of it, takes the selection back
    bench.point_into_heatmap(0.03, 0.6)
    bench.page.mouse.down()
    bench.page.mouse.up()
    bench.expect_nothing_selected()


def test_two_tokens_rank_all_heads_in_two_clicks(bench: Workbench, pretrained: gb.Model) -> None:
    first, second = 5, 12
    bench.tokens("strip").nth(first).click()
    bench.expect_selected(first)  # as a visitor sees it before clicking on
    bench.tokens("saliency").nth(second).click(modifiers=["Shift"])
    found = gb.rank_heads(gb.attention(pretrained, TEXT), first, second)
    layer, head = divmod(int(found.strongest.argmax()), found.strongest.shape[1])
    pills = bench.control("linked_").get_by_role("radio")
    expect(pills.first).to_contain_text(f"{layer + 1}·{head + 1}")
    expect(bench.tokens("strip").nth(second)).to_have_attribute("data-second", "true")
    bench.expect_parameters(token=str(first), toward=str(second))
    pills.first.click()
    bench.expect_parameters(layer=str(layer), head=str(head))
    expect(bench.page.get_by_test_id("attention-heatmap-readout")).to_contain_text("from to → to fish: ")
    bench.select_token(first)
    bench.expect_nothing_selected()
    expect(bench.control("linked_")).to_have_count(0)


def test_a_strip_by_keyboard(bench: Workbench, pretrained: gb.Model) -> None:
    bench.tab_to(bench.tokens("strip").first)
    for _ in range(4):
        bench.page.keyboard.press("ArrowRight")
    bench.page.keyboard.press("Enter")
    bench.expect_selected(4)
    bench.expect_parameters(token="4")
    expect_candidates_at(bench, pretrained, 4)
    bench.page.keyboard.press("Enter")
    bench.expect_nothing_selected()


def test_the_heatmap_by_keyboard(bench: Workbench, pretrained: gb.Model) -> None:
    bench.tab_to(bench.page.get_by_test_id("attention-heatmap-grid"))
    for _ in range(5):
        bench.page.keyboard.press("ArrowDown")
    expect(bench.readout()).to_contain_text("from to → to")
    bench.page.keyboard.press("Enter")
    bench.expect_selected(5)
    expect_candidates_at(bench, pretrained, 5)
    bench.page.keyboard.press("Enter")
    bench.expect_nothing_selected()


def test_a_head_by_click_and_by_keyboard(bench: Workbench, pretrained: gb.Model) -> None:
    bench.open_head(4, 9)
    expect(bench.open_heads()).to_have_attribute("aria-label", "Layer 5, Head 10")
    bench.expect_parameters(layer="4", head="9")
    bench.page.keyboard.press("ArrowDown")
    bench.page.keyboard.press("ArrowLeft")
    bench.page.keyboard.press("Enter")
    bench.expect_parameters(layer="5", head="8")
    expect(bench.open_heads()).to_have_attribute("aria-label", "Layer 6, Head 9")
    expect(bench.open_heads()).to_have_count(1)
    bench.select_token(2)
    row = gb.attention(pretrained, TEXT).weights[5, 8, 2]
    token = gb.encode(pretrained, TEXT).pieces[int(row.argmax())]
    expect(bench.readout()).to_contain_text(f"from old → to {token}: {row.max():.4f}")


def test_a_copied_link_opens_the_same_view(bench: Workbench, server: str, new_context: NewContext) -> None:
    bench.open_head(2, 3)
    bench.select_token(6)
    bench.expect_parameters(text=TEXT, layer="2", head="3", token="6", method="input_x_gradient")
    other = Workbench(new_context().new_page(), server)
    other.open(bench.page.url)
    expect(other.field()).to_have_value(TEXT)
    expect(other.open_heads()).to_have_attribute("aria-label", "Layer 3, Head 4")
    other.expect_selected(6)
    expect(other.combobox("Method")).to_have_value("Input × gradient")
    expect(other.readout()).to_have_text(bench.readout().text_content())
    expect(other.bars("candidates_model")).to_have_text(bench.bars("candidates_model").all_text_contents())
    expect(other.shares("candidates_model")).to_have_text(bench.shares("candidates_model").all_text_contents())
    spoken = [token.get_attribute("aria-label") for token in bench.tokens("saliency").all()]
    assert [token.get_attribute("aria-label") for token in other.tokens("saliency").all()] == spoken
    assert other.parameters() == bench.parameters()


def test_back_returns_to_the_selection_before_and_then_leaves(server: str, new_context: NewContext) -> None:
    bench = Workbench(new_context().new_page(), server)
    bench.page.goto("about:blank")
    bench.open(text=TEXT, token=2, method="input_x_gradient")
    bench.select_token(5)
    bench.expect_selected(5)
    bench.expect_parameters(token="5")
    bench.page.go_back()
    bench.expect_parameters(token="2")
    bench.expect_selected(2)
    bench.page.go_forward()
    bench.expect_selected(5)
    for _ in range(4):
        bench.page.go_back()
        if bench.page.url == "about:blank":
            break
    assert bench.page.url == "about:blank", "the Back button cannot leave the page"


@pytest.mark.slow  # depends on when the run ends: make slowest
def test_a_click_during_a_run_chooses_nothing_else(open_page: Open) -> None:
    """A click brings along what the browser last saw in every widget, which the page may have changed meanwhile."""
    bench = open_page(text=TEXT)
    for number in range(2):
        bench.type(f"There are {number} of them.")
        expect(bench.combobox("Explain")).to_have_value("Class")
        bench.settle()
        bench.type(f"There are {number} of [MASK].")
        bench.open_head(5, number)
        expect(bench.combobox("Explain")).to_have_value("Masked word")
        bench.settle()
        assert "explain" not in bench.parameters()


@pytest.mark.slow  # Playwright selects and then inserts, and an example may come in between: make slowest
def test_what_is_typed_during_a_run_stays_and_counts(open_page: Open) -> None:
    """The run that a chosen example waits for would put the example's text into the field."""
    bench = open_page(text=OTHER, method="integrated_gradients")
    bench.type(" ".join([TEXT] * 3))
    expect(bench.tokens()).to_have_count(3 * 13 + 2)  # drawn, while the saliency of so long a text takes a while
    example = EXAMPLES["pair"]
    bench.open_example(example.label)
    bench.field().fill("Four words and more.")
    expect(bench.field("Text B")).to_have_value(example.pair)
    expect(bench.tokens().nth(1)).not_to_have_text("the")
    bench.settle()
    expect(bench.field()).to_have_value("Four words and more.")
    bench.field("Text B").fill("")
    bench.expect_parameters(text="Four words and more.")
    bench.field("Text B").press("Enter")
    expect(bench.tokens()).to_have_text(["[CLS]", "four", "words", "and", "more", ".", "[SEP]"])
