"""Every page, opened in every sensible and senseless way, without a browser."""

from __future__ import annotations

import json
import re

import pytest

import glassbert as gb
from components.examples import EXAMPLES, offered
from components.shell.navigation import PAGES
from tests.components.widgets.clicks import click, mounted
from tests.pages.workbench import (
    PICTURES,
    as_read,
    header,
    messages,
    page,
    parameters,
    pictures,
    run,
    selected,
    tokens,
)


@pytest.fixture(scope="module")
def pretrained() -> gb.Model:
    return gb.load("pretrained", "cpu")


@pytest.mark.parametrize("page_id", PAGES)
def test_every_page_opens(page_id: str) -> None:
    app = page(page_id)
    assert [title.value for title in app.title] == [PAGES[page_id].title]
    assert PAGES[page_id].promise in [caption.value for caption in app.caption]
    assert not [*app.error, *app.warning]  # a hint at what to do first is fine


#: What a page says to an encoder without heads, and nothing where it needs none.
WITHOUT_HEADS = {
    "workbench": "no trained head, so there is nothing to predict",
    "masked_words": "No open model has a trained head for masked words",
    "next_sentence": "No open model has a trained next-sentence head",
    "saliency": "open a model with a trained head",
    "what_if": "open a classifier as second model",
}


@pytest.mark.parametrize("page_id", PAGES)
def test_every_page_opens_with_the_sentence_encoder(page_id: str) -> None:
    app = page(page_id, model="similarity", beside="")
    assert not [*app.error, *app.warning]
    assert WITHOUT_HEADS.get(page_id, "") in messages(app)
    if page_id == "attention":
        assert pictures(app) == pictures(page("attention", beside=""))


@pytest.mark.parametrize("page_id", PAGES)
def test_every_page_keeps_the_link(page_id: str) -> None:
    link = {"text": "Kept across pages.", "layer": "3", "token": "2", "method": "input_x_gradient"}
    link |= {"shown_model": "model", "verdict": "0"}
    assert parameters(page(page_id, **link)) == link


def test_the_headings() -> None:
    assert [heading.value for heading in page().subheader] == ["Attention", "Predictions", "Saliency"]
    assert [heading.value for heading in page("models").subheader] == ["Open now", "Bundled", "From the hub"]


def test_every_method_is_defined() -> None:
    app = page("definitions")
    (table,) = [frame.value for frame in app.dataframe if "Method" in frame.value.columns]
    assert list(table["Method"]) == [method.label for method in gb.METHODS.values()]
    assert list(table["Paper"]) == [method.paper for method in gb.METHODS.values()]


@pytest.mark.parametrize(
    "view",
    [
        {"layer": "99", "head": "99", "token": "99"},
        {"layer": "-1", "head": "-1", "token": "-9"},
        {"layer": "x", "head": "", "token": "1e3", "special": "maybe"},
        {"token": "9" * 3_000},
        {"method": "no_such_method", "explain": "nothing", "shown_model": "nobody"},
        {"device": "cuda:99"},
        {"device": "<b>"},
        {"model": ""},
        {"model": "", "beside": ""},
        {"model": "sentiment"},
        {"model": "sentiment", "beside": "sentiment"},
        {"beside": "pretrained", "shown_model": "beside"},
        {"beside": ""},
        {"special": "0", "token": "0"},
        {"special": "0", "text": "Short."},
        {"utm_source": "mail"},
    ],
    ids=str,
)
def test_a_link_with_nonsense_in_it_still_draws(view: dict[str, str]) -> None:
    app = page(**view)
    assert pictures(app) == PICTURES
    assert not app.error


@pytest.mark.parametrize(
    ("view", "says"),
    [
        ({"text": ""}, "Type a sentence"),
        ({"text": "  \n "}, "Type a sentence"),
        ({"text": "\u200b\u200b"}, "no word that this model can read"),
        ({"text": "fine", "pair": "  "}, "text B is empty"),
        ({"text": "too long " * 400, "pair": "too long " * 400}, "1603 tokens"),
        ({"text": "too long " * 400, "pair": "too long " * 400}, "512"),
    ],
    ids=["empty", "spaces", "invisible", "empty pair", "too long", "how long it may be"],
)
def test_a_text_that_cannot_be_read(view: dict[str, str], says: str) -> None:
    app = page(**view)
    assert says in messages(app)
    assert pictures(app) == 0
    assert json.loads(mounted(app, "box_text").json)["value"] == view["text"]


def test_shortening() -> None:
    """Two long texts leave each other no room in a window."""
    app = page(text="too long " * 400, pair="too long " * 400)
    (button, *_) = [button for button in app.button if "Shorten" in button.label]
    button.click()
    run(app)
    assert messages(app) == ""
    assert pictures(app) == PICTURES
    assert parameters(app)["text"] == " ".join((["too", "long"] * 128)[:255])


@pytest.mark.parametrize("example", offered("workbench"))
def test_every_example_opens(example: str, pretrained: gb.Model) -> None:
    app = page(text="Before.")
    (chips,) = [group for group in app.button_group if group.label == "Examples"]
    chips.set_value(example)
    run(app)
    chosen = EXAMPLES[example]
    shown = parameters(app)
    assert shown.get("text", EXAMPLES["contrast"].text) == chosen.text
    assert shown.get("pair", "") == chosen.pair
    fields = {"box_text": chosen.text} | ({"box_pair": chosen.pair} if chosen.pair else {})
    for field, text in fields.items():
        assert json.loads(mounted(app, field).json)["value"] == text
    encoded = gb.encode(pretrained, chosen.text, chosen.pair or None)
    for strip in ("strip", "saliency"):
        assert [token["text"] for token in tokens(app, strip)] == list(encoded.pieces)
        assert selected(app, strip) == chosen.token
    assert header(app, "heatmap")["selected"] == chosen.token
    assert any("candidates_model" in chart.proto.id for chart in app.get("plotly_chart"))
    assert [group.value for group in app.button_group if group.label == "Examples"] == [example]
    assert pictures(app) == PICTURES
    assert any(chosen.look[:20] in as_read(caption.value) for caption in app.caption)


def test_every_picture_says_what_it_shows_and_what_it_does_not() -> None:
    emphasised = [caption.value for caption in page().caption if re.search(r"(?<![\\*])\*[^*]+\*", caption.value)]
    for shown in ("Each row of the large map", "Likely words", "Another method may rank"):
        assert any(shown in caption for caption in emphasised), (shown, emphasised)


def test_a_special_token_cannot_be_masked() -> None:
    app = page(text="A short text.", token="0")
    assert selected(app) == 0
    assert not any("candidates_model" in chart.proto.id for chart in app.get("plotly_chart"))
    assert pictures(app) == PICTURES


def test_a_new_text_takes_the_selection_with_it() -> None:
    app = page(text="The old man went to the river.", token="5")
    assert selected(app) == selected(app, "saliency") == header(app, "heatmap")["selected"] == 5
    click(app, "box_text", {"version": "box_text", "text": "Short text."})
    assert selected(app) is selected(app, "saliency") is header(app, "heatmap")["selected"] is None
    assert "token" not in parameters(app)


def test_hidden_special_tokens_are_said_on_screen() -> None:
    shown, hidden = page(), page(special="0")

    def said(app: object) -> str:
        return " ".join(caption.value for caption in app.caption).lower()

    assert "hidden" not in said(shown)
    assert said(hidden).count("hidden") >= 2
