"""Every page, opened in every sensible and senseless way, without a browser."""

from __future__ import annotations

import pytest

from components.examples import EXAMPLES
from components.shell.navigation import PAGES
from tests.pages.workbench import COMPONENTS, as_read, messages, page, parameters, pictures, run


@pytest.mark.parametrize("page_id", PAGES)
def test_every_page_opens(page_id: str) -> None:
    app = page(page_id)
    assert [title.value for title in app.title] == [PAGES[page_id].title]
    assert PAGES[page_id].promise in [caption.value for caption in app.caption]
    assert not [*app.error, *app.warning]  # a hint at what to do first is fine


@pytest.mark.parametrize("page_id", PAGES)
def test_every_page_keeps_the_link(page_id: str) -> None:
    app = page(page_id, text="Kept across pages.", layer="3", token="2")
    assert parameters(app) == {"text": "Kept across pages.", "layer": "3", "token": "2"}


def test_the_headings() -> None:
    assert [heading.value for heading in page().subheader] == ["Attention", "Predictions", "Saliency"]
    assert [heading.value for heading in page("models").subheader] == ["Open now", "On board", "From the hub"]


def test_every_method_is_defined() -> None:
    import glassbert as gb

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
    assert pictures(app) >= COMPONENTS - (view.get("beside") == "" and "token" not in view)
    assert not app.error


@pytest.mark.parametrize(
    ("view", "says"),
    [
        ({"text": ""}, "Type a sentence"),
        ({"text": "  \n "}, "Type a sentence"),
        ({"text": "\u200b\u200b"}, "no character that this model can read"),
        ({"text": "fine", "pair": "  "}, "text B is empty"),
        ({"text": "too long " * 400}, "802 tokens"),
    ],
    ids=["empty", "spaces", "invisible", "empty pair", "too long"],
)
def test_a_text_that_cannot_be_read(view: dict[str, str], says: str) -> None:
    app = page(**view)
    assert says in messages(app)
    assert pictures(app) == 2


def test_shortening() -> None:
    app = page(text="too long " * 400)
    (button,) = [button for button in app.button if "Shorten" in button.label]
    button.click()
    run(app)
    assert messages(app) == ""
    assert pictures(app) == COMPONENTS
    assert parameters(app)["text"] == ("too long " * 255).strip()


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_opens(example: str) -> None:
    app = page(text="Before.")
    (menu,) = [box for box in app.selectbox if box.label == "Examples"]
    menu.set_value(example)
    run(app)
    chosen = EXAMPLES[example]
    shown = parameters(app)
    assert shown.get("text", EXAMPLES["contrast"].text) == chosen.text
    assert shown.get("pair", "") == chosen.pair
    assert pictures(app) == COMPONENTS
    assert any(chosen.look[:20] in as_read(caption.value) for caption in app.caption)


def test_hidden_special_tokens_are_said_on_screen() -> None:
    shown, hidden = page(), page(special="0")

    def said(app: object) -> str:
        return " ".join(caption.value for caption in app.caption).lower()

    assert "hidden" not in said(shown)
    assert said(hidden).count("hidden") >= 2
