"""One folder for each run, a training or an analysis, from which all about it is read; nothing is only in memory.

    RUNS/<id>/request.json      what was chosen, see `RunRequest`
    RUNS/<id>/data.csv          the table as it was uploaded or copied
    RUNS/<id>/train.jsonl …     the tables as they are trained on, written when the run starts
    RUNS/<id>/settings.toml     … and what was chosen for the command
    RUNS/<id>/outcome.json      why it ended, unless it came to its end or was stopped
    RUNS/models/<key>/<name>            the model, once it is done
    RUNS/models/<key>/<name>.training   … and what the command keeps until then
    RUNS/<id>/analysis                  of an analysis: its result folder, which can be opened while it grows

The id is 128 random bits: on a server that others use, whoever has it may see, stop and delete the run. The key of the
model, which is in the address of every page that shows it, is another one.
"""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import shutil
import time
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from components.gateway.files import slug
from components.gateway.library import gb
from components.gateway.settings import is_shared, runs_folder, settings, tuned_folder
from components.text import well_formed

__all__ = [
    "ENDINGS",
    "TABLE_FILES",
    "RunRequest",
    "Work",
    "add_data",
    "analysis_folder",
    "bytes_taken",
    "change",
    "copy",
    "create",
    "data_file",
    "delete",
    "folder_of",
    "is_id",
    "listing",
    "make_room",
    "model_folder",
    "request_of",
    "test_file",
    "training_folder",
    "write_outcome",
    "written_outcome",
    "zipped_model",
]

#: What a table may be, by the end of its file's name; each also compressed, as .gz.
ENDINGS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet")
#: The tables as they are trained on, by the part of the data.
TABLE_FILES = {"data": "train.jsonl", "dev": "dev.jsonl", "test": "test.jsonl"}
_ID = re.compile("[0-9a-f]{32}")
_NAME_CHARACTERS = 60
_FORGOTTEN_SECONDS = 24 * 3600


