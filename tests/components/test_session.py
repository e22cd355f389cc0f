"""Session and address together: moving between pages, going back, and what a new text takes with it."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from components import state
from components.views.attention.fields import AttentionFields
from components.views.masked_words.fields import MaskedWordsFields
from components.views.saliency.fields import SaliencyFields
from tests.pages.workbench import parameters


def _script() -> None:
    """A page without a picture: its address, its menu, and one change if there is one."""
    import streamlit as st

    from components import state
    from components.views.attention.fields import AttentionFields
    from components.views.masked_words.fields import MaskedWordsFields
    from components.views.saliency.fields import SaliencyFields

    groups = {group.page: group for group in (AttentionFields, MaskedWordsFields, SaliencyFields)}
    page = st.session_state.visited
    state.begin(page, groups.get(page))
    st.session_state.menu = {other: state.link(other) for other in (*groups, "models")}
    if page == "models":  # as in a table whose rows open on other pages
        st.session_state.row = state.link("saliency", state.View(text="A row of the table.", token=-1))
    group, values = st.session_state.pop("chosen", (None, {}))
    if values:  # as in a fragment: the menu is not drawn again
        state.change(groups.get(group), **values)
        state.write_address()


class Visit:
    """A visitor of these pages, who goes where the address bar says."""

    def __init__(self) -> None:
        self.app = AppTest.from_function(_script, default_timeout=120)

    def open(self, page: str, **address: str) -> dict[str, str]:
        self.app.session_state["visited"] = page
        self.app.query_params.clear()
        for name, value in address.items():
            self.app.query_params[name] = value
        return self.run()

    def choose(self, page: str) -> dict[str, str]:
        """Follow a link of the menu."""
        return self.open(page, **self.app.session_state["menu"][page])

    def change(self, page: str | None = None, **values: object) -> dict[str, str]:
        self.app.session_state["chosen"] = (page, values)
        return self.run()

    def run(self) -> dict[str, str]:
        self.app.run()
        assert not self.app.exception, [exception.value for exception in self.app.exception]
        return parameters(self.app)


@pytest.fixture
def visit() -> Visit:
    visit = Visit()
    visit.open("attention", text="It was good.", section="roles", order="most", klass="x", methods="occlusion")
    return visit


def test_an_address_holds_the_view_and_the_page_s_own_fields(visit: Visit) -> None:
    assert parameters(visit.app) == {"text": "It was good.", "section": "roles", "order": "most"}


def test_each_page_keeps_its_own_choices(visit: Visit) -> None:
    assert visit.choose("saliency") == {"text": "It was good."}
    assert visit.change("saliency", section="agreement") == {"text": "It was good.", "section": "agreement"}
    assert visit.choose("attention") == {"text": "It was good.", "section": "roles", "order": "most"}
    assert visit.choose("models") == {"text": "It was good."}
    assert visit.choose("saliency") == {"text": "It was good.", "section": "agreement"}


def test_a_link_of_the_menu_says_what_its_page_was_left_with(visit: Visit) -> None:
    visit.change("attention", heads_off="2.3")
    visit.choose("saliency")
    assert visit.app.session_state["menu"]["attention"] == {
        "text": "It was good.",
        "section": "roles",
        "order": "most",
        "heads_off": "2.3",
    }


def test_a_menu_that_is_older_than_the_last_change_takes_nothing_back(visit: Visit) -> None:
    visit.change(layer=4)
    visit.change("attention", section="heads")
    assert visit.choose("saliency") == {"text": "It was good.", "layer": "4"}
    assert visit.choose("attention") == {"text": "It was good.", "layer": "4", "order": "most"}


def test_going_back_restores_what_the_address_says(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    first = parameters(visit.app)
    visit.change("attention", section="heads")
    visit.change(token=2, layer=3)
    with monkeypatch.context() as patch:
        patch.setattr(state, "_went_through_history", lambda: True)
        assert visit.open("attention", **first) == first
    visit.choose("saliency")
    visit.change("saliency", section="board")
    visit.change(text="Another text.")
    visit.run()  # the text stands on the page: the menu is drawn with it
    with monkeypatch.context() as patch:
        patch.setattr(state, "_went_through_history", lambda: True)
        assert visit.open("attention", **first) == first
    assert visit.app.session_state["menu"]["saliency"] == {"text": "It was good.", "section": "board"}


def test_a_menu_link_that_is_several_changes_old_takes_nothing_back(visit: Visit) -> None:
    """A click that submits a text and opens a page has the link from before; the menu has been drawn anew meanwhile."""
    old = visit.app.session_state["menu"]["saliency"]
    visit.change(text="Another text.")
    visit.run()
    visit.change(text="A third text.")
    visit.run()
    assert visit.app.session_state["menu"]["saliency"] == {"text": "A third text."}
    assert visit.open("saliency", **old) == {"text": "A third text."}


def test_a_link_of_a_row_leads_to_its_text_although_the_menu_led_there_before(visit: Visit) -> None:
    """The text was open, and its page's menu had the same link; then Back led to the table, whose view has no text."""
    visit.open("attention", text="A row of the table.")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "_went_through_history", lambda: True)
        assert visit.open("models") == {}
    row = visit.app.session_state["row"]
    assert visit.open("saliency", **row) == row == {"text": "A row of the table."}


