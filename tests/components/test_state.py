"""The view and its address: what a link restores, and what it does with nonsense."""

from __future__ import annotations

from dataclasses import fields, replace
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.examples import FIRST
from components.state import View

FRESH = View()
LONG = "long " * 2_000
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
views = st.builds(
    View,
    model=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    beside=texts,
    device=texts,
    text=texts | st.just(FIRST.text),
    pair=texts | st.just(FIRST.pair),
    layer=st.integers(0, 50),
    head=st.integers(0, 50),
    token=st.integers(-1, 600) | st.just(FIRST.token),
    method=texts,
    explain=texts,
    attend=texts,
    special=st.booleans(),
)


@given(views)
@example(FRESH)
@example(replace(FRESH, token=-1))
@example(replace(FRESH, text="Something else.", token=FIRST.token))
@example(replace(FRESH, text="", pair="", token=-1))
def test_a_link_restores_the_view(view: View) -> None:
    parameters = view.parameters()
    assert View.from_parameters(parameters) == view
    # and on its way through a browser's address bar
    query = parse_qs(urlencode(parameters), keep_blank_values=True)
    assert {name: values[0] for name, values in query.items()} == parameters


def test_a_fresh_view_has_a_bare_address() -> None:
    assert FRESH.parameters() == {}
    assert View.from_parameters({}) == FRESH


@pytest.mark.parametrize("field", [field.name for field in fields(View)])
def test_every_field_is_in_the_address(field: str) -> None:
    value = getattr(FRESH, field)
    other = not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else f"{value}x"
    assert View.from_parameters(replace(FRESH, **{field: other}).parameters()) == replace(FRESH, **{field: other})
    assert field in replace(FRESH, **{field: other}).parameters()


@pytest.mark.parametrize("name", ["layer", "head", "token"])
@pytest.mark.parametrize("written", ["", "x", "1.5", "nan", "0x3", "9" * 5_000, "<b>"])
def test_a_number_that_is_none_falls_back(name: str, written: str) -> None:
    assert View.from_parameters({name: written}) == FRESH


@pytest.mark.parametrize("written", ["", "2", "-1", "true", "x"])
def test_a_switch_that_is_neither_on_nor_off_falls_back(written: str) -> None:
    assert View.from_parameters({"special": written}) == FRESH


@pytest.mark.parametrize(
    ("parameters", "field", "value"),
    [
        ({"layer": "-3"}, "layer", 0),
        ({"head": "-1"}, "head", 0),
        ({"token": "-7"}, "token", -1),
        ({"model": ""}, "model", FRESH.model),
        ({"beside": ""}, "beside", ""),
        ({"special": "0"}, "special", False),
        ({"text": "A text of its own."}, "token", -1),
        ({"pair": "A second text."}, "token", -1),
        ({"text": "A text of its own.", "token": "2"}, "token", 2),
    ],
)
def test_what_a_link_means(parameters: dict[str, str], field: str, value: object) -> None:
    assert getattr(View.from_parameters(parameters), field) == value


def test_what_no_field_is_called_is_ignored() -> None:
    assert View.from_parameters({"utm_source": "mail", "embed": "true", "View": "1"}) == FRESH


@pytest.mark.parametrize("view", [View(text=LONG, token=900), View(pair=LONG), View(text="字" * 3_000)])
def test_a_text_too_long_for_a_link_is_left_out_with_its_selection(view: View) -> None:
    """Servers refuse request lines of more than a few tens of kilobytes; a Chinese sign takes nine characters there."""
    parameters = view.parameters()
    assert parameters.keys().isdisjoint({"text", "pair", "token"})
    assert replace(view, layer=3).parameters() == {"layer": "3"}


@given(st.text(max_size=3_000))
def test_no_address_is_longer_than_a_server_accepts(text: str) -> None:
    clean = text.encode("utf-8", "replace").decode()
    assert len(urlencode(View(text=clean, pair=clean).parameters())) < 10_000
