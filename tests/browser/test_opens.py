"""The first look: everything is there, drawn, and on one screen."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.sync_api import expect

from components.shell.navigation import PAGES
from tests.browser.conftest import Open
from tests.browser.workbench import Workbench

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def wider_than_the_screen(bench: Workbench) -> list[str]:
    """What sticks out to the right or left of the window. What a picture clips inside itself does not count."""
    return bench.page.evaluate(
        """() => [...document.querySelectorAll('[data-testid="stMain"] *')]
            .filter((node) => !node.ownerSVGElement && !node.closest(".st-key-examples"))  // which scrolls by itself
            .filter((node) => {
                const box = node.getBoundingClientRect();
                return box.width > 0 && box.height > 0 && (box.right > window.innerWidth + 1 || box.left < -1);
            })
            .map((node) => `${node.tagName} ${node.className} ${Math.round(node.getBoundingClientRect().right)}`)"""
    )


def test_three_panels_are_drawn_and_on_one_screen(open_page: Open) -> None:
    bench = open_page(method="attn_lrp")  # the one that a first visitor sees, with the longest words below it
    bench.expect_pictures()
    for key in ("heads", "heatmap", "strip", "candidates_model", "classes_beside", "saliency", "saliency_bars"):
        box = bench.part(key).bounding_box()
        assert box is not None, key
        assert box["width"] > 200, f"{key} is {box['width']} pixels wide"
        assert box["x"] >= 0, key
        assert box["x"] + box["width"] <= 1440, key
        assert box["y"] + box["height"] <= 900, f"{key} ends {box['y'] + box['height'] - 900} pixels below the screen"
    lefts = [bench.panel(title).bounding_box()["x"] for title in ("Attention", "Predictions", "Saliency")]
    tops = [bench.panel(title).bounding_box()["y"] for title in ("Attention", "Predictions", "Saliency")]
    assert lefts == sorted(lefts)
    assert len(set(tops)) == 1
    assert bench.main().evaluate("(main) => main.scrollHeight - main.clientHeight") == 0, "the page scrolls"
    assert wider_than_the_screen(bench) == []
    bench.expect_painted(bench.page.get_by_test_id("heads-map-canvas"))
    bench.expect_painted(bench.page.get_by_test_id("attention-heatmap-canvas"))
    expect(bench.bars("candidates_model")).to_have_count(9)  # eight candidates and the word that stands there
    expect(bench.bars("classes_beside")).to_have_count(2)
    expect(bench.part("saliency_bars").locator(".point")).to_have_count(15)  # special tokens have none


@pytest.mark.slow
def test_the_menu_leads_to_every_page(open_page: Open) -> None:
    """And the view goes along."""
    bench = open_page(text="Good.", layer=2)
    for page in [*(page for page in PAGES.values() if page.id != "workbench"), PAGES["workbench"]]:
        bench.page.get_by_role("link", name=page.title, exact=True).click()
        expect(bench.page.get_by_role("heading", level=1, name=page.title)).to_be_visible()
        bench.expect_parameters(text="Good.", layer="2")
        bench.settle()
        bench.expect_no_failure()


def test_dark_scheme(open_page: Open) -> None:
    bench = open_page(context={"color_scheme": "dark"})
    bench.expect_pictures()
    bench.expect_painted(bench.page.get_by_test_id("attention-heatmap-canvas"))
    luminance = """(node) => getComputedStyle(node).backgroundColor.match(/[0-9.]+/g).slice(0, 3)
                    .reduce((sum, part) => sum + Number(part), 0) / 765"""
    assert bench.page.get_by_test_id("stApp").evaluate(luminance) < 0.2
    # the emptiest corner of the heatmap, beside the labels, is the dark background and not a white sheet
    corner = bench.page.get_by_test_id("attention-heatmap-canvas").evaluate(
        "(canvas) => [...canvas.getContext('2d').getImageData(1, 1, 1, 1).data]"
    )
    assert corner[3] == 0 or max(corner[:3]) < 60
    assert wider_than_the_screen(bench) == []


def test_phone(open_page: Open) -> None:
    bench = open_page(context=PHONE)
    bench.expect_pictures()
    boxes = [bench.panel(title).bounding_box() for title in ("Attention", "Predictions", "Saliency")]
    for above, below in pairwise(boxes):
        assert above["y"] + above["height"] <= below["y"], "panels are stacked"
    assert {round(box["x"]) for box in boxes} == {round(boxes[0]["x"])}
    assert wider_than_the_screen(bench) == []
    bench.expect_painted(bench.page.get_by_test_id("attention-heatmap-canvas"))
    # the text is on the page, in reach while it scrolls; the menu closes by itself once a page was chosen
    expect(bench.field()).to_be_in_viewport()
    bench.panel("Saliency").scroll_into_view_if_needed()
    expect(bench.field()).to_be_in_viewport()
    menu = bench.page.get_by_test_id("stSidebar").get_by_role("link", name="Inputs")
    expect(menu).not_to_be_in_viewport()
    bench.page.get_by_test_id("stExpandSidebarButton").click()
    menu.click()
    expect(bench.page.get_by_role("heading", level=1, name="Inputs")).to_be_visible()
    expect(menu).not_to_be_in_viewport()
