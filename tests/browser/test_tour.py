"""The tour as a visitor takes it: by keys, left and resumed, on a projector and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from components.views.tour.fields import STEPS
from components.views.tour.steps import STEPS as SCREENS
from tests.browser.conftest import NewContext, Open
from tests.browser.test_opens import PHONE, wider_than_the_screen
from tests.browser.workbench import Workbench

OWN = "A text of my own."


def expect_step(bench: Workbench, number: int) -> None:
    expect(bench.page.get_by_role("heading", level=2, name=SCREENS[number - 1].title)).to_be_visible()
    expect(bench.part("tour_buttons")).to_contain_text(f"{number} of {STEPS}")
    expect(bench.part("tour_caveat").locator("p")).to_be_visible()  # the last thing that is drawn
    bench.settle()


def hidden_height(bench: Workbench) -> int:
    """How much of the page is below the screen."""
    return int(bench.main().evaluate("(main) => main.scrollHeight - main.clientHeight"))


def test_by_keys_left_resumed_and_the_text_untouched(open_page: Open) -> None:
    bench = open_page("inputs", text=OWN)
    bench.go_to("tour")
    expect_step(bench, 1)
    for number in (2, 3):
        bench.page.keyboard.press("ArrowRight")
        expect_step(bench, number)
    bench.page.keyboard.press("ArrowLeft")
    expect_step(bench, 2)
    bench.go_to("inputs")
    expect(bench.field()).to_have_value(OWN)
    # in a field, the arrow keys move in the text
    bench.field().press("ArrowRight")
    bench.go_to("tour")
    expect_step(bench, 2)
    bench.expect_parameters(text=OWN, step="2")
    bench.page.reload()
    expect_step(bench, 2)
    bench.page.get_by_role("button", name="Try this with your own sentence").click()
    expect(bench.page.get_by_role("heading", level=1, name="Inputs")).to_be_visible()
    expect(bench.field()).to_have_value(OWN)
    expect(bench.field()).to_be_focused()


def test_a_question_is_answered_before_the_key_leads_on(open_page: Open) -> None:
    bench = open_page("tour", step=5)
    expect_step(bench, 5)
    guesses = bench.page.locator(".gb-tour-guess")
    expect(guesses).to_have_count(0)
    bench.page.keyboard.press("PageDown")  # what a remote control sends
    expect(guesses).to_have_count(5)
    bench.settle()
    bench.page.keyboard.press("PageDown")
    expect_step(bench, 6)


def test_the_head_walks_and_can_be_paused(server: str, new_context: NewContext) -> None:
    bench = Workbench(new_context(reduced_motion="no-preference").new_page(), server).open_page("tour", step=4)
    walk = bench.page.get_by_test_id("attention-walk")
    expect(walk).to_have_attribute("data-playing", "true")
    expect(walk).to_have_attribute("data-query", "3")  # it began at 2
    bench.page.get_by_test_id("attention-walk-play").click()
    expect(walk).to_have_attribute("data-playing", "false")
    bench.page.get_by_test_id("attention-walk-token").nth(13).click()
    expect(bench.page.get_by_test_id("attention-walk-readout")).to_contain_text("“i” attends to “loved” (84%)")
    expect(bench.page.locator('[data-testid="attention-walk-arc"][data-key="14"]')).to_be_visible()
    bench.page.keyboard.press("ArrowRight")  # the click left the keys to the page
    expect_step(bench, 5)


def test_who_wants_less_motion_gets_none(open_page: Open) -> None:
    bench = open_page("tour", step=4)
    expect(bench.page.get_by_test_id("attention-walk")).to_have_attribute("data-playing", "false")


@pytest.mark.slow
def test_every_step_fits_on_a_projector_and_nothing_is_wider_than_a_phone(open_page: Open) -> None:
    bench = open_page("tour", present=1, context={"viewport": {"width": 1280, "height": 720}})
    phone = open_page("tour", context=PHONE)
    for number in range(1, STEPS + 1):
        for shown in (bench, phone):
            expect_step(shown, number)
            if SCREENS[number - 1].asks:
                shown.page.keyboard.press("ArrowRight")
                expect(shown.part("tour_show")).to_have_count(0)
                shown.settle()
            assert wider_than_the_screen(shown) == []
            assert shown is phone or hidden_height(bench) == 0, f"step {number} does not fit"
            shown.page.keyboard.press("ArrowRight")


def test_the_offer_is_dismissed_for_this_browser(open_page: Open) -> None:
    bench = open_page()
    offer = bench.page.get_by_role("link", name="See BERT in five minutes")
    expect(offer).to_be_visible()
    bench.page.get_by_test_id("dismiss-button").click()
    expect(offer).to_be_hidden()
    bench.page.reload()
    bench.expect_pictures()
    expect(offer).to_be_hidden()
