"""The report's dialog, without a browser: what it promises, what it makes, and what it leaves alone."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.gateway import reports
from tests.pages.workbench import as_read, messages, page, parameters, run

TEXT = "The film was good."


def opened(page_id: str = "workbench", **view: str) -> AppTest:
    app = page(page_id, **{"text": TEXT} | view)
    app.button(key="report").click()
    return run(app)


def told(app: AppTest) -> str:
    return as_read("\n".join(element.value for element in [*app.markdown, *app.caption])).replace("**", "")


def wait(app: AppTest) -> AppTest:
    job = app.session_state["memory_jobs"]["report"]
    deadline = time.monotonic() + 120
    while job.running:
        assert time.monotonic() < deadline, "no report"
        time.sleep(0.05)
    return run(app)


def undated(html: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d{4}-\d\d-\d\d", "", html)


def test_it_says_what_it_holds_and_computes_nothing_before_the_button_is_pressed() -> None:
    app = opened()
    assert "explains what GlassBERT sentiment decided about this text: its class" in told(app)
    assert re.search(r"About \d+ (s|min)\. Nothing on the page changes", told(app))
    assert not app.session_state["memory_jobs"]["report"].started
    assert not [block for block in app.get("download_button") if "report_download" in block.proto.id]
    assert "decided about this text: the masked word" in told(opened(text="A [MASK] film."))
    pair = opened("next_sentence", text="He left.", pair="He was tired.", explain="next")
    assert "whether text B follows" in told(pair)


def test_the_file_is_the_librarys_and_the_view_stays(tiny_checkpoint: Callable[..., Path]) -> None:
    folder = tiny_checkpoint("bert", "classification")
    app = opened("saliency", model=str(folder), beside="", label="POSITIVE", foil_label="NEGATIVE", methods="saliency")
    before = parameters(app)
    app.button(key="report_start").click()
    run(app)
    made = wait(app).session_state["memory_jobs"]["report"].found.decode()
    assert [block for block in app.get("download_button") if "report_download" in block.proto.id]
    expected = gb.report(gb.load(folder, "cpu"), TEXT, target=gb.ClassTarget("POSITIVE", "NEGATIVE"))
    assert undated(made) == undated(expected.html)
    assert str(folder.parent) not in made
    assert parameters(app) == before


def test_it_can_be_stopped_and_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for seconds of work."""
    started = threading.Event()

    def work(progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> bytes:
        progress(300, 1000)
        started.set()
        while not cancelled():
            time.sleep(0.01)
        raise gb.StoppedError

    monkeypatch.setattr(reports, "report", lambda *_: work)
    app = opened()
    app.button(key="report_start").click()
    run(app)
    assert started.wait(20)
    assert [bar.proto.text for bar in app.get("progress")] == ["30%"]
    app.button(key="report_stop").click()
    run(app)
    wait(app)
    assert "Stopped before there were any results." in messages(app)
    monkeypatch.setattr(reports, "report", lambda *_: lambda **_: b"<!doctype html>")
    app.button(key="report_start").click()
    run(app)
    wait(app)
    assert app.session_state["memory_jobs"]["report"].found == b"<!doctype html>"


def test_without_an_answer_it_says_so() -> None:
    assert "no answer to report on" in messages(opened("inputs", beside="", text="No gap.", token="-1"))
