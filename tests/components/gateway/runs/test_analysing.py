"""An analysis as a run: its command, its place in the one queue, when it is done, and how far it is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from components.gateway.runs import analysing, command, store
from components.gateway.runs import queue as queues
from components.gateway.runs.queue import Queue, RunState, state_of
from glassbert.commands import parser
from tests.components.gateway.runs.conftest import Allow

FAKE = "tests.components.gateway.runs.fake_training"
TABLE = b"review,stars,country\nGood film,POSITIVE,DE\n"


def analysis(name: str = "films.csv", **chosen: Any) -> str:
    settings = {"methods": ["input_x_gradient", "saliency"], "receipts": 0.05}
    return store.create(name, name, TABLE, work="analysis", base="sentiment", settings=settings, **chosen)


def request_of(run: str) -> store.RunRequest:
    request = store.request_of(run)
    assert request is not None
    return request


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def write_manifest(folder: Path, **said: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(said))


def test_the_command_reads_what_was_chosen_whatever_the_names_are(allow: Allow) -> None:
    folder = allow()
    run = analysis("--out=elsewhere.csv")
    store.change(run, base="-m", columns={"text": "--device", "label": "-x y", "kind": "classification"})
    given = analysing.arguments(run, 2)
    assert given[0] == "glassbert"
    read = parser().parse_args(given[1:])
    assert (read.model, read.text, read.pair, read.label) == ("-m", "--device", None, "-x y")
    assert (read.methods, read.receipts, read.threads) == (["input_x_gradient", "saliency"], 0.05, 2)
    assert Path(read.data).read_bytes() == TABLE
    assert Path(read.out) == folder / run / "analysis" == store.analysis_folder(run, request_of(run))
    assert Path(read.progress).parent == folder / run


def test_the_command_of_a_set_on_board_and_of_no_method(allow: Allow) -> None:
    allow()
    run = store.create("Banking", "banking", work="analysis", base="sentiment", settings={"methods": []})
    read = parser().parse_args(analysing.arguments(run, 1)[1:])
    assert (read.data, read.methods, read.receipts) == ("banking", [], 0.0)


@pytest.mark.parametrize("said", ["", "[", "[]", '{"done": "many"}', "\x00"])
def test_progress_that_cannot_be_read_is_none(said: str, allow: Allow) -> None:
    allow()
    run = analysis()
    assert analysing.progress(run) == 0
    path = Path(parser().parse_args(analysing.arguments(run, 1)[1:]).progress)
    path.write_text(said)
    assert analysing.progress(run) == 0
    path.write_text('{"done": 17}')
    assert analysing.progress(run) == 17


def test_an_analysis_is_done_when_its_result_folder_says_so(allow: Allow, tmp_path: Path) -> None:
    allow()
    run = analysis()
    store.change(run, started=True)
    folder = store.analysis_folder(run, request_of(run))
    assert state_of(run) == RunState("stopped")
    for complete, name in ((False, "stopped"), ("yes", "stopped"), (True, "done")):
        write_manifest(folder, complete=complete)
        assert state_of(run).name == name
    (folder / "manifest.json").write_text("{")
    assert state_of(run) == RunState("stopped")
    # what the command line made is shown as it is, finished or not
    elsewhere = tmp_path / "elsewhere"
    write_manifest(elsewhere, complete=False)
    assert state_of(analysis(folder=str(elsewhere), started=True)) == RunState("done")


def test_a_deleted_analysis_goes_with_its_results_but_leaves_a_folder_of_the_command_line(
    allow: Allow, tmp_path: Path
) -> None:
    allow()
    elsewhere = tmp_path / "elsewhere"
    write_manifest(elsewhere, complete=True)
    own, other = analysis(), analysis(folder=str(elsewhere), started=True)
    write_manifest(store.analysis_folder(own, request_of(own)), complete=True)
    assert {run for run, _ in store.listing("analysis")} == {own, other}
    assert list(store.listing("training")) == []
    for run in (own, other):
        store.delete(run)
        assert not store.folder_of(run).exists()
    assert (elsewhere / "manifest.json").is_file()


def test_a_copy_is_an_analysis_of_the_same_table_without_its_results(allow: Allow) -> None:
    allow()
    run = analysis()
    store.change(run, started=True)
    write_manifest(store.analysis_folder(run, request_of(run)), complete=True)
    again = store.copy(run)
    copied = request_of(again)
    assert (copied.work, copied.base, copied.settings) == ("analysis", "sentiment", request_of(run).settings)
    assert state_of(again) == RunState("draft")
    assert store.data_file(again, copied).read_bytes() == TABLE


@pytest.fixture
def line(allow: Allow, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """The queue of the server, both of whose kinds of runs wait for ever."""
    allow()

    def waits(run: str, *_: object) -> list[str]:
        return [FAKE, "wait", str(store.model_folder(request_of(run)))]

    monkeypatch.setattr(command, "arguments", waits)
    monkeypatch.setattr(analysing, "arguments", waits)
    queues.queue.cache_clear()
    yield queues.queue()
    for run, _ in store.listing():
        queues.queue().delete(run)
    queues.queue.cache_clear()


def test_a_training_and_an_analysis_wait_for_each_other(line: Queue) -> None:
    training, first, second = store.create("a", "banking"), analysis(), analysis()
    for run in (training, first, second):
        line.start(run)
    until(lambda: state_of(training) == RunState("running"))
    assert [state_of(run) for run in (first, second)] == [RunState("waiting", 1), RunState("waiting", 2)]
    line.stop(training)
    until(lambda: state_of(first) == RunState("running"))
    line.stop(first)
    until(lambda: state_of(second) == RunState("running"))
    assert state_of(first) == RunState("stopped")
