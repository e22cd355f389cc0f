"""The Attention page without a browser: its sections, its charts, what it computes, and links that make no sense."""

from __future__ import annotations

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.gateway.attention import Reading
from components.state import View
from components.views.attention.figures import before_and_after, head_places, ladder, ranks
from components.views.attention.heads import _laid_out, _part
from components.views.attention.shared import heads_of, written
from components.widgets import frontend
from tests.components.widgets.clicks import click, mounted
from tests.pages.workbench import as_read, messages, page, parameters

TEXT = "The old man went to the river."
GAP = "The capital of France is [MASK]."


@pytest.fixture(scope="module")
def pretrained() -> gb.Model:
    return gb.load("pretrained", "cpu")


def attention(**view: str) -> AppTest:
    return page("attention", **{"text": TEXT, "beside": ""} | view)


def header(app: AppTest, key: str) -> dict:
    return frontend.unpack(mounted(app, key).bytes)[0]


def charts(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


# --- sections --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("section", ["heads", "beyond", "roles", "ablation", "bertviz"])
@pytest.mark.parametrize(
    "view",
    [{"token": "2"}, {"pair": "He caught a fish.", "special": "0", "words": "1"}, {"token": "3", "special": "0"}],
    ids=str,
)
def test_every_section_opens(section: str, view: dict[str, str]) -> None:
    assert messages(attention(section=section, **view)) == ""


def test_only_the_open_section_is_drawn() -> None:
    assert len(attention(section="bertviz").get("bidi_component")) == 2  # the two text fields
    assert charts(attention(section="heads")) == []


@pytest.mark.parametrize(
    "view",
    [
        {"section": "nothing"},
        {"section": "heads", "drawn": "x", "colour": "x", "combined": "x", "focus": "x"},
        {"section": "heads", "colour": "next", "order": "x", "only": "x", "least": "999"},
        {"section": "heads", "focus": "rows", "token": "3", "until": "99"},
        {"section": "heads", "focus": "columns", "token": "3", "until": "1"},
        {"section": "heads", "combined": "mean", "chosen": "99.1 x 1.2 .3"},
        {"section": "heads", "threshold": "50", "block": "A→B"},
        {"section": "heads", "threshold": "999"},
        {"section": "beyond", "measures": "nothing attention rollout"},
        {"section": "beyond", "measures": ""},
        {"section": "ablation", "off": "99.99 1.1 -1.2 a.b", "token": "2"},
        {"section": "bertviz", "bertviz": "x"},
        {"section": "heads", "layer": "99", "head": "99"},
    ],
    ids=str,
)
def test_a_link_that_makes_no_sense_still_opens(view: dict[str, str]) -> None:
    assert messages(attention(**view)) == ""


def test_a_block_without_special_tokens_of_its_own_is_what_the_library_gives(pretrained: gb.Model) -> None:
    pair = "He caught a fish."
    sent = header(attention(pair=pair, block="B→A", layer="2", head="3"), "head_heatmap")
    part = gb.attention(pretrained, TEXT, pair).combine([(2, 3)]).block("B→A")
    assert tuple(sent["tokens"]) == part.query_labels
    assert tuple(sent["keys"]) == part.key_labels


def test_the_bars_of_the_map_are_shares_of_the_largest(pretrained: gb.Model) -> None:
    sent = header(attention(colour="next", least="40"), "model_map")
    share = gb.head_profile(gb.attention(pretrained, TEXT)).share("next")
    assert np.allclose(sent["values"], (share / share.max()).ravel(), atol=0.0006)
    assert sent["dimmed"] == [int(dim) for dim in (share / share.max() < 0.4).ravel()]
    assert len(sent["notes"]) == 72


@pytest.mark.parametrize(("order", "sign"), [("most", -1), ("least", 1)])
def test_heads_in_order_of_a_figure(pretrained: gb.Model, order: str, sign: int) -> None:
    sent = header(attention(colour="distance", order=order), "model_map")
    distance = gb.head_profile(gb.attention(pretrained, TEXT)).distance.ravel()
    assert sent["order"] == np.argsort(sign * distance, kind="stable").tolist()
    assert sent["texts"] == [f"{value:.2f}" for value in distance]


@pytest.mark.parametrize("order", ["", "most"])
def test_heads_that_do_not_pass_are_left_out(pretrained: gb.Model, order: str) -> None:
    app = attention(colour="next", least="30", only="1", order=order)
    share = gb.head_profile(gb.attention(pretrained, TEXT)).share("next").ravel()
    passing = [int(index) for index in np.flatnonzero(share / share.max() >= 0.3)]
    assert 0 < len(passing) < 72
    assert header(app, "model_map")["order"] == (sorted(passing, key=lambda i: -share[i]) if order else passing)
    assert f"The map shows {len(passing)} of 72 heads" in "\n".join(caption.value for caption in app.caption)


@pytest.mark.parametrize("view", [{}, {"order": "most"}, {"only": "1"}, {"colour": "next", "only": "1"}], ids=str)
def test_without_a_figure_or_a_limit_the_map_stays_layer_by_layer(view: dict[str, str]) -> None:
    assert header(attention(**view), "model_map")["order"] is None


@pytest.mark.parametrize("how", ["", "most"])
def test_a_map_without_heads_would_be_empty_so_all_are_shown(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.state.view", lambda: View(only=True, order=how))
    order = _laid_out(np.zeros((2, 3)), np.ones((2, 3), dtype=bool))
    assert order == ([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] if how else None)


def test_a_click_on_the_map_opens_the_head() -> None:
    app = attention()
    click(app, "model_map", {"version": header(app, "model_map")["version"], "layer": 3, "head": 11})
    assert not app.exception
    assert (parameters(app)["layer"], parameters(app)["head"]) == ("3", "11")
    assert header(app, "head_heatmap")["label"] == "Attention of Layer 4, head 12"


def test_a_click_on_a_row_selects_its_token() -> None:
    app = attention(special="0")
    event = {"version": header(app, "head_heatmap")["version"], "axis": "query", "index": 2}
    click(app, "head_heatmap", event)
    assert parameters(app)["token"] == "3"  # the third token shown is the fourth of the input


def test_without_a_decision_the_visitor_is_told_once() -> None:
    assert messages(attention(section="ablation")).count("There is no decision to ask about yet") == 1


# --- heads off -------------------------------------------------------------------------------------------------


def test_what_is_shown_without_a_head_is_the_library_s(pretrained: gb.Model) -> None:
    app = attention(text=GAP, section="ablation", off="2.10 4.1")
    before, after = charts(app)[0]["data"]
    position = gb.encode(pretrained, GAP).tokens.index("[MASK]")
    without = gb.ablate(pretrained, [(2, 10), (4, 1)])
    expected = gb.fill_mask(without, GAP, positions=(position,), top_k=50)
    untouched = gb.fill_mask(pretrained, GAP, positions=(position,), top_k=50)
    shares = dict(zip(expected.candidates[0], expected.probabilities[0], strict=True))
    first = untouched.candidates[0][:5]
    assert np.allclose(before["x"][:5], untouched.probabilities[0][:5], atol=1e-6)
    assert np.allclose(after["x"][:5], [shares.get(token, 0) for token in first], atol=1e-6)


def test_the_change_of_each_layer_is_the_weight_that_moved(pretrained: gb.Model) -> None:
    app = attention(text=GAP, section="ablation", off="2.10")
    changes = charts(app)[-1]["data"][0]["y"]
    before = gb.attention(pretrained, GAP).weights
    after = gb.attention(gb.ablate(pretrained, [(2, 10)]), GAP).weights
    assert np.allclose(changes, np.abs(before - after).sum(-1).mean((1, 2)) / 2, atol=1e-6)
    assert changes[:3] == [0, 0, 0]
    assert min(changes[3:]) > 0


def test_clicks_switch_heads_and_layers() -> None:
    app = attention(text=GAP, section="ablation", off="1.1")
    version = header(app, "switches")["version"]
    click(app, "switches", {"version": version, "layer": 1, "head": 1})
    assert "off" not in parameters(app)
    click(app, "switches", {"version": version, "layer": 5, "head": -1})
    assert parameters(app)["off"] == " ".join(f"5.{head}" for head in range(12))
    assert header(app, "switches")["off"] == list(range(60, 72))
    click(app, "switches", {"version": version, "layer": 5, "head": -1})
    assert "off" not in parameters(app)


@pytest.mark.parametrize(
    ("text", "heads"),
    [("", []), ("1.7 2.3", [(1, 7), (2, 3)]), ("1.7 1.7", [(1, 7)]), ("6.0 0.12 -1.2 a.b 1 1.2.3 ².1", [])],
)
def test_heads_in_a_link(text: str, heads: list[tuple[int, int]]) -> None:
    assert heads_of(text, 6, 12) == heads


def test_heads_come_back_as_written() -> None:
    heads = [(0, 0), (2, 11), (5, 3)]
    assert heads_of(written(reversed(heads)), 6, 12) == heads


# --- how maps are read -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rescale", [False, True])
def test_a_reading_is_the_library_s_steps(pretrained: gb.Model, rescale: bool) -> None:
    maps = gb.attention(pretrained, "An unbelievably long day.", "It rained.").maps()
    words = Reading(words=True, special=False, rescale=rescale).of(maps)
    assert np.allclose(words.values, maps.by_word().without_special(rescale).values)
    block = Reading(special=True, block="A→B", rescale=rescale).of(maps)
    assert np.array_equal(block.values, maps.block("A→B", renormalise=rescale).values)
    assert Reading().of(maps) is maps


@pytest.mark.parametrize(("focus", "axis"), [("rows", -2), ("columns", -1)])
def test_a_span_keeps_its_rows_or_columns(pretrained: gb.Model, focus: str, axis: int) -> None:
    maps = gb.attention(pretrained, TEXT).combine([(1, 2)])
    part = _part(maps, focus, 2, 4)
    assert np.array_equal(part.values, np.take(maps.values, [2, 3, 4], axis=axis))
    assert part.rows_sum_to_one == (focus == "rows")
    assert _part(maps, focus, 99, 99) is maps


# --- charts ----------------------------------------------------------------------------------------------------


def test_ranks() -> None:
    assert ranks([np.array([0.1, 0.7, 0.2]), np.array([0.5, 0.5, 0.0])]).tolist() == [[3, 1, 2], [1, 2, 3]]


def test_the_ladder_keeps_whoever_is_among_the_first_anywhere() -> None:
    rows = {"one": np.array([0.5, 0.3, 0.2, 0.0]), "two": np.array([0.0, 0.2, 0.3, 0.5])}
    figure = ladder(rows, ["a", "b", "c", "<d>"], most=2)
    lines = {line.customdata[0][0]: list(line.y) for line in figure.data}
    assert lines == {"a": [1, 4], "&lt;d>": [4, 1]}


def test_before_and_after() -> None:
    figure = before_and_after(["yes", "<b>no"], [0.75, 0.25], [0.5, 0.5])
    assert [list(bar.x) for bar in figure.data] == [[0.75, 0.25], [0.5, 0.5]]
    assert list(figure.layout.yaxis.ticktext) == ["yes", "&lt;b>no"]


def test_every_head_has_its_place(pretrained: gb.Model) -> None:
    distances = gb.head_distances(gb.attention(pretrained, TEXT))
    kinds = ["even" if index % 2 == 0 else "odd" for index in range(72)]
    figure = head_places(distances, kinds, [str(index) for index in range(72)], opened=5)
    placed = {
        int(point[0]): (x, y)
        for dots in figure.data
        for point, x, y in zip(dots.customdata, dots.x, dots.y, strict=True)
    }
    assert [dots.name for dots in figure.data] == ["even", "odd"]
    assert np.allclose([placed[index] for index in range(72)], distances.positions)
    assert list(figure.data[1].marker.symbol).index("diamond") == 2  # head 5 is the third odd one


# --- a long computation ----------------------------------------------------------------------------------------


def test_value_zeroing_of_a_long_text_is_asked_for_and_then_shown(pretrained: gb.Model) -> None:
    text = " ".join([TEXT] * 9)
    app = attention(text=text, section="beyond", measures="rollout value_zeroing", layer="4")
    tokens = len(gb.encode(pretrained, text))
    assert f"{tokens + 2} forward passes" in " ".join(caption.value for caption in app.caption)
    app.button(key="value_zeroing_start").click().run()
    while "value_zeroing_stop" in {button.key for button in app.button}:
        app.run()
    assert messages(app) == ""
    shown = header(app, "measure_value_zeroing")
    assert shown["label"] == "Value zeroing after layer 5"


def test_the_sweep_lists_the_heads_that_the_library_finds(pretrained: gb.Model) -> None:
    app = attention(text=GAP, section="ablation")
    assert "watches the model's first choice" in " ".join(as_read(caption.value) for caption in app.caption)
    app.button(key="sweep_start").click().run()
    while "sweep_stop" in {button.key for button in app.button}:
        app.run()
    assert messages(app) == ""
    position = gb.encode(pretrained, GAP).tokens.index("[MASK]")
    sweep = gb.ablation_sweep(pretrained, GAP, target=gb.MaskTarget(position))
    table = app.dataframe[0].value
    assert table["Change"].tolist() == pytest.approx(sorted(sweep.changes.tolist())[:8], abs=1e-4)
    assert app.button(key="sweep_start").label == "Find them"  # it can be started again
