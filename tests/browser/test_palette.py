"""The library's pictures and the app's components use the same colours."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Locator

import glassbert as gb
from glassbert.pictures import palette
from tests.browser.conftest import Open

TEXT = "It was not bad at all."
#: The colours of the page's theme, as Streamlit tells them to a component.
THEME = """(node) => {
  const style = getComputedStyle(node.getRootNode().host ?? node);
  return ["background", "text", "primary", "blue", "orange"]
    .map((name) => style.getPropertyValue(`--st-${name}-color`).trim().toLowerCase());
}"""


def background(node: Locator) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", node.evaluate("(node) => getComputedStyle(node).backgroundColor"))))


def stops(node: Locator) -> list[tuple[int, ...]]:
    """The colours of the first gradient, from left to right."""
    image = node.evaluate("(node) => getComputedStyle(node).backgroundImage")
    return [tuple(map(int, found)) for found in re.findall(r"rgb\((\d+), (\d+), (\d+)\)", image)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_one_palette(scheme: str, open_page: Open, sentiment: gb.Model) -> None:
    theme = palette.theme(scheme == "dark")
    bench = open_page("workbench", text=TEXT, method="input_x_gradient", token="-1", context={"color_scheme": scheme})
    tokens = bench.tokens("saliency")
    tokens.first.wait_for()
    named = [theme.background, theme.text, theme.primary, theme.blue, theme.orange]
    assert tokens.first.evaluate(THEME) == named

    scores = gb.attribute(sentiment, TEXT, method="input_x_gradient").scores
    assert (scores < 0).any()
    assert (scores > 0).any()
    for place, share in enumerate(scores / np.abs(scores).max()):
        # the server's number and this one may differ in the last digits, which may tip a rounding
        wanted = palette.diverging(float(share), theme)
        assert np.abs(np.subtract(background(tokens.nth(place)), wanted)).max() <= 1

    drawn = stops(bench.part("heatmap").locator(".scale-bar"))
    assert drawn == [tuple(palette.weights_ramp(theme)[int(place * 255 / 16 + 0.5)].tolist()) for place in range(17)]
    drawn = stops(bench.part("saliency").locator(".scale-bar"))
    assert drawn == [palette.diverging(-1 + place / 8, theme) for place in range(17)]
