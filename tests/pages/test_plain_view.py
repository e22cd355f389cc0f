"""The plain view says in words what the expert view says in names and numbers, and hides nothing that matters."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from tests.pages.workbench import as_read, page, run

TEXT = "The plot is good but the acting is awful."
#: Neither answer is sure.
TURNS = "The bank refunded the fee after three long phone calls, although nobody ever explained the mistake."


def texts(app: AppTest) -> str:
    return as_read("\n".join(str(element.value) for element in [*app.markdown, *app.caption]))


def options(app: AppTest, label: str) -> list[str]:
    (box,) = [one for one in app.selectbox if one.label == label]
    return list(box.options)


def test_methods_are_named_by_what_they_do() -> None:
    plain = options(page(text=TEXT, expert="0"), "Method")
    expert = options(page(text=TEXT), "Method")
    assert plain == [
        f"{method.label}: {method.in_words[0].lower()}{method.in_words[1:]}" for method in gb.METHODS.values()
    ]
    assert expert == [method.label for method in gb.METHODS.values()]
    assert len(set(plain)) == len(plain)
    assert max(len(method.in_words) for method in gb.METHODS.values()) <= 32


def test_the_same_scores_in_both_views() -> None:
    """Only the words change."""
    from tests.pages.workbench import tokens

    assert tokens(page(text=TEXT, expert="0"), "saliency") == tokens(page(text=TEXT), "saliency")


def test_costs_are_told_in_time() -> None:
    said = {
        expert: texts(page("what_if", text=TEXT, section="smallest", expert=expert, proposals="gradient"))
        for expert in "01"
    }
    assert "passes" in said["1"]
    assert "passes" not in said["0"]
    assert re.search(r"Takes (up to \d+ (s|min)|less than a second)\.", said["0"]), "a search may end early"


def test_formulas_are_a_link_to_the_definitions() -> None:
    plain, expert = (page("masked_words", text="Paris is the capital of [MASK].", expert=view) for view in "01")
    assert any("st-key-formula" in block.proto.body for block in plain.get("html"))
    assert not any("st-key-formula" in block.proto.body for block in expert.get("html"))
    for app in (plain, expert):
        assert [link.proto.label for link in app.get("page_link") if "Definitions: " in link.proto.label]


def test_the_switch_is_kept_in_the_address() -> None:
    app = page(text=TEXT, expert="0")
    (switch,) = [one for one in app.toggle if one.label == "Expert view"]
    switch.set_value(True)
    run(app)
    assert app.query_params["expert"] in ("1", ["1"])


# --- the threshold -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_id", ["workbench", "saliency", "what_if", "compare"])
def test_a_threshold_turns_the_answer(page_id: str) -> None:
    share = float(gb.classify(gb.load("sentiment", "cpu"), TURNS).probabilities[1])
    assert 0.02 < share < 0.98
    for limit, answer in ((int(100 * share) - 1, "POSITIVE"), (int(100 * share) + 1, "NEGATIVE")):
        app = page(page_id, text=TURNS, decide_at=str(limit))
        assert f"<b>{answer}</b>" in badge(app)
    (slider,) = [one for one in app.slider if one.label.startswith("Predict ")]
    slider.set_value(int(100 * share) - 1)
    run(app)
    assert "<b>POSITIVE</b>" in badge(app)
    assert app.query_params["decide_at"] in (str(int(100 * share) - 1), [str(int(100 * share) - 1)])


def badge(app: AppTest) -> str:
    (body,) = [block.proto.body for block in app.get("html") if 'class="gb-answers"' in block.proto.body]
    return body
