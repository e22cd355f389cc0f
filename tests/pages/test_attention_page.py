"""The Attention page without a browser: its sections, its charts, what it computes, and links that make no sense."""

from __future__ import annotations

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.gateway.attention import MapDisplay
from components.views.attention.heads import _laid_out, _part
from components.views.attention.shared import heads_of, written
from components.widgets import frontend
from tests.components.widgets.clicks import click, mounted
from tests.conftest import TinyCheckpoint
from tests.pages.workbench import as_read, header, messages, page, parameters

TEXT = "The old man went to the river."
GAP = "The capital of France is [MASK]."


@pytest.fixture(scope="module")
def pretrained() -> gb.Model:
    return gb.load("pretrained", "cpu")


def attention(**view: str) -> AppTest:
    return page("attention", **{"text": TEXT, "beside": ""} | view)


def charts(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


# --- sections --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("section", ["heads", "beyond", "roles", "ablation", "bertviz"])
@pytest.mark.parametrize(
    "view",
    [{"token": "2"}, {"pair": "He caught a fish.", "special": "0", "by_word": "1"}, {"token": "3", "special": "0"}],
    ids=str,
)
def test_every_section_opens(section: str, view: dict[str, str]) -> None:
    assert messages(attention(section=section, **view)) == ""


def test_only_the_open_section_is_drawn() -> None:
    keys = [component.key for component in attention(section="bertviz").get("bidi_component")]
    assert sorted(keys) == ["bertviz", "box_text", "page_keys"]
    assert charts(attention(section="heads")) == []


@pytest.mark.parametrize(
    "view",
    [
        {"section": "nothing"},
        {"section": "heads", "drawn": "x", "mark": "x", "combine": "x", "focus": "x"},
        {"section": "heads", "mark": "next", "order": "x", "hide_dimmed": "x", "dim_below": "999"},
        {"section": "heads", "focus": "rows", "token": "3", "until": "99"},
        {"section": "heads", "focus": "columns", "token": "3", "until": "1"},
        {"section": "heads", "combine": "mean", "combined_heads": "99.1 x 1.2 .3"},
        {"section": "heads", "threshold": "50", "block": "A→B"},
        {"section": "heads", "threshold": "999"},
        {"section": "beyond", "measures": "nothing attention rollout"},
        {"section": "beyond", "measures": ""},
        {"section": "ablation", "heads_off": "99.99 1.1 -1.2 a.b", "token": "2"},
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


def test_parts_of_the_scores_are_shown_one_by_one(tiny_checkpoint: TinyCheckpoint) -> None:
    folder = str(tiny_checkpoint("deberta-v2", "masked_words"))
    whole = attention(model=folder, expert="1", layer="1", head="2")
    part = attention(model=folder, expert="1", layer="1", head="2", part="content_to_position")
    (choice,) = [box for box in part.selectbox if box.label == "Weights from"]
    assert choice.options == ["All parts", "Content to content", "Content to position", "Position to content"]
    assert choice.value == "content_to_position"
    found = gb.score_parts(gb.load(folder, "cpu"), TEXT)
    for app, maps in ((whole, found.weights()), (part, found.alone("content_to_position"))):
        sent, body = frontend.unpack(mounted(app, "head_heatmap").bytes)
        high, low = np.frombuffer(body, dtype=np.uint8).reshape(2, *maps.values.shape[2:]).astype(int)
        np.testing.assert_allclose((high * 256 + low) * sent["step"], maps.values[1, 2], atol=sent["step"])
    told = as_read("\n".join(caption.value for caption in part.caption))
    assert "those that content to position alone would give" in told
    assert messages(part) == ""
    # a link to it opens with a model that has no such parts
    assert not [box for box in attention(expert="1").selectbox if box.label == "Weights from"]
    assert messages(attention(part="content_to_position")) == ""


def test_the_bars_of_the_map_are_shares_of_the_largest(pretrained: gb.Model) -> None:
    sent = header(attention(mark="next", dim_below="40"), "model_map")
    share = gb.head_profile(gb.attention(pretrained, TEXT)).share("next")
    assert np.allclose(sent["values"], (share / share.max()).ravel(), atol=0.0006)
    assert sent["dimmed"] == [int(dim) for dim in (share / share.max() < 0.4).ravel()]
    assert len(sent["notes"]) == 72


@pytest.mark.parametrize(("order", "sign"), [("most", -1), ("least", 1)])
def test_heads_in_order_of_a_figure(pretrained: gb.Model, order: str, sign: int) -> None:
    sent = header(attention(mark="distance", order=order), "model_map")
    distance = gb.head_profile(gb.attention(pretrained, TEXT)).distance.ravel()
    assert sent["order"] == np.argsort(sign * distance, kind="stable").tolist()
    assert sent["texts"] == [f"{value:.2f}" for value in distance]


@pytest.mark.parametrize("order", ["", "most"])
def test_heads_that_do_not_pass_are_left_out(pretrained: gb.Model, order: str) -> None:
    app = attention(mark="next", dim_below="30", hide_dimmed="1", order=order)
    share = gb.head_profile(gb.attention(pretrained, TEXT)).share("next").ravel()
    passing = [int(index) for index in np.flatnonzero(share / share.max() >= 0.3)]
    assert 0 < len(passing) < 72
    assert header(app, "model_map")["order"] == (sorted(passing, key=lambda i: -share[i]) if order else passing)
    assert f"The map shows {len(passing)} of 72 heads" in "\n".join(caption.value for caption in app.caption)


@pytest.mark.parametrize(
    "view", [{}, {"order": "most"}, {"hide_dimmed": "1"}, {"mark": "next", "hide_dimmed": "1"}], ids=str
)
def test_without_a_figure_or_a_limit_the_map_stays_layer_by_layer(view: dict[str, str]) -> None:
    assert header(attention(**view), "model_map")["order"] is None


@pytest.mark.parametrize("how", ["", "most"])
def test_a_map_without_heads_would_be_empty_so_all_are_shown(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.state.fields", lambda group: group(hide_dimmed=True, order=how))
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


def test_words_instead_of_pieces(pretrained: gb.Model) -> None:
    text = "The photographer was unbelievably talkative."
    head = gb.attention(pretrained, text).combine([(1, 7)])
    words = head.by_word()
    assert len(words.queries) < len(head.queries), "this text must have a word of several pieces"
    assert header(attention(text=text, by_word="0"), "head_heatmap")["tokens"] == list(head.query_labels)
    app = attention(text=text)
    (switch,) = [toggle for toggle in app.toggle if "Merge pieces" in toggle.label]
    switch.set_value(True).run()
    assert header(app, "head_heatmap")["tokens"] == list(words.query_labels)
    assert parameters(app)["by_word"] == "1"


def test_heads_left_out_come_back(pretrained: gb.Model) -> None:
    app = attention(mark="previous", dim_below="30", hide_dimmed="1")
    share = gb.head_profile(gb.attention(pretrained, TEXT)).share("previous")
    assert len(header(app, "model_map")["order"]) == int((share / share.max() >= 0.3).sum()) < 72
    (switch,) = [toggle for toggle in app.toggle if "Leave out" in toggle.label]
    switch.set_value(False).run()
    assert header(app, "model_map")["order"] is None


def test_a_text_too_long_for_bertviz_is_told_so() -> None:
    app = attention(text=" ".join(["word"] * 80), section="bertviz")
    assert "82 tokens are too many for this view" in messages(app)
    assert not app.get("iframe")


def test_without_a_decision_the_visitor_is_told_once() -> None:
    assert messages(attention(section="ablation")).count("There is no prediction to analyse yet") == 1


# --- heads off -------------------------------------------------------------------------------------------------


def test_what_is_shown_without_a_head_is_the_library_s(pretrained: gb.Model) -> None:
    app = attention(text=GAP, section="ablation", heads_off="2.10 4.1")
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
    app = attention(text=GAP, section="ablation", heads_off="2.10")
    changes = charts(app)[-1]["data"][0]["y"]
    before = gb.attention(pretrained, GAP).weights
    after = gb.attention(gb.ablate(pretrained, [(2, 10)]), GAP).weights
    assert np.allclose(changes, np.abs(before - after).sum(-1).mean((1, 2)) / 2, atol=1e-6)
    assert changes[:3] == [0, 0, 0]
    assert min(changes[3:]) > 0


def test_clicks_switch_heads_and_layers() -> None:
    app = attention(text=GAP, section="ablation", heads_off="1.1")
    version = header(app, "switches")["version"]
    click(app, "switches", {"version": version, "layer": 1, "head": 1})
    assert "heads_off" not in parameters(app)
    click(app, "switches", {"version": version, "layer": 5, "head": -1})
    assert parameters(app)["heads_off"] == " ".join(f"5.{head}" for head in range(12))
    assert header(app, "switches")["off"] == list(range(60, 72))
    click(app, "switches", {"version": version, "layer": 5, "head": -1})
    assert "heads_off" not in parameters(app)


def test_the_heads_a_prediction_needs(pretrained: gb.Model) -> None:
    app = attention(text=GAP, section="ablation")
    app.button(key="sweep_start").click().run()
    app.session_state["memory_jobs"]["sweep"].wait(100)
    app.run()
    assert "changes when one head is off" in "\n".join(caption.value for caption in app.caption)
    position = gb.encode(pretrained, GAP).tokens.index("[MASK]")
    sweep = gb.ablation_sweep(pretrained, GAP, target=gb.MaskTarget(position))
    worst = int(sweep.changes.argmin())
    (button,) = [button for button in app.button if "Switch these off" in button.label]
    button.click().run()
    off = parameters(app)["heads_off"].split()
    assert len(off) == 8
    assert f"{sweep.layers[worst]}.{sweep.heads[worst]}" in off
    assert header(app, "switches")["off"] == sorted(12 * int(one[0]) + int(one[2:]) for one in off)


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
    words = MapDisplay(words=True, special=False, rescale=rescale).of(maps)
    assert np.allclose(words.values, maps.by_word().without_special(rescale).values)
    block = MapDisplay(special=True, block="A→B", rescale=rescale).of(maps)
    assert np.array_equal(block.values, maps.block("A→B", renormalise=rescale).values)
    assert MapDisplay().of(maps) is maps


@pytest.mark.parametrize(("focus", "axis"), [("rows", -2), ("columns", -1)])
def test_a_span_keeps_its_rows_or_columns(pretrained: gb.Model, focus: str, axis: int) -> None:
    maps = gb.attention(pretrained, TEXT).combine([(1, 2)])
    part = _part(maps, focus, 2, 4)
    assert np.array_equal(part.values, np.take(maps.values, [2, 3, 4], axis=axis))
    assert part.rows_sum_to_one == (focus == "rows")
    assert _part(maps, focus, 99, 99) is maps


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
    assert "tracks the model's top prediction" in " ".join(as_read(caption.value) for caption in app.caption)
    app.button(key="sweep_start").click().run()
    while "sweep_stop" in {button.key for button in app.button}:
        app.run()
    assert messages(app) == ""
    position = gb.encode(pretrained, GAP).tokens.index("[MASK]")
    sweep = gb.ablation_sweep(pretrained, GAP, target=gb.MaskTarget(position))
    table = app.dataframe[0].value
    assert table["Change"].tolist() == pytest.approx(sorted(sweep.changes.tolist())[:8], abs=1e-4)
    assert app.button(key="sweep_start").label == "Find heads"  # it can be started again
