"""The first page's models are opened before the first visitor, and they are the ones that the page asks for."""

from __future__ import annotations

import socket
import sys
import time

import click
import pytest

from components.gateway import models
from components.gateway.requests import ModelRequest
from scripts import server


@pytest.mark.parametrize(
    ("a_page_was_drawn", "opened"), [(False, [ModelRequest("pretrained"), ModelRequest("sentiment")]), (True, [])]
)
def test_what_the_first_page_shows_is_opened_unless_somebody_came(
    a_page_was_drawn: bool, opened: list[ModelRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[object] = []
    monkeypatch.setattr(time, "sleep", happened.append)
    monkeypatch.setattr(models, "load", happened.append)
    if not a_page_was_drawn:
        monkeypatch.delitem(sys.modules, "components.gateway.models")  # what every page imports
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server.open_ahead("127.0.0.1", listening.getsockname()[1])
    assert happened == [server.QUIET_SECONDS, *opened]


def test_nothing_is_opened_before_the_server_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    opened: list[object] = []
    monkeypatch.setattr(models, "load", opened.append)

    def give_up(seconds: float) -> None:
        raise InterruptedError(seconds)

    monkeypatch.setattr(time, "sleep", give_up)
    with pytest.raises(InterruptedError):
        server.open_ahead("127.0.0.1", port)
    assert opened == []


@pytest.mark.parametrize(
    ("arguments", "expected"), [(["run", "app.py", "--server.port", "8600"], "8600"), (["run", "app.py"], "8501")]
)
def test_the_port_is_read_as_streamlit_reads_it(
    arguments: list[str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.sys, "argv", ["server.py", *arguments])
    assert server.option("--server.port", "8501") == expected


@pytest.mark.parametrize(
    ("ended", "status", "said"), [(click.Abort(), 0, ""), (click.UsageError("no such option"), 2, "no such option")]
)
def test_a_server_that_is_stopped_from_the_keyboard_has_not_failed(
    ended: Exception, status: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def end(**_: object) -> None:
        raise ended

    monkeypatch.setattr(server, "main", end)
    assert server.serve() == status
    assert said in capsys.readouterr().err
