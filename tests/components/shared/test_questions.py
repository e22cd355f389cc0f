"""A value from a link is one of a widget's options, or the first of them."""

from __future__ import annotations

import pytest

from components.shared.questions import one_of


@pytest.mark.parametrize(("chosen", "found"), [("b", "b"), ("nonsense", "a"), (None, "a"), ("", "a")])
def test_one_of(chosen: str | None, found: str) -> None:
    assert one_of({"a": 1, "b": 2}, chosen) == found
