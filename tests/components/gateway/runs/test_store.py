"""Runs on the disk: what is kept, within which limits, and what a name or an id cannot do."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import pytest

import glassbert as gb
from components.gateway.runs import store
from components.gateway.settings import permitted
from tests.components.gateway.runs.conftest import Allow


def test_a_run_is_read_back_from_its_files(allow: Allow) -> None:
    folder = allow()
    run = store.create("../../A table\n<b>.csv", "../../A table.CSV.gz", b"text,label\na,1\n")
    assert store.is_id(run)
    assert sorted(path.name for path in (folder / run).iterdir()) == ["data.csv.gz", "request.json"]
    request = store.request_of(run)
    assert request is not None
    assert (request.name, request.source, request.on_board) == ("../../A table <b>.csv", "data.csv.gz", False)
    assert store.data_file(run, request).read_bytes() == b"text,label\na,1\n"
    assert store.model_folder(request) == folder / "models" / request.key / "a-table-b-csv"
    assert store.training_folder(request).name == "a-table-b-csv.training"
    assert request.key != run
    store.change(run, columns={"text": "text"}, pinned=("One.", "Two."))
    changed = store.request_of(run)
    assert changed is not None
    assert (changed.columns, changed.pinned, changed.key) == ({"text": "text"}, ("One.", "Two."), request.key)
    other = store.create("banking", "banking")
    assert [one for one, _ in store.listing()] == [other, run]
    store.delete(run)
    assert store.request_of(run) is None
    assert [one for one, _ in store.listing()] == [other]


@pytest.mark.parametrize("written", ["", "..", "models", "0" * 31, "0" * 33, "A" * 32, "../" + "0" * 29])
def test_what_is_no_id_is_no_path(allow: Allow, written: str) -> None:
    allow()
    assert store.request_of(written) is None
    with pytest.raises(ValueError, match="not the id"):
        store.folder_of(written)


def test_a_damaged_request_is_no_run(allow: Allow) -> None:
    folder = allow()
    run = store.create("banking", "banking")
    (folder / run / "request.json").write_text("{")
    assert store.request_of(run) is None
    assert list(store.listing()) == []


def test_the_limits_are_kept_and_told(allow: Allow) -> None:
    allow(most_runs=2, upload=1)
    with pytest.raises(gb.GlassBERTError, match=r"at most 1 MB here; this one has 1 MB"):
        store.create("a", "a.csv", b"x" * 1_000_001)
    with pytest.raises(gb.GlassBERTError, match=r"ends in \.csv, .* this one is called 'a\.exe'"):
        store.create("a", "a.exe", b"x")
    assert list(store.listing()) == []
    assert store.bytes_taken() == 0
    for _ in range(2):
        store.create("a", "a.csv", b"x" * 600_000)
    with pytest.raises(gb.GlassBERTError, match="keeps at most 2 runs, and has 2"):
        store.create("a", "a.csv", b"x")
    allow(disk=1)
    with pytest.raises(gb.GlassBERTError, match="may take 1 MB together, and would take 1 MB"):
        store.create("a", "a.csv", b"x")


def test_where_there_is_no_room_a_shared_server_forgets_what_nobody_trained_on(allow: Allow) -> None:
    allow(mode="shared", most_runs=3)
    forgotten, started, fresh = (store.create("a", "a.csv", b"x") for _ in range(3))
    for run in (forgotten, started):
        store.change(run, created=time.time() - 25 * 3600)
    store.change(started, started=True)
    new = store.create("a", "a.csv", b"x")
    assert {run for run, _ in store.listing()} == {started, fresh, new}
    store.change(fresh, created=0.0)
    allow(mode="local", most_runs=3)
    with pytest.raises(gb.GlassBERTError, match="keeps at most 3 runs"):
        store.create("a", "a.csv", b"x")
    assert store.request_of(fresh) is not None


def test_what_the_disk_refuses_is_told_without_its_path(allow: Allow, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    allow(runs=str(tmp_path / "a file"))
    with pytest.raises(gb.GlassBERTError, match="nothing can be written for this run") as refused:
        store.create("a", "a.csv", b"x")
    assert str(tmp_path) not in str(refused.value)


def test_the_model_is_downloaded_as_its_folder(allow: Allow) -> None:
    allow()
    request = store.request_of(store.create("My reviews", "banking"))
    assert request is not None
    folder = store.model_folder(request)
    (folder / "onnx").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "onnx" / "a.txt").write_text("b")
    packed = zipfile.ZipFile(io.BytesIO(store.zipped_model(request)))
    assert {name: packed.read(name) for name in packed.namelist()} == {
        "my-reviews/config.json": b"{}",
        "my-reviews/onnx/a.txt": b"b",
    }


def test_on_a_shared_server_a_tuned_model_opens_for_whoever_knows_its_name(allow: Allow) -> None:
    folder = allow(mode="shared")
    request = store.request_of(store.create("a", "banking"))
    assert request is not None
    assert permitted(str(store.model_folder(request)))
    for other in (folder, folder / "models", folder / "models" / "x" / "a", folder / "models" / request.key):
        assert not permitted(str(other))
    assert not permitted(f"{folder}/models/{request.key}/../../../{request.key}")
    assert not permitted(f"{folder}/models/{request.key}/a/b")
