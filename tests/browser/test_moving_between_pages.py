"""From page to page by the menu, back and forward, and by a link: each page keeps its own choices."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from components.examples import EXAMPLES
from tests.browser.conftest import NewContext
from tests.browser.workbench import Workbench

VIEW = {"text": "It was not bad.", "method": "input_x_gradient"}


def open_section(bench: Workbench, name: str) -> Locator:
    """The segment of the control that is pressed."""
    return bench.main().get_by_role("radio", name=name, checked=True)


def test_each_page_keeps_its_section(server: str, new_context: NewContext) -> None:
    bench = Workbench(new_context().new_page(), server).open_page("attention", **VIEW, section="bertviz")
    expect(open_section(bench, "BertViz")).to_be_visible()
    bench.go_to("inputs")
    assert bench.parameters() == VIEW
    bench.main().get_by_role("radio", name="The network").click()
    bench.expect_parameters(section="network")
    # the click on the menu closes the popover, which asks for a run of the page that is left
    bench.main().get_by_role("button", name="Save & code").click()
    expect(bench.page.get_by_text("The same in Python")).to_be_visible()
    bench.go_to("attention")
    expect(open_section(bench, "BertViz")).to_be_visible()
    assert bench.parameters() == VIEW | {"section": "bertviz"}
    bench.page.go_back()
    expect(open_section(bench, "The network")).to_be_visible()
    bench.page.go_back()
    expect(open_section(bench, "From text to numbers")).to_be_visible()
    bench.page.go_forward()
    expect(open_section(bench, "The network")).to_be_visible()
    bench.page.reload()
    expect(open_section(bench, "The network")).to_be_visible()
    assert bench.parameters() == VIEW | {"section": "network"}


def test_a_choice_that_all_pages_share_outlives_a_menu_drawn_before_it(server: str, new_context: NewContext) -> None:
    """A click in a picture draws the picture again, not the menu."""
    bench = Workbench(new_context().new_page(), server).open_page("attention", **VIEW)
    bench.open_head(4, 9)
    bench.expect_parameters(layer="4", head="9")
    bench.go_to("inputs")
    bench.expect_parameters(layer="4", head="9")


def test_a_text_that_is_typed_and_left_for_another_page_comes_along(server: str, new_context: NewContext) -> None:
    """The click on the menu takes the focus from the field, which submits the text; the page must not come first."""
    bench = Workbench(new_context().new_page(), server).open_page("inputs", text="It was not bad.")
    bench.field().fill("Typed for this page.")
    bench.go_to("inputs")  # the link of the page itself
    bench.expect_parameters(text="Typed for this page.")
    bench.field().fill("Typed, and not entered.")
    bench.go_to("next_sentence")
    expect(bench.field()).to_have_value("Typed, and not entered.")
    bench.expect_parameters(text="Typed, and not entered.")
    bench.page.keyboard.press("/")
    expect(bench.field()).to_be_focused()
    bench.page.keyboard.type("p and p")
    assert "present" not in bench.parameters(), "a shortcut is no shortcut in a field"


def test_what_is_typed_and_not_entered_outlives_a_page_a_reload_and_an_example(
    server: str, new_context: NewContext
) -> None:
    """Each way of leaving a field starts a run that could come before, or instead of, what was typed."""
    bench = Workbench(new_context().new_page(), server).open_page("definitions", text="It was not bad.")
    bench.page.get_by_role("textbox", name="Search").fill("baseline")
    bench.go_to("inputs")
    bench.go_to("definitions")
    expect(bench.page.get_by_role("textbox", name="Search")).to_have_value("baseline")
    bench.go_to("inputs")
    bench.field().fill("Typed, and reloaded.")
    bench.page.reload()
    bench.expect_parameters(text="Typed, and reloaded.")
    expect(bench.field()).to_have_value("Typed, and reloaded.")
    bench.settle()
    bench.field().fill("Typed, and left for an example.")
    example = EXAMPLES["fact"]
    bench.part("examples").get_by_role("radio", name=example.label, exact=True).click(delay=500)  # longer than a run
    expect(bench.field()).to_have_value(example.text)
    bench.part("recent").get_by_role("button").click()
    expect(bench.page.get_by_role("button", name="Typed, and left for an example.")).to_be_visible()


def test_a_page_is_presented_and_left_by_a_key(server: str, new_context: NewContext) -> None:
    bench = Workbench(new_context().new_page(), server).open_page("inputs", text="It was not bad.")
    menu = bench.page.get_by_role("link", name="Attention")
    bench.page.get_by_test_id("page-keys").wait_for(state="attached")
    expect(menu).to_be_visible()
    for leave in ("p", "Escape"):
        bench.page.keyboard.press("p")
        bench.expect_parameters(present="1")
        expect(menu).to_be_hidden()
        bench.settle()
        bench.page.keyboard.press(leave)
        expect(menu).to_be_visible()
        bench.until(lambda: "present" not in bench.parameters(), lambda: bench.page.url)
        bench.settle()
    bench.page.keyboard.press("Escape")  # it only leaves
    bench.page.wait_for_timeout(300)
    assert "present" not in bench.parameters()


def test_text_typed_into_any_field_outlives_back_and_reload(server: str, new_context: NewContext) -> None:
    """The field never loses the focus, so nothing was submitted."""
    bench = Workbench(new_context().new_page(), server).open_page("inputs", **VIEW)
    bench.go_to("next_sentence")
    field = bench.main().get_by_label("Continuations, one per line")
    field.fill("The waiter was never rude.")
    bench.page.go_back()
    expect(field).to_have_count(0)
    bench.page.go_forward()
    expect(field).to_have_value("The waiter was never rude.")
    expect(bench.page).to_have_url(re.compile("never.rude"))  # it was submitted
    bench.go_to("compare")
    bench.main().get_by_role("radio", name="Two texts on one model").click()
    field = bench.main().get_by_label("Second text")
    field.fill("It was never bad.")
    bench.page.reload()
    expect(field).to_have_value("It was never bad.")
    expect(bench.page).to_have_url(re.compile("never.bad"))
