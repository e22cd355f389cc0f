"""Analyses as runs on the Data set page: started, waited for, stopped, resumed, deleted, and seen by whom."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import glassbert as gb
from components.gateway import data_sets
from components.gateway import settings as gateway
from components.gateway.runs import analysing, store
from components.gateway.runs import queue as queues
from components.gateway.runs.queue import RunState, state_of
from tests.glassbert.analysis.folders import write_folder
from tests.pages.workbench import as_read, messages, page, parameters, run

FAKE = "tests.components.gateway.runs.fake_training"
TABLE = b"review,stars\nGood film,POSITIVE\nBad film,NEGATIVE\n"


@pytest.fixture
def new_run() -> Iterator[Callable[..., str]]:
    """Make an analysis that was not started; all of them are removed afterwards."""
    made: list[str] = []

    def make(name: str = "films.csv") -> str:
        settings = {"methods": ["input_x_gradient"], "receipts": 0.0}
        made.append(store.create(name, name, TABLE, work="analysis", base="sentiment", settings=settings))
        return made[-1]

    yield make
    for one in made:
        queues.queue().delete(one)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_analysis_is_started_watched_stopped_resumed_and_deleted(
    new_run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysing, "arguments", lambda run, threads: [FAKE, "wait", str(store.folder_of(run) / "fake")])
    queues.queue.cache_clear()
    made, other = new_run(), new_run()
    app, second = page("data_set", run=made), page("data_set", run=other)
    for one in (app, second):
        one.button(key="analyse").click()
        run(one)
    until(lambda: state_of(made).name == "running")
    assert state_of(other) == RunState("waiting", 1)
    assert second.button(key="stop_analysis").label == "Leave the queue"
    second.button(key="stop_analysis").click()
    run(second)
    assert state_of(other) == RunState("stopped")
    app.button(key="stop_analysis").click()
    until(lambda: run(app) is not None and state_of(made).name == "stopped")
    run(app)
    assert "This analysis was stopped." in messages(app)
    app.button(key="resume_analysis").click()
    run(app)
    until(lambda: state_of(made).name == "running")
    told = as_read("\n".join(one.value for one in page("data_set").caption))
    assert "running · " in told
    assert "stopped, can be resumed · " in told
    app.button(key="delete_analysis_now").click()
    run(app)
    assert store.request_of(made) is None
    assert "run" not in parameters(app)
    queues.queue.cache_clear()


def test_on_a_shared_server_an_analysis_is_seen_by_whoever_has_its_address(
    new_run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = new_run("first.csv"), new_run("second.csv")
    found = replace(gateway.settings(), mode="shared")
    monkeypatch.setattr(gateway, "settings", lambda: found)
    listed = page("data_set")
    assert not [button for button in listed.button if (button.key or "").startswith("open_")]
    assert not [box for box in [*listed.selectbox, *listed.text_input] if box.label.startswith("Or a ")]
    app = page("data_set", run=first)
    app.button(key="all_analyses").click()
    run(app)
    assert [button.key for button in app.button if (button.key or "").startswith("open_")] == [f"open_{first}"]
    assert second not in "".join(element.value for element in [*app.markdown, *app.caption])


def test_a_shared_server_opens_result_folders_below_those_it_offers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("offered/one", "private"):
        write_folder(tmp_path / name, 5)
    (tmp_path / "offered" / "link").symlink_to(tmp_path / "private")
    found = replace(gateway.settings(), mode="shared", tables=(str(tmp_path / "offered"),))
    for module in (gateway, data_sets):
        monkeypatch.setattr(module, "settings", lambda: found)
    assert data_sets.result_folder(f" {tmp_path}/offered/one ") == (tmp_path / "offered" / "one", "made-0")
    for path in ("private", "offered/../private", "offered/link", "offered", "none", "offered/\x00"):
        with pytest.raises(gb.GlassBERTError, match="in the folders that this server offers"):
            data_sets.result_folder(f"{tmp_path}/{path}")
