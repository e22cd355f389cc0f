"""BertViz's pages: self-contained, escaped, with the numbers they were given, and refused beyond their size."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from components.widgets import bertviz

TOKENS = ["[CLS]", "</script><img src=x onerror=alert(1)>", "<!--", "[SEP]"]


def weights(layers: int = 2, heads: int = 3, tokens: int = 4) -> np.ndarray:
    made = np.random.default_rng(0).random((layers, heads, tokens, tokens))
    return (made / made.sum(-1, keepdims=True)).astype(np.float32)


def views() -> dict[str, str]:
    vectors = np.random.default_rng(1).normal(size=(2, 3, 4, 5)).astype(np.float32)
    return {
        "head": bertviz.head_view(weights(), TOKENS, [1, 4], layer=4, head=2, second=None, dark=False),
        "model": bertviz.model_view(weights(), TOKENS, [1, 4], second=2, dark=True),
        "neuron": bertviz.neuron_view(weights(), vectors, -vectors, TOKENS, [1, 4], layer=4, head=0, dark=False),
    }


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]


def given(html: str) -> dict:
    """The data in a page, read back."""
    start = re.search(r'<script type="application/json" id="bertviz-data">', html)
    assert start
    return json.JSONDecoder().raw_decode(html, start.end())[0]


@pytest.mark.parametrize("view", ["head", "model", "neuron"])
def test_every_script_that_runs_is_named_by_its_hash(view: str) -> None:
    """A browser runs no other: the server's policy lists these hashes. Data is in an element that does not run."""
    scripts = re.findall(r"<script>(.*?)</script>", views()[view], re.DOTALL)
    assert len(scripts) == 4
    for text in scripts:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in bertviz.script_hashes()


@pytest.mark.parametrize("view", ["head", "model", "neuron"])
def test_a_page_fetches_nothing_and_no_token_becomes_a_tag(view: str) -> None:
    parser = Tags()
    parser.feed(views()[view])
    assert parser.fetched == []
    assert parser.tags.count("script") == 5
    assert "img" not in parser.tags


@pytest.mark.parametrize(("view", "count"), [("head", 1), ("model", 5)])
def test_the_weights_arrive_rounded_to_four_digits(view: str, count: int) -> None:
    data = given(views()[view])
    assert len(data["attention"]) == count
    assert data["attention"][0]["left_text"] == TOKENS
    assert np.array_equal(np.array(data["attention"][0]["attn"]), np.round(weights().astype(np.float64), 4))
    assert data["include_layers"] == [1, 4]


def test_a_pair_comes_in_all_four_parts() -> None:
    parts = {part["name"]: part for part in given(views()["model"])["attention"]}
    rounded = np.round(weights().astype(np.float64), 4)
    assert np.array_equal(np.array(parts["A → B"]["attn"]), rounded[:, :, :2, 2:])
    assert np.array_equal(np.array(parts["B → A"]["attn"]), rounded[:, :, 2:, :2])
    assert (parts["B → A"]["left_text"], parts["B → A"]["right_text"]) == (TOKENS[2:], TOKENS[:2])


def test_the_neurons_arrive() -> None:
    data = given(views()["neuron"])["attention"]["all"]
    vectors = np.round(np.random.default_rng(1).normal(size=(2, 3, 4, 5)).astype(np.float32).astype(np.float64), 4)
    assert np.array_equal(np.array(data["queries"]), vectors)
    assert np.array_equal(np.array(data["keys"]), -vectors)


def test_a_layer_that_is_not_shown_opens_the_first() -> None:
    html = bertviz.head_view(weights(), TOKENS, [1, 4], layer=2, head=0, second=None, dark=True)
    assert given(html)["layer"] == 1
    assert "text:not([fill]) { fill: #ccc }" in html  # light words, since the page is dark


def test_another_bertviz_whose_numbers_cannot_be_changed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    bertviz._script.cache_clear()
    monkeypatch.setitem(bertviz._RENUMBERED, "head_view", ((".text(layers)", ".text(layers + 1)"),))
    with pytest.raises(RuntimeError, match="does not write"):
        bertviz.head_view(weights(), TOKENS, [1, 4], layer=4, head=2, second=None, dark=False)
    bertviz._script.cache_clear()


def test_shapes_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(ValueError, match="3 layers of 4 tokens"):
        bertviz.model_view(weights(), TOKENS, [0, 1, 2], second=None, dark=False)
    with pytest.raises(ValueError, match="do not fit weights"):
        bertviz.neuron_view(
            weights(), np.ones((2, 3, 4, 5)), np.ones((2, 3, 5, 4)), TOKENS, [0, 1], layer=0, head=0, dark=False
        )


@pytest.mark.parametrize(
    ("view", "heads", "tokens", "layers"),
    [("model", 12, 32, 12), ("model", 12, 64, 3), ("model", 12, 65, 0), ("head", 12, 64, 12), ("neuron", 12, 49, 0)],
)
def test_how_many_layers_fit(view: bertviz.View, heads: int, tokens: int, layers: int) -> None:
    assert bertviz.layers_that_fit(view, heads, tokens) == layers
