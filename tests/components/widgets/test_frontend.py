"""The wire format and the rule that an event belongs to the data it was made on."""

from __future__ import annotations

import json
import struct
import zlib

import pytest
from streamlit.testing.v1 import AppTest

from components.widgets import frontend


def test_pack_is_a_length_a_json_header_and_a_deflated_body() -> None:
    message = frontend.pack({"token": "é中"}, b"\x00\x01" * 9)
    (length,) = struct.unpack("<I", message[:4])
    assert json.loads(message[4 : 4 + length]) == {"token": "é中"}
    assert zlib.decompress(message[4 + length :]) == b"\x00\x01" * 9
    assert frontend.unpack(message) == ({"token": "é中"}, b"\x00\x01" * 9)


def test_pack_refuses_numbers_that_json_has_not() -> None:
    with pytest.raises(ValueError, match="JSON"):
        frontend.pack({"step": float("nan")}, b"")


def test_an_event_is_read_only_for_the_version_it_was_made_on() -> None:
    event = {"version": "a", "index": 3}
    assert frontend.read_event({"select": event}, "a") == event
    assert frontend.read_event({"select": event}, "b") is None


@pytest.mark.parametrize("result", [{}, {"select": None}, {"select": 3}, {"select": {"index": 3}}])
def test_no_event_is_none(result: dict) -> None:
    assert frontend.read_event(result, "a") is None


DRAW = {
    "token_strip": """
from components.token_strip import Token, token_strip
token_strip([Token("word", score=0.5)], key="strip", label="Tokens", selected=None, version="1")
""",
    "aligned_rows": """
from components.aligned_rows import Cell, Row, aligned_rows
rows = [Row("words", "Words", "As typed.", (Cell("word", 0, 1),))]
aligned_rows(rows, key="rows", label="Steps", columns=1, selected=None, version="1")
""",
}


@pytest.mark.parametrize("component", DRAW)
def test_streamlit_need_not_ask_whether_a_payload_is_a_table(component: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question imports pandas and pyarrow, and is asked of everything but plain values and tuples."""

    asked: list[object] = []
    monkeypatch.setattr("streamlit.dataframe_util.determine_data_format", asked.append)
    AppTest.from_string(DRAW[component]).run()
    assert asked == []
