from __future__ import annotations

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from components.widgets import frontend
from components.widgets.heads_map import (
    WHOLE_LAYER,
    Marks,
    _wire,
    clicked_head,
    clicked_layer,
    heads_map,
)
from tests.components.widgets.clicks import click, mounted

LEVELS = np.zeros((2, 3, 4, 4), dtype=np.uint8)


@pytest.mark.parametrize(("layer", "head"), [(2, 0), (0, 3), (-1, 0)])
def test_a_head_that_is_not_there_is_an_error(layer: int, head: int) -> None:
    with pytest.raises(ValueError, match="layers 0 to 1 and heads 0 to 2"):
        heads_map(LEVELS, key="k", version="v", layer=layer, head=head, label="l")


@pytest.mark.parametrize("levels", [LEVELS / 255, LEVELS[0]])
def test_what_are_no_levels_is_an_error(levels: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"pass \(layer, head, row, column\) of uint8"):
        heads_map(levels, key="k", version="v", layer=0, head=0, label="l")


def map_app() -> None:
    import numpy as np
    import streamlit as st

    from components.widgets.heads_map import heads_map

    levels = np.random.default_rng(0).integers(256, size=(6, 12, 5, 5), dtype=np.uint8)
    signed = st.session_state.get("signed", False)
    st.session_state.clicked = heads_map(
        levels, key="map", version="v1", layer=2, head=5, label="All heads", signed=signed
    )


@pytest.fixture
def app() -> AppTest:
    app = AppTest.from_function(map_app).run()
    assert not app.exception
    return app


@pytest.mark.parametrize("signed", [False, True])
def test_what_the_browser_gets(app: AppTest, signed: bool) -> None:
    app.session_state.signed = signed
    header, body = frontend.unpack(mounted(app.run(), "map").bytes)
    assert (header["layers"], header["heads"], header["rows"], header["columns"]) == (6, 12, 5, 5)
    assert (header["layer"], header["head"], header["version"]) == (2, 5, "v1")
    assert header["signed"] is signed
    assert body == np.random.default_rng(0).integers(256, size=(6, 12, 5, 5), dtype=np.uint8).tobytes()


def test_a_click_is_returned_once_and_only_for_its_version(app: AppTest) -> None:
    click(app, "map", {"version": "v1", "layer": 4, "head": 11})
    assert app.session_state.clicked == (4, 11)
    app.run()
    assert app.session_state.clicked is None
    click(app, "map", {"version": "v0", "layer": 4, "head": 11})
    assert app.session_state.clicked is None


@pytest.mark.parametrize(
    "place", [{"layer": 6, "head": 0}, {"layer": 0, "head": -1}, {"layer": 1}, {"layer": "1", "head": 1}]
)
def test_a_place_that_is_no_head_is_dropped(place: dict) -> None:
    assert clicked_head({"select": {"version": "v", **place}}, "v", 6, 12) is None


def test_marks_travel_head_after_head() -> None:
    values = np.linspace(0, 1, 6).reshape(2, 3)
    marks = Marks(
        values=values,
        dimmed=values < 0.5,
        off={(1, 2), (0, 1)},
        notes=(("a", "b", "c"), ("d", "e", "f")),
    )
    wire = _wire(marks, (2, 3))
    assert wire["values"] == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert wire["dimmed"] == [1, 1, 1, 0, 0, 0]
    assert wire["off"] == [1, 5]
    assert wire["notes"] == ["a", "b", "c", "d", "e", "f"]
    assert wire["order"] is None
    assert _wire(Marks(), (2, 3)) == {
        "values": None, "dimmed": None, "off": [], "notes": [], "order": None, "texts": []
    }  # fmt: skip
    json.dumps(wire)


def test_an_order_travels_as_indices_with_the_text_of_every_head() -> None:
    texts = (("0.1", "0.2", "0.3"), ("0.4", "0.5", "0.6"))
    wire = _wire(Marks(order=[(1, 2), (0, 1), (1, 0)], texts=texts), (2, 3))
    assert wire["order"] == [5, 1, 3]
    assert wire["texts"] == ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6"]


@pytest.mark.parametrize("order", [[], [(0, 0), (0, 0)], [(2, 0)], [(0, -1)], [(0, 0), (1, 3)]])
def test_an_order_of_other_heads_is_an_error(order: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match=r"one of the heads, \(2, 3\), and none of them twice"):
        _wire(Marks(order=order), (2, 3))


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_values_outside_0_to_1_are_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        _wire(Marks(values=np.full((1, 2), value)), (1, 2))


def test_marks_of_another_model_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"one for each head, \(2, 3\)"):
        _wire(Marks(dimmed=np.zeros((3, 2), dtype=bool)), (2, 3))


@pytest.mark.parametrize(
    ("event", "layer"),
    [
        ({"layer": 1, "head": WHOLE_LAYER}, 1),
        ({"layer": 2, "head": WHOLE_LAYER}, None),
        ({"layer": -1, "head": WHOLE_LAYER}, None),
        ({"layer": 1, "head": 0}, None),
        ({"layer": "1", "head": WHOLE_LAYER}, None),
    ],
)
def test_a_click_on_the_number_of_a_layer(event: dict, layer: int | None) -> None:
    assert clicked_layer({"select": {"version": "v", **event}}, "v", 2) == layer
    assert clicked_layer({"select": {"version": "old", **event}}, "v", 2) is None