def test_an_event_that_still_has_the_address_before_takes_nothing_back(visit: Visit) -> None:
    """A click on a picture of the text before is dropped, but its run comes with the address of that text."""
    first = parameters(visit.app)
    after = visit.change(text="Another text.", token=2)
    assert visit.open("attention", **first) == after
    assert visit.open("attention", text="A third text.") == {"text": "A third text."}, "a link says something new"


def test_a_link_to_a_page_forgets_what_it_does_not_say(visit: Visit) -> None:
    assert visit.open("attention", text="Another text.") == {"text": "Another text."}


@pytest.mark.parametrize("values", [{"text": "Another text."}, {"pair": "And more."}, {"model": "sentiment"}])
def test_what_was_said_of_a_text_goes_with_it_on_every_page(visit: Visit, values: dict[str, str]) -> None:
    visit.choose("masked_words")
    assert visit.change("masked_words", masks="2 3", section="lens")["masks"] == "2 3"
    visit.choose("saliency")
    assert visit.app.session_state["menu"]["masked_words"]["masks"] == "2 3"
    visit.change(token=2, until=3, other_text="It was bad.")
    after = visit.change(**values)
    assert not {"token", "until"} & after.keys()
    assert ("other_text" in after) == ("model" in values)
    assert visit.choose("masked_words") == after | {"section": "lens"}


def test_a_new_version_of_the_code_reads_what_an_old_one_kept(visit: Visit) -> None:
    """While someone works on the app, a saved file makes new classes of the same names."""
    old = type("AttentionFields", (AttentionFields,), {})
    visit.app.session_state["page_fields"] = {"attention": old(section="beyond")}
    assert visit.run() == {"text": "It was good.", "section": "beyond"}


def test_a_link_to_another_text_keeps_the_page_s_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"masked_words": MaskedWordsFields(masks="2", section="lens"), "saliency": SaliencyFields()}
    session = {"page_fields": kept}
    monkeypatch.setattr("streamlit.session_state", session)
    session["view"] = {"text": "A text."}
    there = state.View(text="Another.", token=-1)
    assert state.link("masked_words", there, words="she") == {"text": "Another.", "section": "lens", "words": "she"}
    assert "menu_links" not in session


def test_half_a_character_becomes_a_replacement_character(visit: Visit) -> None:
    """No address can hold a lone surrogate, and no page could be drawn with one."""
    assert visit.change(text="bad \ud800 text")["text"] == "bad \ufffd text"
    assert visit.change("attention", heads_off="\udfff")["heads_off"] == "\ufffd"
    assert visit.change(text="whole \U0001f600")["text"] == "whole \U0001f600"
