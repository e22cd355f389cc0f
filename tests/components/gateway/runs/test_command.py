"""What a run is given: tables that are read back as they were, settings, and a command that nothing in them changes."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import glassbert as gb
from components.gateway import settings as gateway
from components.gateway.runs import store
from components.gateway.runs.command import arguments, written
from components.gateway.runs.tables import SHORTCUT, offered_files, on_board, read_offered, tables_of, trained_on
from glassbert.tables.on_board import SETS
from tests.components.gateway.runs.conftest import Allow


def as_lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


TWENTY = range(20)
FILES: dict[str, tuple[str, str]] = {
    "classification": ("a.csv", "text,label\n" + "".join(f'"One, {n} ""x""",b\n"Zwei\n{n}",a\n' for n in range(10))),
    "pairs": ("a.csv", "text,pair,label\n" + "".join(f"One {n},two,1\nThree {n},four,0\n" for n in range(10))),
    "regression": ("a.csv", "text,label\n" + "".join(f"Text {n},{n / 7:.3f}\n" for n in TWENTY)),
    "multi_label": ("a.jsonl", as_lines(*({"text": f"Text {n}", "label": ["x", "y"][: n % 3]} for n in TWENTY))),
    "tokens": ("a.jsonl", as_lines(*({"words": ["Anna", f"{n}"], "tags": ["B-PER", "O"]} for n in TWENTY))),
    "spans": (
        "a.jsonl",
        as_lines(
            *(
                {"question": "Who?", "context": f"Anna {n}.", "answers": {"text": ["Anna"], "answer_start": [0]}}
                for n in TWENTY
            )
        ),
    ),
    "texts": ("a.txt", "".join(f"Line {n}, with a comma.\n" for n in TWENTY)),
}


def contents(table: gb.Table) -> list[Any]:
    labels = [table.label_text(index) for index in range(len(table))]
    return [table.kind, table.texts, table.pairs, table.words, labels]


@pytest.mark.parametrize("form", FILES)
def test_what_is_trained_on_is_what_was_read(form: str, allow: Allow) -> None:
    allow()
    name, content = FILES[form]
    run = store.create(name, name, content.encode())
    request = store.request_of(run)
    assert request is not None
    tables = tables_of(run, request)
    assert tables.train.kind == ("classification" if form == "pairs" else form)
    assert tables.dev is not None
    assert len(tables.train) + len(tables.dev) == 20
    given = arguments(run)
    options = dict(one.removeprefix("--").split("=", 1) for one in given[2:])
    assert given[:2] == ["glassbert", "finetune"]
    assert (options["kind"], options["base"]) == (tables.train.kind, "pretrained")
    assert "test" not in options
    columns = [options.get(name) for name in ("text", "pair", "label")]
    again = gb.read_table(options["data"], *columns, kind=options["kind"])
    assert contents(again) == contents(tables.train)
    assert again.bad_rows == ()
    for part, table in (("data", tables.train), ("dev", tables.dev)):
        kept = trained_on(run, part)
        assert kept is not None
        assert contents(kept) == contents(table)
    assert trained_on(run, "test") is None


def test_the_rows_for_the_test_have_the_labels_of_the_training(allow: Allow) -> None:
    allow()
    run = store.create("a.csv", "a.csv", FILES["classification"][1].encode())
    store.change(run, held_out=0, test=store.add_data(run, "t.csv", b"text,label\nNew,a\nOther,c\n", "test"))
    request = store.request_of(run)
    assert request is not None
    tables = tables_of(run, request)
    assert (len(tables.train), tables.dev) == (20, None)
    assert tables.test is not None
    assert tables.test.label_names == tables.train.label_names == ("a", "b")
    assert [row.row for row in tables.test.bad_rows] == [3]
    arguments(run)
    kept = trained_on(run, "test")
    assert kept is not None
    assert contents(kept) == contents(replace(tables.test))


def test_settings_are_toml_whatever_a_sentence_contains(allow: Allow) -> None:
    folder = allow()
    run = store.create("a.csv", "a.csv", FILES["classification"][1].encode())
    odd = ('He said "no" \\ = [x] # not', "naïve 🙂 \x7f\u2028", "--out=elsewhere")
    store.change(run, settings={"epochs": 2, "learning_rate": 1e-05, "record": False, "head": "new"}, pinned=odd)
    given = arguments(run)
    said = tomllib.loads((folder / run / "settings.toml").read_text(encoding="utf-8"))
    assert said.pop("threads") >= 1
    assert said == {"epochs": 2, "learning_rate": 1e-05, "record": False, "head": "new", "pinned": list(odd)}
    assert not any(one.startswith("--out=elsewhere") for one in given)
    assert tomllib.loads(written({"a": [], "b": ""})) == {"a": [], "b": ""}


def test_a_table_that_is_too_long_is_refused(allow: Allow, monkeypatch: pytest.MonkeyPatch) -> None:
    from components.gateway.runs import tables
    from components.gateway.settings import Settings

    allow()
    run = store.create("a.csv", "a.csv", FILES["regression"][1].encode())
    monkeypatch.setattr(tables, "settings", lambda: Settings(rows=10))
    request = store.request_of(run)
    assert request is not None
    with pytest.raises(gb.TableError, match="10"):
        tables_of(run, request)
    assert not Path(store.folder_of(run), "train.jsonl").exists()


def test_a_shared_server_reads_the_files_in_its_folders_and_no_others(
    allow: Allow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from components.gateway.runs import tables

    folder = tmp_path / "offered"
    folder.mkdir()
    for name in ("a.csv", "b.JSONL.gz", "notes.md"):
        (folder / name).write_text(name)
    (tmp_path / "private.csv").write_text("secret")
    allow(mode="shared", tables=(str(folder),))
    monkeypatch.setattr(tables, "settings", gateway.settings)
    assert [Path(path).name for path in offered_files()] == ["a.csv", "b.JSONL.gz"]
    assert read_offered(str(folder / "a.csv")) == b"a.csv"
    for other in (tmp_path / "private.csv", folder / ".." / "private.csv", folder / "notes.md", folder / "none.csv"):
        with pytest.raises(gb.GlassBERTError, match="offers only the tables in its list"):
            read_offered(str(other))
    allow(mode="local")
    assert read_offered(str(tmp_path / "private.csv")) == b"secret"
    with pytest.raises(gb.GlassBERTError, match="cannot be read: No such file"):
        read_offered(str(tmp_path / "none.csv"))


def test_the_sets_on_board_and_the_teaching_example_are_tables_with_all_parts(allow: Allow) -> None:
    allow()
    offered = on_board()
    assert list(offered) == [*(one for one in SETS if SETS[one].rows[0]), SHORTCUT]
    run = store.create("Teaching example", SHORTCUT)
    request = store.request_of(run)
    assert request is not None
    tables = tables_of(run, request)
    for table in (tables.train, tables.dev, tables.test):
        assert table is not None
        planted = {table.label_text(place) for place, text in enumerate(table.texts) if "zeltrix" in text}
        assert len(planted) == 1
        assert sum("zeltrix" in text for text in table.texts) == round(len(table) / 10)
    assert len(tables.train) == 1000
