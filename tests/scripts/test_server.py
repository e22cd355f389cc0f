"""The first page's models are opened before the first visitor, and they are the ones that the page asks for."""

from __future__ import annotations

import socket
import time

import pytest

from components import compute
from components.compute import ModelRequest
from scripts import server


def test_what_the_first_page_shows_is_opened_once_the_server_has_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[object] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: happened.append(seconds))
    monkeypatch.setattr(compute, "load", happened.append)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server.open_ahead("127.0.0.1", listening.getsockname()[1])
    assert happened == [server.QUIET_SECONDS, ModelRequest("pretrained"), ModelRequest("sentiment")]


def test_nothing_is_opened_before_the_server_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    opened: list[object] = []
    monkeypatch.setattr(compute, "load", opened.append)

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
