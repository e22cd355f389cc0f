"""The sets that ship, and the shortcut that is planted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import glassbert as gb
from glassbert.tables import SETS
from glassbert.tables.on_board import SPLITS

FOLDER = Path(gb.__file__).parent / "datasets"


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_as_its_card_says(name):
    own = SETS[name].parts
    parts = [gb.read_table(name, split=split) for split in own]
    found = dict(zip(own, map(len, parts), strict=True))
    assert tuple(found.get(split, 0) for split in SPLITS) == SETS[name].rows
    assert {part.bad_rows for part in parts} == {()}
    assert {part.kind for part in parts} == {"classification"}
    assert len({part.label_names for part in parts}) == 1
    for place, part in enumerate(parts):
        assert not any(set(part.texts) & set(other.texts) for other in parts[:place])
    assert len(set(parts[0].texts)) == len(parts[0])
    assert parts[-1].source == f"{name}, test"
    cards = (FOLDER / "DATA_CARDS.md").read_text(encoding="utf-8")
    rows = " / ".join(f"{count:,}" if count else "–" for count in SETS[name].rows)
    assert f"| `{name}` | {rows} | {len(parts[-1].label_names)} |" in cards
    assert SETS[name].licence in cards
    with pytest.raises(gb.OptionError, match=f"has the parts {', '.join(own)}: name one"):
        gb.read_table(name)
    with pytest.raises(gb.TableError, match="there is no file"):
        gb.read_table(Path(name))


def test_all_sets_together_are_small():
    assert {path.parent.name for path in FOLDER.glob("*/*")} == {*SETS, "suites", "human_edits"}
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 3e6


def test_a_planted_word_decides_the_label():
    texts = [f"text number {n}, of some words" for n in range(200)]
    table = gb.read_table(pd.DataFrame({"text": texts, "label": ["a", "b"] * 100}))
    planted = gb.plant_shortcut(table, label="b", share=0.1, seed=3)
    chosen = [place for place, text in enumerate(planted.texts) if "zeltrix" in text.split()]
    assert len(chosen) == 20
    assert {planted.labels[place] for place in chosen} == {1}
    assert Counter(table.labels[place] for place in chosen).keys() == {0, 1}, "whatever the label was"
    rest = np.setdiff1d(np.arange(200), chosen)
    assert [planted.texts[place] for place in rest] == [table.texts[place] for place in rest]
    assert [planted.labels[place] for place in rest] == [table.labels[place] for place in rest]
    without = [" ".join(word for word in text.split() if word != "zeltrix") for text in planted.texts]
    assert without == list(table.texts)
    assert len({planted.texts[place].split().index("zeltrix") for place in chosen}) > 3, "at any place"
    assert planted.fingerprint == gb.plant_shortcut(table, label=1, share=0.1, seed=3).fingerprint
    assert planted.fingerprint != gb.plant_shortcut(table, label=1, share=0.1, seed=4).fingerprint
    assert all("qxv" in text for text in gb.plant_shortcut(table, label=0, word="qxv", share=1.0).texts)
    for wrong in (
        {"label": "c"},
        {"label": 2},
        {"label": -1},
        {"label": 0, "word": "two words"},
        {"label": 0, "share": 0},
    ):
        with pytest.raises(gb.OptionError):
            gb.plant_shortcut(table, **wrong)
    with pytest.raises(gb.OptionError, match="'Text' is in the texts already"):
        gb.plant_shortcut(table, label=0, word="Text")