#: What a run does; their lists are on pages of their own.
Work = Literal["training", "analysis"]


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What was chosen for a run. ``columns``: what `gb.read_table` is told, by argument; what is missing is guessed.

    ``settings`` has only what differs from the defaults; ``held_out`` is the percentage of rows that are kept from
    training where the data has no part of its own for that. ``started``: whether it was ever sent to the queue.
    """

    name: str  # for people
    source: str  # a set on board, or the name of the file in the run's folder
    on_board: bool
    key: str
    created: float
    test: str = ""  # a second file, which is only tested on
    columns: Mapping[str, str] = field(default_factory=dict)
    held_out: int = 20
    base: str = "pretrained"
    settings: Mapping[str, Any] = field(default_factory=dict)
    pinned: tuple[str, ...] = ()
    started: bool = False
    kind: str = ""  # of the tables, once they are written
    has_pairs: bool = False
    work: Work = "training"
    folder: str = ""  # of an analysis that the command line made: its result folder, which stays where it is


def is_id(written: str) -> bool:
    """Whether this has the form of an id; nothing is looked up."""
    return _ID.fullmatch(written) is not None


def folder_of(run: str) -> Path:
    """The folder of a run. Raises ValueError for what is no id: an address never becomes a path."""
    if not is_id(run):
        raise ValueError("not the id of a run")
    return runs_folder() / run


def create(name: str, source: str, content: bytes | None = None, **chosen: Any) -> str:
    """A new run on a set on board (``content`` None) or a table; returns its id. ``source``: the set, or a file name.

    ``chosen`` are further fields of its request. Raises GlassBERTError if the server keeps no more runs, or the file
    cannot be a table.
    """
    make_room(len(content or b""))
    run = secrets.token_hex(16)
    folder = folder_of(run)
    request = RunRequest(_clean(name), source, content is None, secrets.token_hex(16), time.time(), **chosen)
    try:
        with _kept_on_disk():
            folder.mkdir(parents=True, mode=0o700)
        if content is not None:
            request = replace(request, source=add_data(run, source, content))
        _write(folder / "request.json", asdict(request))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return run


def add_data(run: str, name: str, content: bytes, part: str = "data") -> str:
    """Keep a file of a run, and return the name that it has there. Raises GlassBERTError for no table."""
    suffix = _ending(name)
    most = settings().upload
    if len(content) > most * 1_000_000:
        raise gb.GlassBERTError(f"a table may have at most {most:,} MB here; this one has {len(content) / 1e6:,.0f} MB")
    kept = f"{part}{suffix}"
    with _kept_on_disk():
        (folder_of(run) / kept).write_bytes(content)
    return kept


def _ending(name: str) -> str:
    low = name.casefold()
    packed = ".gz" if low.endswith(".gz") else ""
    found = next((ending for ending in ENDINGS if low.removesuffix(".gz").endswith(ending)), None)
    if found is None:
        raise gb.GlassBERTError(
            f"the name of a table ends in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}, or in one of these and .gz; "
            f"this one is called {_clean(name)!r}"
        )
    return found + packed


def data_file(run: str, request: RunRequest) -> Path:
    """The table of a run that is not on a set on board."""
    return folder_of(run) / Path(request.source).name


def test_file(run: str, request: RunRequest) -> Path | None:
    """The table that is only tested on, if there is one."""
    return folder_of(run) / Path(request.test).name if request.test else None


def request_of(run: str) -> RunRequest | None:
    """What was chosen for a run; None if there is none of this id."""
    if not is_id(run):
        return None
    written = _read(folder_of(run) / "request.json")
    names = {each.name for each in fields(RunRequest)}
    try:
        found = RunRequest(**{name: value for name, value in written.items() if name in names})
    except TypeError:  # written by hand, or by a version to come
        return None
    return replace(found, pinned=tuple(found.pinned))


def change(run: str, **values: Any) -> RunRequest | None:
    """Change what was chosen for a run; None if it is gone. Raises GlassBERTError if the disk refuses it."""
    before = request_of(run)
    if before is None:
        return None
    after = replace(before, **values)
    _write(folder_of(run) / "request.json", asdict(after))
    return after


def listing(work: Work | None = None) -> Iterator[tuple[str, RunRequest]]:
    """All runs, or those that do this work, the newest first."""
    try:
        runs = [entry.name for entry in runs_folder().iterdir() if is_id(entry.name)]
    except OSError:
        return
    found = [(run, request) for run in runs if (request := request_of(run)) is not None]
    found = [(run, request) for run, request in found if work is None or request.work == work]
    yield from sorted(found, key=lambda one: -one[1].created)


def model_folder(request: RunRequest) -> Path:
    """Where the model is, once the run is done. Its last part is the name that pages show."""
    return tuned_folder() / request.key / (slug(request.name) or "model")


def training_folder(request: RunRequest) -> Path:
    """Where the command keeps its checkpoints, and says how far it is."""
    folder = model_folder(request)
    return folder.with_name(f"{folder.name}.training")


def analysis_folder(run: str, request: RunRequest) -> Path:
    """The result folder of an analysis."""
    return Path(request.folder) if request.folder else folder_of(run) / "analysis"


def copy(run: str) -> str:
    """A new run with the data and the settings of this one, not started; returns its id. Raises GlassBERTError."""
    request = request_of(run)
    if request is None:
        raise gb.GlassBERTError("this run was deleted")
    files = [] if request.on_board else [data_file(run, request)]
    test = test_file(run, request)
    files += [] if test is None else [test]
    make_room(sum(path.stat().st_size for path in files))
    new = secrets.token_hex(16)
    folder = folder_of(new)
    with _kept_on_disk():
        folder.mkdir(parents=True, mode=0o700)
        for path in files:
            shutil.copyfile(path, folder / path.name)
    fresh = replace(request, key=secrets.token_hex(16), created=time.time(), started=False, kind="", has_pairs=False)
    _write(folder / "request.json", asdict(fresh))
    return new


def delete(run: str) -> None:
    """Remove a run with its data and its model. It must not be running."""
    request = request_of(run)
    if request is not None and is_id(request.key):
        shutil.rmtree(tuned_folder() / request.key, ignore_errors=True)
    shutil.rmtree(folder_of(run), ignore_errors=True)


def zipped_model(request: RunRequest) -> bytes:
    """The folder of the model as a zip file; weights hardly get smaller, so nothing is compressed."""
    folder, file = model_folder(request), io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packed.write(path, Path(folder.name) / path.relative_to(folder))
    return file.getvalue()


def bytes_taken() -> int:
    """What all runs take on the disk."""
    total = 0
    for folder, _, names in os.walk(runs_folder()):
        for name in names:
            try:
                total += Path(folder, name).lstat().st_size
            except OSError:  # gone in the meantime
                continue
    return total


def write_outcome(run: str, sentence: str) -> None:
    """Keep why a run ended; "" forgets it."""
    path = folder_of(run) / "outcome.json"
    if sentence:
        _write(path, {"sentence": sentence})
    else:
        path.unlink(missing_ok=True)


def written_outcome(run: str) -> str:
    """Why a run ended, if it failed; else ""."""
    sentence = _read(folder_of(run) / "outcome.json").get("sentence", "")
    return sentence if isinstance(sentence, str) else ""


def make_room(more: int, runs: int = 1) -> None:
    """Raise GlassBERTError unless there is room for this many bytes more and so many new runs.

    On a shared server, runs that nobody started within a day go when there is none.
    """
    allowed = settings()
    if is_shared() and (
        sum(1 for _ in listing()) + runs > allowed.most_runs or bytes_taken() + more > allowed.disk * 1_000_000
    ):
        for run, request in list(listing()):
            if not request.started and time.time() - request.created > _FORGOTTEN_SECONDS:
                delete(run)
    count = sum(1 for _ in listing())
    if count + runs > allowed.most_runs:
        raise gb.GlassBERTError(
            f"this server keeps at most {allowed.most_runs:,} runs, and has {count:,}: delete one that is no longer "
            "needed"
        )
    taken = bytes_taken() + more
    if taken > allowed.disk * 1_000_000:
        raise gb.GlassBERTError(
            f"the runs on this server may take {allowed.disk:,} MB together, and would take {taken / 1e6:,.0f} MB: "
            "delete one that is no longer needed"
        )


def _clean(name: str) -> str:
    """A name for people: one line, without control characters."""
    kept = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in well_formed(name))
    return " ".join(kept.split())[:_NAME_CHARACTERS] or "table"


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, values: Mapping[str, Any]) -> None:
    """Whole or not at all: a reader never sees half a file."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with _kept_on_disk():
        try:
            new.write_text(json.dumps(values), encoding="utf-8")
            new.replace(path)
        except OSError:
            new.unlink(missing_ok=True)
            raise


@contextmanager
def _kept_on_disk() -> Iterator[None]:
    """What the disk refuses, in words that name no path of it."""
    try:
        yield
    except OSError as error:
        raise gb.GlassBERTError(f"nothing can be written for this run: {error.strerror or error}") from error
