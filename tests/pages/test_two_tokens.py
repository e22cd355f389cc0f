"""Two tokens chosen anywhere: all heads ranked by the weight between them, in the map and as a list."""

from __future__ import annotations

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from glassbert.heads.results import HeadRanking
from tests.components.widgets.clicks import click, click_at_once, mounted
from tests.pages.workbench import header, messages, page, parameters, run, selected

TEXT = "The trophy did not fit into the suitcase because it was too big."
TROPHY, SUITCASE, IT = 2, 8, 10


@pytest.fixture(scope="module")
def ranking() -> HeadRanking:
    maps = gb.attention(gb.load("pretrained", "cpu"), TEXT)
    assert (maps.encoded.pieces[TROPHY], maps.encoded.pieces[IT]) == ("trophy", "it")
    return gb.rank_heads(maps, IT, TROPHY)


def alone(page_id: str = "workbench", **view: str) -> AppTest:
    return page(page_id, **{"text": TEXT, "beside": "", "token": str(IT)} | view)


def listed(app: AppTest, key: str) -> list[str]:
    (pills,) = [group for group in app.get("button_group") if group.key.startswith(f"{key}_")]
    return [option.content for option in pills.proto.options]


def expected(ranking: HeadRanking, most: int) -> list[str]:
    stronger = np.maximum(ranking.weights, ranking.reverse)
    best = np.argsort(-stronger, axis=None, kind="stable")[:most]
    heads = [divmod(int(place), stronger.shape[1]) for place in best]
    return [
        f"{layer + 1}·{head + 1} "
        f"{'→' if ranking.weights[layer, head] >= ranking.reverse[layer, head] else '←'} {stronger[layer, head]:.2f}"
        for layer, head in heads
    ]


def test_the_workbench_lists_the_heads_that_link_two_tokens(ranking: HeadRanking) -> None:
    app = alone(toward=str(TROPHY))
    assert messages(app) == ""
    assert listed(app, "linked") == expected(ranking, 4)
    stronger = np.maximum(ranking.weights, ranking.reverse)
    values = np.array(header(app, "heads")["values"]).reshape(stronger.shape)
    np.testing.assert_allclose(values, stronger / stronger.max(), atol=2e-3)
    assert header(app, "heatmap")["second"] == TROPHY
    assert json.loads(mounted(app, "strip").json)["second"] == TROPHY


def test_the_attention_page_names_the_two_tokens_and_lists_their_heads(ranking: HeadRanking) -> None:
    app = alone("attention", toward=str(TROPHY))
    assert messages(app) == ""
    assert listed(app, "ranked") == expected(ranking, 5)
    boxes = {box.label: box for box in app.selectbox}
    assert boxes["Mark heads by"].value == "link"
    assert (boxes["Between"].value, boxes["and"].value) == (IT, TROPHY)
    boxes["and"].set_value(SUITCASE)
    assert parameters(run(app))["toward"] == str(SUITCASE)
    # another mark takes the second token back: it would be marked again
    app.selectbox[[box.label for box in app.selectbox].index("Mark heads by")].set_value("")
    assert "toward" not in parameters(run(app))


def test_a_cell_of_the_map_is_a_pair() -> None:
    app = alone(token="-1")
    assert not any(group.key.startswith("linked") for group in app.get("button_group"))
    event = {"version": header(app, "heatmap")["version"], "axis": "query", "index": IT, "second": TROPHY}
    click(app, "heatmap", event)
    assert (parameters(app)["token"], parameters(app)["toward"]) == (str(IT), str(TROPHY))
    # a click without a second token, on the label of a row, chooses that token alone
    click(app, "heatmap", event | {"index": SUITCASE, "second": None})
    assert parameters(app)["token"] == str(SUITCASE)
    assert "toward" not in parameters(app)


def test_shift_and_a_click_choose_the_second_token_and_take_it_back() -> None:
    app = alone()
    event = {"version": json.loads(mounted(app, "strip").json)["version"], "index": IT, "second": TROPHY}
    click(app, "strip", event)
    assert selected(app) == IT
    assert parameters(app)["toward"] == str(TROPHY)
    click(app, "strip", event | {"second": -1})
    assert selected(app) == IT
    assert "toward" not in parameters(app)


def test_a_strip_that_does_not_know_the_selection_yet_still_makes_a_pair() -> None:
    """Two quick clicks in two strips: the second arrives from one that was drawn before the first click."""
    app = alone()
    version = json.loads(mounted(app, "strip").json)["version"]
    click(app, "strip", {"version": version, "index": TROPHY, "second": TROPHY})
    assert (parameters(app)["token"], parameters(app)["toward"]) == (str(IT), str(TROPHY))
    without = alone(token="-1")
    click(without, "strip", {"version": version, "index": TROPHY, "second": TROPHY})
    assert parameters(without)["token"] == str(TROPHY)
    assert messages(without) == ""


@pytest.mark.parametrize("order", [("strip", "heatmap"), ("heatmap", "strip")])
def test_two_clicks_that_come_with_one_run_are_a_pair_in_any_order(order: tuple[str, str]) -> None:
    """The first token in the map, the second, with Shift, in the strip."""
    app = alone(token="-1")
    events = {
        "strip": {"version": json.loads(mounted(app, "strip").json)["version"], "index": TROPHY, "second": TROPHY},
        "heatmap": {"version": header(app, "heatmap")["version"], "axis": "query", "index": IT},
    }
    click_at_once(app, {key: events[key] for key in order})
    assert (parameters(app)["token"], parameters(app)["toward"]) == (str(IT), str(TROPHY))


@pytest.mark.parametrize("toward", [IT, 99, -5, "x"])
def test_no_pair_is_no_ranking(toward: object) -> None:
    app = alone(toward=str(toward))
    assert messages(app) == ""
    assert not any(group.key.startswith("linked") for group in app.get("button_group"))


def test_words_instead_of_pieces() -> None:
    text = "The ombudsman refunded it."
    encoded = gb.encode(gb.load("pretrained", "cpu"), text)
    pieces = np.flatnonzero(encoded.word_ids == 1)
    assert len(pieces) > 1
    app = alone(text=text, token=str(len(encoded) - 3), toward=str(pieces[0]), by_word="1")
    found = gb.rank_heads(
        gb.attention(gb.load("pretrained", "cpu"), text), len(encoded) - 3, int(pieces[0]), by_word=True
    )
    assert listed(app, "linked") == expected(found, 4)
