"""View files: data only, bounded, and whatever is wrong with one is a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.gateway.library import version
from components.shell.share import SharedView, shared_view


def file(**said: Any) -> bytes:
    whole = {"glassbert_view": 1, "version": version(), "page": "what_if", "parameters": {"text": "Hi.", "layer": "3"}}
    return json.dumps(whole | said).encode()


def test_a_view_file_is_read() -> None:
    assert shared_view(file()) == SharedView("what_if", {"text": "Hi.", "layer": "3"}, version())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not a view file"),
        (b"\x00\xff\xfe", "not a view file"),
        (b"[" * 100_000, "not a view file"),
        (b"[]", "not a view file"),
        (b'{"page": "what_if"}', "not a view file"),
        (b" " * 1_000_001, "larger than 1 MB"),
        (file(glassbert_view=2, version="9.0"), "by GlassBERT 9.0 in a format that this version"),
        (file(glassbert_view=2, version=["<b>"]), "in a format that this version"),
        (file(glassbert_view=True), "in a format that this version"),
        (file(glassbert_view="1"), "in a format that this version"),
        (file(glassbert_view=-1), "in a format that this version"),
        (file(page="no such page"), "does not have"),
        (file(page=["what_if"]), "does not have"),
        (file(page=None), "does not have"),
        (file(parameters=[]), "damaged"),
        (file(parameters="text"), "damaged"),
    ],
)
def test_what_is_no_view_file_is_told(content: bytes, told: str) -> None:
    found = shared_view(content)
    assert isinstance(found, str)
    assert told in found


def test_only_text_is_taken_from_a_file_and_not_too_much() -> None:
    odd = {"text": "Hi.", "layer": 3, "token": None, "swaps": ["a"], "z": "AAAA", "pair": {"a": 1}}
    found = shared_view(file(parameters=odd | {f"name{number}": "x" for number in range(1_000)}))
    assert isinstance(found, SharedView)
    assert found.parameters["text"] == "Hi."
    assert not {"layer", "token", "swaps", "z", "pair"} & set(found.parameters)
    assert len(found.parameters) <= 200


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps).map(str.encode)
)
def test_nothing_in_a_file_raises(content: bytes) -> None:
    assert isinstance(shared_view(content), str)
