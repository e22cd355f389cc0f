"""Odd and hostile text: each does the sensible thing, and stands in every component as it was typed.

What a browser makes of it is in tests/browser/test_odd_text.py.
"""

from __future__ import annotations

import json
import re

import pytest

import glassbert as gb
from tests.components.widgets.clicks import click, mounted
from tests.pages.workbench import PICTURES, as_read, header, messages, page, parameters, pictures, selected, tokens

READABLE = {
    "one word": "Hello",
    "emoji": "I love it 😀👍🏽!",
    "Chinese": "巴黎是法国的首都。",
    "Arabic": "مرحبا بالعالم",
    "image tag": '<img src=x onerror="window.pwned=1"> is a tag',
    "script tag": "<script>window.pwned=1</script> runs nothing",
    "end of a script": "</script><script>window.pwned=1</script>",
    "style tag": "<style>* { display: none }</style> hides nothing",
    "Markdown image": "![x](http://127.0.0.1:9/x.png) is not fetched",
    "Markdown link": "[x](javascript:window.pwned=1) <javascript:window.pwned=1>",
    "directives": ":red[x] $x^2$ :material/home: :smile: **bold** `code`",
    "template": "{{ 7 * 7 }} ${window.pwned=1} %{x} {0}",
    "a mask by hand": "The sky is [MASK].",
    "several masks": "[MASK] [MASK] is the capital of [MASK].",
    "a special token by hand": "one [SEP] two [CLS] three [PAD]",
    "a very long word": "a" * 300,
    "zero width": "in\u200bvisi\u200dble \u2060 \ufeff text \u00ad here",
    "control characters": "one\u0001two\u0007three\u009ffour \u202eright to left\u202c",
    "a line break": "First line.\nSecond line.",
    "only punctuation": "... -- !!!",
}


@pytest.fixture(scope="module")
def pretrained() -> gb.Model:
    return gb.load("pretrained", "cpu")


@pytest.mark.parametrize("text", READABLE.values(), ids=READABLE.keys())
def test_readable_text(pretrained: gb.Model, text: str) -> None:
    encoded = gb.encode(pretrained, text)
    middle = len(encoded) // 2
    app = page(text="Something else.")
    click(app, "box_text", {"version": "box_text", "text": text})
    for strip in ("strip", "saliency"):
        assert [token["text"] for token in tokens(app, strip)] == list(encoded.pieces)
    version = json.loads(mounted(app, "strip").json)["version"]
    click(app, "strip", {"version": version, "index": middle})
    assert not app.exception
    assert [token["text"] for token in tokens(app)] == list(encoded.pieces)
    # with a gap in the text its word is explained, at the selected token, which is masked for it
    explained = (
        [*encoded.pieces[:middle], "[MASK]", *encoded.pieces[middle + 1 :]] if "[MASK]" in text else encoded.pieces
    )
    assert [token["text"] for token in tokens(app, "saliency")] == list(explained)
    assert selected(app) == selected(app, "saliency") == middle
    assert header(app, "heatmap")["tokens"] == list(encoded.pieces)
    assert header(app, "heatmap")["selected"] == middle
    assert json.loads(mounted(app, "box_text").json)["value"] == text
    assert pictures(app) == PICTURES
    # a special token has no place among words, also when it was typed: nothing is predicted there
    predicted = any("candidates_model" in chart.proto.id for chart in app.get("plotly_chart"))
    assert predicted == (encoded.special_tokens_mask[middle] == 0)
    # the selected word's name stands in captions and labels, all of which are Markdown
    markup = "\n".join(element.value for element in [*app.markdown, *app.caption])
    assert not re.search(r"(?<!\\)<(img|script|style|javascript)", markup)
    assert "](" not in markup
    assert parameters(app)["text"] == text


def test_what_the_model_cannot_read_is_said(pretrained: gb.Model) -> None:
    app = page(text="🦄 and 𓀀")
    assert gb.encode(pretrained, "🦄 and 𓀀").tokens.count("[UNK]") == 2
    assert "2 of 3 tokens are unknown" in as_read(messages(app))
    assert [token["kind"] for token in tokens(app)].count("unknown") == 2
