"""The scripts' types of what Python sends name what Python sends: the type checker of the scripts cannot see both."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from components.widgets import (
    aligned_rows,
    attention_heatmap,
    attention_lines,
    attention_walk,
    dismiss_button,
    frontend,
    heads_map,
    long_text,
    marked_text,
    sentence_box,
    token_strip,
)

MAP = np.full((2, 2), 0.5, dtype=np.float32)
LEVELS = np.full((1, 1, 2, 2), 128, dtype=np.uint8)


def type_of(component: ModuleType, name: str) -> set[str]:
    """The properties of a JSDoc type in the component's scripts."""
    scripts = [path.read_text(encoding="utf-8") for path in Path(component.__file__).parent.glob("*.js")]
    blocks = [block for script in scripts for block in re.findall(r"/\*\*.*?\*/", script, re.DOTALL)]
    (block,) = [block for block in blocks if f"@typedef {{object}} {name}\n" in block]
    return set(re.findall(r"@property \{[^\n]*?\} (\w+)", block))


DRAW: dict[ModuleType, Callable[[], object]] = {
    aligned_rows: lambda: aligned_rows.aligned_rows(
        [aligned_rows.Row("words", "Words", "As typed.", (aligned_rows.Cell("word", 0, 1),))],
        key="k",
        label="Steps",
        columns=1,
        selected=None,
        version="1",
    ),
    attention_heatmap: lambda: attention_heatmap.attention_heatmap(
        MAP, ["a", "b"], key="k", version="1", selected=None, label="Head"
    ),
    attention_lines: lambda: attention_lines.attention_lines(
        MAP, ["a", "b"], ["a", "b"], key="k", version="1", selected_query=None, selected_key=None, label="Lines"
    ),
    attention_walk: lambda: attention_walk.attention_walk(
        MAP, ["a", "b"], path=[0], key="k", version="1", label="Walk"
    ),
    dismiss_button: lambda: dismiss_button.dismiss_button("offer", key="k", label="Dismiss"),
    heads_map: lambda: heads_map.heads_map(LEVELS, key="k", version="1", layer=0, head=0, label="Heads"),
    long_text: lambda: long_text.long_text(
        [("Word", 0.5), (" ", None)], key="k", version="1", label="Text", open_label="Show"
    ),
    marked_text: lambda: marked_text.marked_text(
        "Paris is big.", [marked_text.Mark(0, 5, "LOC", "a place, 98%")], key="k", label="Text", version="1"
    ),
    sentence_box: lambda: sentence_box.sentence_box("Sentence", key="k", value=""),
    token_strip: lambda: token_strip.token_strip(
        [token_strip.Token("word")], key="k", label="Tokens", selected=None, version="1"
    ),
}


def sent(component: ModuleType, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What one drawing sends: the data, or the header of the message."""
    calls: list[Any] = []

    def mount(*, data: Any, **_: Any) -> dict[str, Any]:
        calls.append(data)
        return {}

    monkeypatch.setattr(component, "_mount", mount)
    DRAW[component]()
    (data,) = calls
    return frontend.unpack(data)[0] if isinstance(data, bytes) else data


@pytest.mark.parametrize("component", DRAW, ids=lambda component: component.__name__.rpartition(".")[2])
def test_the_scripts_know_every_field(component: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    data = sent(component, monkeypatch)
    packed = component in (attention_heatmap, attention_lines, attention_walk, heads_map)
    assert type_of(component, "Header" if packed else "Data") == set(data)


def test_the_scripts_know_every_field_of_a_token_and_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    assert type_of(token_strip, "Token") == set(sent(token_strip, monkeypatch)["tokens"][0])
    assert type_of(aligned_rows, "Cell") == set(sent(aligned_rows, monkeypatch)["rows"][0]["cells"][0])
