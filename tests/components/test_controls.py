"""Widgets that show a value and hand on a choice: what the browser sends by itself is no choice of the user."""

from __future__ import annotations

from typing import Any

import pytest

from components import state


class Page:
    """A page with one widget, as Streamlit runs it. The browser keeps the value of every widget that it has met, and
    sends it with each event; the server forgets the value of a widget that a run does not draw."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, value: Any = "a") -> None:
        self.session: dict[str, Any] = {}
        monkeypatch.setattr("streamlit.session_state", self.session)
        self.value, self.options = value, ["a", "b", "c"]
        self.chosen: list[Any] = []
        self.widgets: dict[str, Any] = {}  # key → callback, of all that were ever drawn
        self.browser: dict[str, Any] = {}  # key → the value that it shows
        self.key = ""

    def choose(self, chosen: Any) -> None:
        self.chosen.append(chosen)
        self.value = chosen

    def draw(self, *, arrives: bool = True, **more: Any) -> dict[str, Any]:
        """``arrives``: whether the browser gets to see it; a run that is replaced by the next one is not sent."""
        drawn = state.control("method", self.value, self.choose, options=self.options, **more)
        self.key = drawn["key"]
        self.widgets[self.key] = drawn["on_change"]
        first = drawn["default"] if "default" in drawn else self.options[drawn["index"]]
        self.session.setdefault(self.key, first)
        if arrives:
            self.browser.setdefault(self.key, first)
        return drawn

    def vanish(self) -> None:
        """A run that does not draw it."""
        self.session.pop(self.key)

    def send(self, *, changed: tuple[str, ...] = ()) -> None:
        """An event: callbacks are called for what is not as the server has it, as Streamlit does."""
        for key, value in self.browser.items():
            if self.session.get(key) != value or key in changed:
                self.session[key] = value
                self.widgets[key]()

    def click(self, value: Any) -> None:
        self.browser[self.key] = value
        self.send()


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    return Page(monkeypatch)


def test_a_choice_is_handed_on_and_the_widget_stays_the_same(page: Page) -> None:
    before = page.draw()["key"]
    page.click("c")
    assert page.chosen == ["c"]
    after = page.draw()
    assert (after["key"], after["default"]) == (before, "c")
    page.click("b")
    page.click("a")  # before the page is drawn again
    assert page.chosen == ["c", "b", "a"]


def test_what_the_browser_sends_of_a_widget_that_is_gone_is_no_choice(page: Page) -> None:
    """Its value is new to the server, which has forgotten it."""
    page.draw()
    page.vanish()
    page.send()
    assert page.chosen == []


def test_a_widget_that_comes_back_shows_what_is_chosen_now(page: Page) -> None:
    page.draw()
    page.click("b")
    page.draw()
    page.vanish()
    page.value = "c"  # a link
    drawn = page.draw()
    page.send()
    assert page.chosen == ["b"]
    assert page.browser[drawn["key"]] == "c"


def test_a_widget_whose_first_message_is_lost_begins_with_its_value(page: Page) -> None:
    """The next run draws the same widget, which the browser then meets for the first time."""
    page.value = "c"
    first = page.draw(arrives=False)["key"]
    second = page.draw()
    assert second["key"] == first
    page.send()
    assert page.chosen == []
    assert page.browser[first] == "c"


def test_a_value_that_the_page_changes_is_not_taken_back(page: Page) -> None:
    page.draw()
    page.value = "b"
    page.draw(arrives=False)
    page.send()
    page.draw()
    page.send(changed=tuple(page.browser))
    assert page.chosen == []
    assert page.value == "b" == page.browser[page.key]


def test_a_click_on_a_widget_that_the_page_is_replacing_counts(page: Page) -> None:
    """The visitor chooses "c" where "a" is still to be seen, and the page has just changed it to "b"."""
    old = page.draw()["key"]
    page.value = "b"
    page.draw(arrives=False)
    page.browser[old] = "c"
    page.send()
    assert page.chosen == ["c"]
    assert page.draw()["default"] == "c"


def test_other_options_make_another_widget(page: Page) -> None:
    old = page.draw()["key"]
    page.options = ["a", "d"]
    new = page.draw()["key"]
    assert old != new
    page.browser[old] = "c"
    page.send()
    assert page.chosen == []
    page.click("d")
    assert page.chosen == ["d"]
    assert page.draw(of="another text")["key"] != new


def test_a_control_that_is_emptied_shows_its_value_again(page: Page) -> None:
    before = page.draw()["key"]
    page.click(None)
    assert page.chosen == []
    after = page.draw()
    assert after["key"] != before
    assert after["default"] == "a"


def test_what_only_picks_can_pick_the_same_twice(page: Page) -> None:
    """Its value is always empty: each choice makes it a new one, and the old one's is not a second choice."""
    page.value = None
    page.choose = page.chosen.append
    page.draw()
    page.click("a")
    page.draw(arrives=False)
    page.send(changed=tuple(page.browser))
    assert page.chosen == ["a"]
    page.draw()
    page.click("a")
    assert page.chosen == ["a", "a"]


def test_each_kind_of_widget_is_told_its_first_value_by_its_own_name(page: Page) -> None:
    assert page.draw(initial="index")["index"] == 0
    page.value = "c"
    assert page.draw(initial="index")["index"] == 2
    assert state.control("text", "so", page.choose)["value"] == "so"
    assert state.control("slider", "b", page.choose, options=page.options, initial="value")["value"] == "b"
