"""Which port the app gets, what a user reads when there is none, and who the server answers to."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from scripts import serve


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("localhost", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("localhost", 0)) as server:
        return int(server.getsockname()[1])


def test_a_free_port_is_taken_as_asked(free_port: int) -> None:
    assert serve.choose_port("localhost", str(free_port)) == free_port


def test_a_taken_port_is_refused_with_a_free_one_to_type(taken_port: int) -> None:
    with pytest.raises(SystemExit) as stop:
        serve.choose_port("localhost", str(taken_port))
    message = str(stop.value)
    assert message.startswith(f"Port {taken_port} is taken by another program.")
    proposed = int(message.rpartition("PORT=")[2])
    assert proposed > taken_port
    assert serve.is_free("localhost", proposed)


def test_without_a_wish_the_next_free_port_is_taken_and_said(
    taken_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serve, "FIRST_PORT", taken_port)
    port = serve.choose_port("localhost", "")
    assert port > taken_port
    printed = capsys.readouterr().out
    assert printed == f"Port {taken_port} is taken, perhaps by another GlassBERT; this one uses {port}.\n"


def test_without_a_wish_the_usual_port_needs_no_words(
    free_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serve, "FIRST_PORT", free_port)
    assert serve.choose_port("localhost", "") == free_port
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("wanted", ["0", "65536", "-1", "8600.0", "abc", "٨٦٠٠", " "])
def test_a_port_that_is_none_is_refused(wanted: str) -> None:
    with pytest.raises(SystemExit, match=r"is not a port\. Ports are integers from 1 to 65535"):
        serve.choose_port("localhost", wanted)


# 192.0.2.0/24 is for documentation: no machine has such an address
@pytest.mark.parametrize("host", ["192.0.2.77", "2001:db8::1"])
def test_a_host_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(SystemExit, match=r"is not an address of this machine\. Use localhost"):
        serve.choose_port(host, "8600")


def option(command: list[str], name: str) -> str | None:
    return command[command.index(name) + 1] if name in command else None


def test_on_this_machine_the_configured_names_hold() -> None:
    command = serve.streamlit_command("localhost", 8600, watch=False)
    assert option(command, "--server.address") == "localhost"
    assert command[1].endswith("scripts/server.py")
    assert option(command, "--server.port") == "8600"
    assert "--server.allowedHosts" not in command
    assert "--server.fileWatcherType" not in command


def test_on_the_network_every_name_is_answered_and_the_address_is_given() -> None:
    command = serve.streamlit_command("0.0.0.0", 8600, watch=False)
    assert option(command, "--server.allowedHosts") == "*"
    # with this set, Streamlit does not ask an outside service for the public address
    assert option(command, "--browser.serverAddress")


def test_watching_reloads_on_save() -> None:
    command = serve.streamlit_command("localhost", 8600, watch=True)
    assert option(command, "--server.fileWatcherType") == "auto"
    assert option(command, "--server.runOnSave") == "true"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "there here"}, False),
        ({"DISPLAY": ":99", "CI": "true"}, False),
    ],
)
def test_a_browser_opens_only_before_a_person(
    environment: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert serve.has_screen() is expected


def test_two_starts_at_once_get_two_ports(free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither listens yet, so both ports look free; the first one is taken all the same."""
    monkeypatch.setattr(serve, "FIRST_PORT", free_port)
    first = serve.choose_port("localhost", "")
    second = serve.choose_port("localhost", "")
    assert first == free_port
    assert second > first
    with pytest.raises(SystemExit, match=f"Port {free_port} is taken"):
        serve.choose_port("localhost", str(free_port))


@pytest.mark.parametrize("host", ["", "  "])
def test_no_host_is_this_machine_and_not_everybody(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(serve.sys, "argv", ["serve.py", "--host", host])
    monkeypatch.setattr(serve, "has_screen", lambda: False)
    monkeypatch.setattr(serve.os, "execv", lambda _program, command: commands.append(command))
    serve.main()
    command = commands[0]
    assert command[command.index("--server.address") + 1] == "localhost"
    assert "--server.allowedHosts" not in command
