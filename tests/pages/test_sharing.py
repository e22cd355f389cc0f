"""Share: what the dialog says, and that a file opens the same view."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components import address, state
from components.examples import EXAMPLES
from components.gateway.library import version
from components.gateway.settings import Settings
from components.shell import frame, share
from glassbert.reports import identity_of
from tests.components.test_state import LONG
from tests.pages.test_what_if_page import link_to, variants_of
from tests.pages.workbench import as_read, messages, page, parameters, run, selected

#: More than stays readable in an address.
ENGLISH = " ".join(example.text for example in [*EXAMPLES.values()] * 5)


def shared(app: AppTest) -> tuple[dict[str, str], str]:
    """The parameters of the link in the dialog, and what is said about it."""
    app.button(key="share").click()
    run(app)
    (link,) = [block.value for block in app.code]
    query = parse_qs(urlsplit(link).query, keep_blank_values=True)
    said = "\n".join(element.value for element in [*app.markdown, *app.caption, *app.warning])
    return {name: values[0] for name, values in query.items() if name != "expert"}, as_read(said)


def test_the_link_of_the_dialog_opens_the_same_view() -> None:
    app = page("attention", text="The film was good.", token="2", layer="3", section="roles")
    link, said = shared(app)
    hashes = {role: identity_of(gb.load(role, "cpu")).short_hash for role in ("pretrained", "sentiment")}
    weights = f"model-{hashes['pretrained']}.beside-{hashes['sentiment']}"
    assert link == parameters(app) | {"made": version(), "weights": weights}
    for told in ("the page Attention", "text A (18 characters)", "layer 4, head 8", "the selected token"):
        assert told in said
    assert "the models GlassBERT pretrained and GlassBERT sentiment" in said
    assert "does not carry results" in said
    elsewhere = page("attention", **link)
    assert parameters(elsewhere) == parameters(app)
    assert not messages(elsewhere)


def test_the_variants_of_a_text_are_named() -> None:
    text = "The acting is superb and I loved it."
    _, said = shared(page("what_if", text=text, variants=link_to([4, "replace", "fine"])))
    assert "your variants of the text, and which are pinned as A and B" in said


def test_a_text_too_long_for_a_link_is_told_with_the_way_out() -> None:
    app = page(text=LONG[:19_000], layer="2")
    link, said = shared(app)
    assert "Too long for a link: text A." in said
    assert set(link) == {"layer", "method", "shown_model", "verdict", "made", "weights"}
    assert "text A (" not in said


def opened(content: bytes) -> AppTest:
    """The page that a file opens. AppTest has no uploads, and its pages are opened by the test."""
    found = share.shared_view(content)
    assert not isinstance(found, str)
    app = page()
    app.switch_page(frame.PAGES[found.page].file)
    app.session_state[state._GIVEN] = found.page, dict(found.parameters) | {state.MADE: found.version}
    return run(app)


def view_file(page_id: str, **said: object) -> bytes:
    return json.dumps({"glassbert_view": 1, "version": version(), "page": page_id, "parameters": said}).encode()


def test_a_file_opens_what_no_link_holds() -> None:
    text = LONG[:6_000] + " good " * 10
    app = opened(view_file("masked_words", text=text, section="surprise", scoring="word_l2r"))
    assert app.session_state["view"]["text"] == text
    assert address.unpacked(parameters(app))["section"] == "surprise"
    assert app.title[0].value == "Masked words"
    assert run(app).session_state["view"]["text"] == text, "and keeps it"


def test_a_file_opens_the_variants() -> None:
    text = "The acting is superb and I loved it."
    said = {"text": text, "variants": link_to([4, "replace", "fine"]), "verdict": "0"}
    app = opened(view_file("what_if", **said))
    assert variants_of(app) == {0: (), 1: ((4, "replace", "fine"),)}


def test_another_version_is_told_until_the_text_changes() -> None:
    app = page(text="The film was good.", made="0.0.9")
    assert "made with GlassBERT 0.0.9; this is" in messages(app)
    assert "made" not in parameters(app)
    assert "made with GlassBERT 0.0.9" in messages(run(app))
    assert not messages(page(text="The film was good.", made=version()))
    other = "This view was made with other weights of GlassBERT sentiment:"
    told = {"text": "The film was good.", "made": version()}
    assert other in messages(page(**told, weights="beside-00000000"))
    assert other not in messages(page(**told, weights="beside-00000000", beside="pretrained")), "it is not open"
    assert not messages(page(**told, weights="!-b.model-.x"))
    hostile = page(text="The film was good.", made="![x](http://a)<b>" * 10)
    assert "![x](http://a" in messages(hostile), "as text"
    assert not any("![x](" in element.value for element in hostile.info)


def test_a_text_longer_than_the_server_takes_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "settings", lambda: Settings(characters=100))
    app = page("inputs", text="word " * 30, token="3")
    assert app.session_state["view"]["text"] == ("word " * 30)[:100]
    assert app.session_state["view"]["token"] == 3


def test_a_packed_link_opens_its_text_and_selection() -> None:
    link = state.full_address(
        state.View(text=ENGLISH, token=7, verdict=False, method="input_x_gradient", shown_model="model", expert=True)
    )
    assert address.PACKED in link
    app = page(**link)
    assert app.session_state["view"]["text"] == ENGLISH
    assert selected(app) == 7
    assert dict(app.query_params) == link
