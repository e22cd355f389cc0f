"""Every example opens with its pictures; special tokens can be hidden, and the page says so."""

from __future__ import annotations

import re

from playwright.sync_api import expect

import glassbert as gb
from components.examples import EXAMPLES
from tests.browser.workbench import Workbench


def test_an_example(shared_workbench: Workbench, pretrained: gb.Model) -> None:
    """The one with two texts; what the others show is in tests/pages/test_pages.py."""
    example = EXAMPLES["pair"]
    bench = shared_workbench
    bench.open_example(example.label)
    expect(bench.field()).to_have_value(example.text)
    expect(bench.field("Text B")).to_have_value(example.pair)
    encoded = gb.encode(pretrained, example.text, example.pair or None)
    expect(bench.tokens()).to_have_text(list(encoded.pieces))
    expect(bench.tokens("saliency")).to_have_count(len(encoded))
    bench.expect_selected(example.token)
    expect(bench.bars("candidates_model").first).to_be_visible()
    expect(bench.part("examples")).to_contain_text(example.look)
    bench.expect_pictures()


def test_hidden_special_tokens(shared_workbench: Workbench, pretrained: gb.Model) -> None:
    bench = shared_workbench
    bench.open(text="Short and sweet.", method="input_x_gradient", verdict=0)  # without the example's second text
    expect(bench.tokens("saliency")).to_have_count(6)
    bench.show_special_tokens()
    for strip in ("strip", "saliency"):
        expect(bench.tokens(strip)).to_have_text(["short", "and", "sweet", "."])
    for panel in ("Attention", "Saliency"):
        expect(bench.panel(panel)).to_contain_text(re.compile("hidden", re.IGNORECASE))
    bench.expect_parameters(special="0")
    # the first token on screen is the second of the model's: the selection counts the model's
    bench.select_token(0)
    bench.expect_selected(0)
    bench.expect_parameters(token="1")
    best = gb.fill_mask(pretrained, "Short and sweet.", positions=(1,), top_k=1)
    expect(bench.bars("candidates_model").first).to_have_text(best.candidates[0][0])
    bench.show_special_tokens()
    expect(bench.tokens("saliency")).to_have_count(6)
    bench.expect_selected(1)
