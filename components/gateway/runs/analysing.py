"""The run of an analysis: the command that does it, and how far it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from components.gateway.library import gb
from components.gateway.runs import store

__all__ = ["arguments", "is_complete", "progress"]

_PROGRESS = "analysed.json"
#: Random orders that a receipt compares with: a quarter of what one text is checked with, at a quarter of the cost.
_ORDERINGS = 25


def arguments(run: str, threads: int) -> list[str]:
    """The module that analyses the table of a run, and its arguments. Raises GlassBERTError if the run is gone."""
    request = store.request_of(run)
    if request is None:
        raise gb.GlassBERTError("this run was deleted")
    source = request.source if request.on_board else str(store.data_file(run, request))
    settings = request.settings
    given = {
        "out": str(store.analysis_folder(run, request)),
        "model": request.base,
        "device": "cpu",
        "receipts": str(settings.get("receipts", 0.0)),
        "orderings": str(_ORDERINGS),
        "threads": str(threads),
        "progress": str(store.folder_of(run) / _PROGRESS),
        **{name: value for name, value in request.columns.items() if name in ("text", "pair", "label")},
    }
    if names := settings.get("label_names"):
        given["label-names"] = ",".join(names)
    methods = [str(one) for one in settings.get("methods", ())]
    # one word for each: a value may begin with a dash
    options = [f"--{name}={value}" for name, value in given.items() if value]
    return ["glassbert", "analyse", *options, "--methods", *methods, "--", source]


def progress(run: str) -> int:
    """How many rows are done."""
    done = _read(store.folder_of(run) / _PROGRESS).get("done", 0)
    return done if isinstance(done, int) else 0


def is_complete(run: str, request: store.RunRequest) -> bool:
    """Whether its result folder says that it is."""
    return _read(store.analysis_folder(run, request) / "manifest.json").get("complete") is True


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
