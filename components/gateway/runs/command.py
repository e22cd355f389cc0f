"""What a run is given: its tables, written in one form, its settings, and the command that trains on them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.gateway.library import gb
from components.gateway.runs import store
from components.gateway.runs.queue import threads
from components.gateway.runs.tables import COLUMNS, Tables, tables_of

if TYPE_CHECKING:
    from glassbert.tables import Table

__all__ = ["PARTS", "arguments", "lines", "written"]

#: The parts of the data, by the argument of the command that names their file.
PARTS = ("data", "dev", "test")


def arguments(run: str) -> list[str]:
    """Write what a run needs into its folder; returns the module that trains, and its arguments.

    Raises GlassBERTError for data that cannot be read.
    """
    request = store.request_of(run)
    if request is None:
        raise gb.GlassBERTError("this run was deleted")
    folder = store.folder_of(run)
    tables = tables_of(run, request)
    files = {part: path for part in PARTS if (path := _write(tables, part, folder)) is not None}
    settings = folder / "settings.toml"
    settings.write_text(written({"threads": threads()} | dict(request.settings) | _pinned(request)), encoding="utf-8")
    out = store.model_folder(request)
    out.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text, pair, label = COLUMNS[tables.train.kind]
    columns = {"text": text, "label": label, "kind": tables.train.kind, "pair": pair if tables.train.pairs else ""}
    store.change(run, kind=tables.train.kind, has_pairs=bool(tables.train.pairs))
    given = {**{name: str(path) for name, path in files.items()}, **columns, "base": request.base, "out": str(out)}
    return ["glassbert", "finetune", *_options(given | {"settings": str(settings)})]


def _options(given: Mapping[str, str]) -> list[str]:
    """One word for each: a value may begin with a dash."""
    return [f"--{name}={value}" for name, value in given.items() if value]


def _pinned(request: store.RunRequest) -> dict[str, Any]:
    return {"pinned": list(request.pinned)} if request.pinned else {}


def _write(tables: Tables, part: str, folder: Path) -> Path | None:
    table = {"data": tables.train, "dev": tables.dev, "test": tables.test}[part]
    if table is None:
        return None
    path = folder / store.TABLE_FILES[part]
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines(table))
    return path


def lines(table: Table) -> Iterator[dict[str, Any]]:
    """The rows of a table as objects, from which `gb.read_table` reads an equal one."""
    names = table.label_names
    for index, text in enumerate(table.texts):
        label = table.labels[index] if table.labels else None
        if table.kind == "spans":
            answers = {"text": [said for _, said in label or ()], "answer_start": [start for start, _ in label or ()]}
            yield {"question": text, "context": table.pairs[index], "answers": answers}
            continue
        if table.kind == "tokens":
            yield {"words": list(table.words[index]), "label": [names[one] for one in label or ()]}
            continue
        line: dict[str, Any] = {"text": text}
        if table.pairs:
            line["pair"] = table.pairs[index]
        if table.kind == "classification":
            line["label"] = names[label] if label is not None else ""
        elif table.kind == "multi_label":
            line["label"] = [names[one] for one in label or ()]
        elif table.kind == "regression":
            line["label"] = label
        yield line


def written(values: Mapping[str, Any]) -> str:
    """Settings as TOML: names, and numbers, strings, truth values or lists of them."""
    # JSON is TOML here, but for one control character that TOML wants escaped
    return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items()).replace(
        "\x7f", "\\u007F"
    )
