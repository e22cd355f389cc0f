"""The Attention page: the map, one head in full, measures side by side, heads off, BertViz without a network."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

import glassbert as gb
from components.shared.charts import percent
from components.widgets.attention_heatmap import quantised
from tests.browser.conftest import Open
from tests.browser.workbench import Workbench

TEXT = "The old man went to the river and caught a big fish."
GAP = "The capital of France is [MASK]."


@pytest.fixture
def open_attention(open_page: Open) -> Open:
    """``open_attention(text="…", section="ablation")``: the page of this view."""
    return lambda **view: open_page("attention", **{"text": TEXT, "beside": ""} | view)


def caption(bench: Workbench, text: str) -> Locator:
    return bench.page.get_by_test_id("stCaptionContainer").filter(has_text=text)


def expect_largest(bench: Workbench, maps: gb.TokenMaps, position: int) -> None:
    """The readout says where a row looks most, and how much, to four digits."""
    row = int(np.flatnonzero(maps.queries[:, 0] == position)[0])
    best = int(maps.values[0, row].argmax())
    expect(bench.readout()).to_contain_text(f"from {maps.query_labels[row]} → to {maps.key_labels[best]}: ")

    def said() -> float:
        return float(re.search(r": (\d\.\d{4})", bench.readout().text_content())[1])

    weight = float(maps.values[0, row, best])
    bench.until(lambda: abs(said() - weight) < 1e-4, lambda: f"{said()} on screen, {weight} in the library")


def test_the_map_shows_every_head_and_names_it(open_attention: Open, pretrained: gb.Model) -> None:
    bench = open_attention()
    expect(bench.page.get_by_test_id("heads-map-cell")).to_have_count(72)
    bench.expect_painted(bench.page.get_by_test_id("heads-map-canvas"))
    profile = gb.head_profile(gb.attention(pretrained, TEXT))
    bench.head(0, 2).hover()
    readout = bench.page.get_by_test_id("heads-map-readout")
    expect(readout).to_contain_text("Layer 1 · Head 3")
    expect(readout).to_contain_text(profile.evidence(0, 2))


def test_a_head_opens_in_full(open_attention: Open, pretrained: gb.Model) -> None:
    bench = open_attention(token=7)
    bench.open_head(4, 9)
    bench.expect_parameters(layer="4", head="9")
    weights = gb.attention(pretrained, TEXT)
    expect_largest(bench, weights.combine([(4, 9)]), 7)
    expect(bench.page.get_by_test_id("attention-heatmap-grid")).to_have_attribute(
        "aria-label", "Attention of Layer 5, head 10"
    )


def test_special_tokens_hidden_and_rows_rescaled(open_attention: Open, pretrained: gb.Model) -> None:
    bench = open_attention(token=7, layer=4, head=9)
    head = gb.attention(pretrained, TEXT).combine([(4, 9)])
    bench.show_special_tokens()
    expect(caption(bench, "rows are not rescaled")).to_be_visible()
    expect_largest(bench, head.without_special(), 7)
    bench.page.get_by_text("Rescale rows to sum to 1").click()
    expect(caption(bench, "rows are rescaled to sum to 1")).to_be_visible()
    expect_largest(bench, head.without_special(renormalise=True), 7)


def test_one_row_of_a_pair_and_its_blocks(open_attention: Open, pretrained: gb.Model) -> None:
    first, second = "The company did well.", "Its share price rose."
    bench = open_attention(text=first, pair=second, block="A→B", token=2, layer=2, head=3)
    part = gb.attention(pretrained, first, second).combine([(2, 3)]).block("A→B")
    grid = bench.page.get_by_test_id("attention-heatmap-grid")
    expect(grid).to_have_attribute("aria-rowcount", str(len(part.queries)))
    expect(grid).to_have_attribute("aria-colcount", str(len(part.keys)))
    expect_largest(bench, part, 2)
    bench.page.get_by_role("radio", name="Its row").click()
    expect(grid).to_have_attribute("aria-rowcount", "1")
    expect(grid).to_have_attribute("aria-colcount", str(len(part.keys)))


def test_lines_by_pointer_and_by_keyboard(open_attention: Open, pretrained: gb.Model) -> None:
    bench = open_attention(drawn="lines", layer=2, head=3, token=-1)
    lines = bench.page.get_by_test_id("attention-lines")
    weights = gb.attention(pretrained, TEXT).weights[2, 3]
    levels, _ = quantised(weights)
    expect(lines).to_have_attribute("data-lines", str(np.count_nonzero(levels)))
    bench.expect_painted(bench.page.get_by_test_id("attention-lines-canvas"))
    queries = bench.page.get_by_test_id("attention-lines-queries").get_by_role("option")
    queries.nth(4).click()
    bench.expect_parameters(token="4")
    expect(lines).to_have_attribute("data-lines", str(np.count_nonzero(levels[4])))
    best = int(weights[4].argmax())
    token = gb.encode(pretrained, TEXT).pieces[best]
    expect(bench.page.get_by_test_id("attention-lines-readout")).to_contain_text(
        f"went attends to {token} {weights[4, best]:.4f}"
    )
    bench.page.keyboard.press("ArrowDown")
    bench.page.keyboard.press("Enter")
    bench.expect_parameters(token="5")
    expect(queries.nth(5)).to_have_attribute("aria-selected", "true")


def test_a_head_switched_off_changes_what_is_predicted(open_attention: Open, pretrained: gb.Model) -> None:
    bench = open_attention(text=GAP, section="ablation")
    expect(bench.shares("ablation_candidates")).to_have_count(10)
    bench.head(2, 10).click()
    bench.expect_parameters(heads_off="2.10")
    expect(bench.head(2, 10)).to_have_attribute("data-off", "true")
    without = gb.ablate(pretrained, [(2, 10)])
    position = gb.encode(pretrained, GAP).tokens.index("[MASK]")
    before = gb.fill_mask(pretrained, GAP, positions=(position,), top_k=50)
    after = gb.fill_mask(without, GAP, positions=(position,), top_k=50)
    first = before.candidates[0][0]
    share = float(after.probabilities[0][after.candidates[0].index(first)])
    assert percent(share) != percent(float(before.probabilities[0][0])), "this head must matter for the test"
    shares = bench.shares("ablation_candidates")
    expect(shares.first).to_have_text(percent(float(before.probabilities[0][0])))
    expect(shares.filter(has_text=percent(share)).first).to_be_visible()
    bench.head(2, 10).click()
    expect(bench.head(2, 10)).to_have_attribute("data-off", "false")
    expect(bench.page.get_by_text("All heads are on.")).to_be_visible()
    bench.page.get_by_test_id("heads-map-layer").nth(3).click()
    expect(bench.page.locator('[data-testid="heads-map-cell"][data-off="true"]')).to_have_count(12)
    expect(bench.page.get_by_text("12 off:")).to_be_visible()


def test_measures_side_by_side(open_attention: Open, pretrained: gb.Model) -> None:
    bench = open_attention(section="beyond", token=7, layer=3, measures="attention rollout")
    rollout = gb.rollout(gb.attention(pretrained, TEXT))
    row = rollout.values[3, 7]
    token = gb.encode(pretrained, TEXT).pieces[int(row.argmax())]
    readout = bench.part("measure_rollout").get_by_test_id("attention-heatmap-readout")
    expect(readout).to_contain_text(f"from river → to {token}: {row.max():.4f}")
    expect(bench.part("ladder").locator(".main-svg").first).to_be_visible()
    expect(caption(bench, "Abnar & Zuidema 2020")).to_be_visible()


def test_a_head_found_by_what_it_does(open_attention: Open, pretrained: gb.Model) -> None:
    bench = open_attention(mark="previous", dim_below=50)
    share = gb.head_profile(gb.attention(pretrained, TEXT)).share("previous")
    dimmed = int((share / share.max() < 0.5).sum())
    expect(bench.page.locator('[data-testid="heads-map-cell"][data-dimmed="true"]')).to_have_count(dimmed)
    layer, head = (int(index) for index in np.unravel_index(share.argmax(), share.shape))
    bench.page.get_by_role("radio", name=f"{layer + 1}·{head + 1} {share.max():.2f}").click()
    bench.expect_parameters(head=str(head))
    expect(bench.open_heads()).to_have_attribute("data-head", str(head))


def test_heads_in_order_of_what_they_do(open_attention: Open, pretrained: gb.Model) -> None:
    """Laid out anew, the map names, opens and walks through the heads that stand there."""
    bench = open_attention(mark="previous", token=-1)
    bench.page.get_by_text("Highest first").click()
    bench.expect_parameters(order="most")
    cells = bench.page.get_by_test_id("heads-map-cell")
    share = gb.head_profile(gb.attention(pretrained, TEXT)).share("previous")
    expected = [divmod(int(index), 12) for index in np.argsort(-share, axis=None, kind="stable")]

    def shown() -> list[tuple[int, int]]:
        places = cells.evaluate_all("(all) => all.map((one) => [one.dataset.layer, one.dataset.head].map(Number))")
        return [(layer, head) for layer, head in places]

    bench.until(lambda: shown() == expected, lambda: f"{shown()[:5]} … on screen, {expected[:5]} … expected")
    bench.expect_painted(bench.page.get_by_test_id("heads-map-canvas"))
    layer, head = expected[13]
    cells.nth(13).hover()
    readout = bench.page.get_by_test_id("heads-map-readout")
    expect(readout).to_contain_text(f"Layer {layer + 1} · Head {head + 1}, {share[layer, head]:.2f}")
    cells.nth(13).click()
    bench.expect_parameters(layer=str(layer), head=str(head))
    expect(bench.open_heads()).to_have_attribute("data-head", str(head))
    bench.page.keyboard.press("ArrowRight")
    bench.page.keyboard.press("Enter")
    bench.expect_parameters(layer=str(expected[14][0]), head=str(expected[14][1]))


@pytest.mark.parametrize("view", ["head", "model", "neuron"])
def test_bertviz_draws_without_a_network(open_attention: Open, view: str) -> None:
    text = "A </script><img src=x onerror=alert(1)> tag"
    bench = open_attention(text=text, section="bertviz", bertviz=view)
    frame = bench.page.frame_locator("iframe").first
    expect(frame.locator("svg line").nth(30)).to_be_attached()
    expect(frame.locator("img")).to_have_count(0)
    # layers and heads are numbered as everywhere else
    six, twelve = ([str(number + 1) for number in range(count)] for count in (6, 12))
    if view == "model":
        numbers = [text for text in frame.locator("svg text").all_text_contents() if text.strip().isdigit()]
        assert sorted(map(int, numbers)) == sorted(map(int, six + twelve))
    else:
        expect(frame.locator("#layer option")).to_have_text(six)
    if view == "neuron":
        expect(frame.locator("#att_head option")).to_have_text(twelve)
